import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Real samples of the data sets that the paper's sources come from; they come with the shared data, not with the clone.
 */
const ROOT = resolve(import.meta.dirname, "../../../../../../shared/realdata");
export const hasRealGolds = existsSync(ROOT);
if (!hasRealGolds) console.warn(`skipped: ${ROOT} is missing (it comes with the shared data, not with the clone)`);

type Row = Readonly<Record<string, unknown>>;

const json = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const rows = (path: string): Row[] => Object.values(json(path) as Row | Row[]) as Row[];
const lines = (path: string): Row[] =>
  readFileSync(join(ROOT, path), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
const files = (folder: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith(".json"))
    .map((file) => `${folder}/${file}`);

/** How the gold answers of each source are read. */
const SOURCES: Readonly<Record<string, () => unknown[]>> = {
  "tablevqabench/vwtq": () => rows("tablevqabench/vwtq.json").map(({ gt }) => gt),
  "tablevqabench/vwtq_syn": () => rows("tablevqabench/vwtq_syn.json").map(({ gt }) => gt),
  "tablevqabench/fintabnetqa": () => rows("tablevqabench/fintabnetqa.json").map(({ gt }) => gt),
  estvqa: () => rows("estvqa/gt_sample.json").map(({ answer }) => answer),
  mmk12: () => rows("mmk12/k12.json").map(({ answer }) => answer),
  chartqa: () =>
    ["simple", "complex"]
      .flatMap((kind) => files(`chartqa/dataset/${kind}`))
      .flatMap(rows)
      .map(({ label }) => label),
  chartx: () => rows("chartx/ChartX_annotation.json").map(({ QA }) => (QA as Row)["output"]),
  superclevr: () =>
    (json("superclevr_r1v/counting_results.json") as { results: Row[] }).results.map(
      ({ ground_truth }) => ground_truth,
    ),
  clevr: () =>
    (json("clevr/questions/CLEVR_train_questions.json") as { questions: Row[] }).questions.map(({ answer }) => answer),
  algopuzzlevqa: () =>
    files("algopuzzlevqa/data")
      .flatMap(lines)
      .map(({ answer }) => answer),
  puzzlevqa: () =>
    files("puzzlevqa/data")
      .flatMap(lines)
      .map(({ answer }) => answer),
  geometry3k: () =>
    readdirSync(join(ROOT, "geometry3k/test")).flatMap((id) => {
      const { choices, answer } = json(`geometry3k/test/${id}/data.json`) as { choices: string[]; answer: string };
      return [...choices, answer];
    }),
  scienceqa: () => rows("scienceqa/problems.json").flatMap(({ choices }) => choices as string[]),
};

/** The different gold answers of each source. */
export const realGolds = (): (readonly [source: string, golds: readonly string[]])[] =>
  hasRealGolds ? Object.entries(SOURCES).map(([source, read]) => [source, [...new Set(read().map(String))]]) : [];
