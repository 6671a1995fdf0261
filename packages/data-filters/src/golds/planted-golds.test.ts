/**
 * Wrong golds are planted in three sources, a simulated model (testing/simulated-model.ts) answers, and the golds that
 * look wrong are compared with those that are. Prints precision and recall.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CurationConfig } from "../curate/config";
import { curate } from "../curate/curate";
import type { CurationReport } from "../curate/report";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { tinyPng } from "../testing/fixtures";
import { PICTURE, plantedBoxes, plantedChoices, plantedNumbers, type Skill } from "../testing/simulated-model";

const ROWS = 400;
const WRONG = 0.05;
const SKILL: Skill = { skill: 2, misconceptions: 0.01, answers: 8 };

let folder: string;
let config: CurationConfig;
let report: CurationReport;
const numbers = plantedNumbers(11, ROWS, WRONG, SKILL);
const choices = plantedChoices(12, ROWS, WRONG, SKILL);
const boxes = plantedBoxes(13, ROWS, WRONG, SKILL);
const wrong = new Set([...numbers, ...choices, ...boxes].filter(({ isWrong }) => isWrong).map(({ id }) => id));

const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

/** The rows of suspicious-golds.parquet of a run, in their order. */
async function suspects(output: string): Promise<Record<string, unknown>[]> {
  return withDatabase({ threads: 1 }, (connection) =>
    queryRows(connection, `SELECT * FROM ${literal(join(output, "suspicious-golds.parquet"))}`),
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "planted-"));
  for (const name of ["numbers", "choices", "boxes", "rollouts"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "boxes/scene.png"), await tinyPng(PICTURE.width, PICTURE.height, 1));
  writeFileSync(
    join(folder, "numbers/rows.jsonl"),
    lines(numbers.map(({ id, question, gold }) => ({ id, question, answer: gold }))),
  );
  writeFileSync(
    join(folder, "choices/rows.jsonl"),
    lines(choices.map(({ id, question, gold, options }) => ({ id, question, answer: gold, options }))),
  );
  writeFileSync(
    join(folder, "boxes/rows.jsonl"),
    lines(boxes.map(({ id, gold }) => ({ id, image: "scene.png", boxes: gold }))),
  );
  const rollouts = (source: string, rows: readonly { id: string; responses: readonly string[] }[]): string =>
    lines(rows.map(({ id, responses }) => ({ source, id, responses })));
  writeFileSync(join(folder, "rollouts/numbers.jsonl"), rollouts("lengths", numbers));
  writeFileSync(join(folder, "rollouts/choices.jsonl"), rollouts("animals", choices));
  writeFileSync(join(folder, "rollouts/boxes.jsonl"), rollouts("scenes", boxes));
  const source = (path: string, task: string, name: string, columns: object) => ({
    source: "table",
    path: join(folder, path),
    settings: { task, name, columns },
  });
  config = {
    sources: [
      source("numbers", "math", "lengths", {}),
      source("choices", "science", "animals", { options: "options" }),
      source("boxes", "detection", "scenes", { id: "id", image: "image", boxes: "boxes" }),
    ],
    rules: ["duplicate-id"],
    rollouts: join(folder, "rollouts"),
    output: join(folder, "corpus"),
    threads: 2,
  };
  report = await curate(config);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("finds planted wrong golds, and says with what precision and recall", async () => {
  const found = await suspects(config.output);
  expect(found.map(({ suspicion }) => suspicion)).toEqual(
    found.map(({ suspicion }) => Number(suspicion)).sort((a, b) => b - a),
  );
  const table: string[] = [];
  const total = { found: 0, right: 0 };
  for (const { source, suspected, rows } of report.suspiciousGolds!.sources) {
    expect(rows).toBe(ROWS);
    const own = found.filter((row) => row.source === source && Number(row.suspicion) >= 0.5);
    expect(own).toHaveLength(suspected);
    const right = own.filter(({ id }) => wrong.has(String(id))).length;
    const planted = [...wrong].filter((id) =>
      id.startsWith({ lengths: "n", animals: "c", scenes: "b" }[source]!),
    ).length;
    total.found += own.length;
    total.right += right;
    table.push(
      `${source.padEnd(8)} planted ${planted}, suspected ${own.length}: ` +
        `precision ${(right / own.length).toFixed(2)}, recall ${(right / planted).toFixed(2)}`,
    );
  }
  const [precision, recall] = [total.right / total.found, total.right / wrong.size];
  console.log([...table, `all: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`].join("\n"));
  expect(precision).toBeGreaterThan(0.65);
  expect(recall).toBeGreaterThan(0.65);
  expect(report.suspiciousGolds).toMatchObject({ rows: 3 * ROWS, suspected: total.found });
});
