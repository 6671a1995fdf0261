import type { ContaminationExample, FoundContamination } from "@v-triune/data-filters";
import { UsageError } from "../../errors";
import { textOption, type Command } from "../syntax/command";

/** What a corpus has of benchmarks. */
export const contaminationCommand: Command = {
  meta: { name: "contamination", description: "Find what a corpus has of benchmarks, by text and by picture" },
  args: {
    corpus: { type: "positional", description: "Parquet files in the Orsta layout, a folder of them, or a glob" },
    benchmarks: {
      type: "string",
      valueHint: "file",
      description: "A YAML file that says which benchmarks are where",
    },
    text: {
      type: "enum",
      options: ["ngram", "minhash", "none"],
      default: "ngram",
      description: "Compare runs of 13 words, similar questions, or no texts",
    },
    pictures: { type: "boolean", default: true, description: "Compare pictures; --no-pictures compares texts only" },
    out: { type: "string", alias: "o", valueHint: "file", description: "A Parquet file for all hits" },
    "memory-limit": { type: "string", valueHint: "size", default: "2GB", description: "Memory limit of DuckDB" },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  examples: [
    "v-triune contamination corpus/ --benchmarks bench.yaml",
    "v-triune contamination corpus/ --benchmarks bench.yaml -o hits.parquet",
  ],
  notes:
    "The benchmark file is that of v-triune eval --benchmarks. To drop what is found, add decontaminate: {benchmarks: bench.yaml} to the file of v-triune curate, which reads other layouts, too.",
  async execute(context) {
    const { output, args } = context;
    const file = textOption(context, "benchmarks");
    if (file === undefined)
      throw new UsageError({
        what: "v-triune contamination needs --benchmarks.",
        expected: "a file that says which benchmarks are where: --benchmarks bench.yaml",
      });
    const [{ findContamination }, { benchmarkQuestions }, { catchInterruption }] = await Promise.all([
      import("@v-triune/data-filters"),
      import("../../contamination/benchmark-questions"),
      import("../../terminal/interruption"),
    ]);
    const interruption = catchInterruption({ message: "Stopping. Press Ctrl-C again to stop at once." });
    const text = textOption(context, "text");
    const out = textOption(context, "out");
    let badRows = 0;
    try {
      const found = await findContamination(textOption(context, "corpus")!, {
        benchmarks: benchmarkQuestions(file),
        text: text === "none" ? false : (text as "ngram" | "minhash"),
        pictures: args["pictures"] !== false,
        memoryLimit: textOption(context, "memory-limit"),
        ...(out === undefined ? {} : { output: out }),
        onBadRow: () => badRows++,
        signal: interruption.signal,
      });
      output.out(args["json"] === true ? `${JSON.stringify(found, null, 2)}\n` : formatContamination(found));
      if (badRows > 0) output.err(`${count(badRows)} rows cannot be read and were not compared.\n`);
      if (out !== undefined && args["json"] !== true) output.out(`All hits: ${out}\n`);
      return 0;
    } catch (error) {
      if (interruption.requested) return 130;
      throw error;
    } finally {
      interruption.dispose();
    }
  },
};

const count = (value: number): string => value.toLocaleString("en-US");
const fit = (text: string, width: number): string => {
  const flat = text
    .replace(/<image>/g, "")
    .replace(/\s+/g, " ")
    .trim();
  return flat.length <= width ? flat : `${flat.slice(0, width - 2)}..`;
};

/** The table of 80 columns, and the first hits, both sides of each. */
export function formatContamination({ read, rows, benchmarks, examples }: FoundContamination): string {
  const line = (name: string, ...cells: string[]): string =>
    `${fit(name, 20).padEnd(20)}${cells.map((cell) => cell.padStart(12)).join("")}`;
  const shown = examples.flatMap(({ source, id, question, ...hit }: ContaminationExample) => [
    `${fit(`${source}/${id}`, 50)} ${hit.kind === "text" ? "has the text of" : "shows the picture of"}`,
    `  ${fit(`${hit.benchmark}/${hit.benchmarkId}`, 76)}`,
    `  corpus     ${fit(question, 66)}`,
    `  benchmark  ${fit(hit.benchmarkQuestion, 66)}`,
  ]);
  return [
    line("benchmark", "questions", "pictures", "rows: text", "picture", "found"),
    ...benchmarks.map((one) =>
      line(
        one.name,
        count(one.questions),
        count(one.pictures),
        count(one.rowsByText),
        count(one.rowsByPicture),
        count(one.questionsFound),
      ),
    ),
    "",
    `${count(rows)} of ${count(read)} rows have a text or a picture of a benchmark.`,
    ...(shown.length > 0 ? ["", ...shown] : []),
    "",
  ].join("\n");
}
