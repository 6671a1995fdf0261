/**
 * CountBench (arXiv 2302.12066) with the questions of CountBenchQA (arXiv 2407.07726): Parquet files with image,
 * question and number.
 *
 * Metric: share of answers whose number is the gold one (lmms-eval, VLMEvalKit: exact match of the number in the
 * answer).
 */
import type { Benchmark } from "../benchmark";
import { finalAnswer, lastNumber } from "../answers/read-answer";
import { isNumber, isText, field, wrongLayout } from "../files/layout";
import { findParquet, readParquetRows } from "../files/parquet-rows";

export const countbench: Benchmark = {
  name: "countbench",
  title: "CountBench",
  domain: "in",
  domainReason: "counting is trained on CLEVR",
  task: "counting",
  metric: "exact match of the number (CountBenchQA)",
  layout: "data/test-*.parquet with image, question, number (vikhyatk/CountBenchQA)",
  async open(folder) {
    const files = findParquet(folder, (path) => /(^|\/)(test|train|default)[^/]*(\/|\.parquet|-)/.test(path));
    if (files.length === 0) throw wrongLayout("CountBench", folder, ["data/test-*.parquet"]);
    const rows = await readParquetRows(folder, files, ["question", "number"]);
    const items = rows.map((row, index) => {
      const gold = field(row.values, "number", isNumber, "a whole number", row.where);
      const question = field(row.values, "question", isText, "a question", row.where);
      return {
        id: String(index),
        part: `${gold}`,
        prompt: `<image>${question}\nAnswer with the number only.`,
        pictures: async () => [(await row.picture("image")) ?? new Uint8Array()],
        score(response: string) {
          const number = lastNumber(finalAnswer(response));
          return { score: number === gold ? 1 : 0, vote: number === undefined ? "" : String(number) };
        },
      };
    });
    return { items, leftOut: {} };
  },
};
