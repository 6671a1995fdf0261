/**
 * PuzzleVQA and AlgoPuzzleVQA (puzzle): one JSON Lines file per pattern, with the ending `.json`. Answers and options
 * are strings or numbers; both become text. The question does not list the options, so that the answer cannot be
 * guessed.
 */
import { join } from "node:path";
import { sourceInfo, type SourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { eachRecord, recordId, requiredText, tableRecords, textOf } from "./table-records";

/** An adapter for the layout of LLM-PuzzleTest. */
function puzzleAdapter(info: SourceInfo): SourceAdapter {
  return {
    info,
    read(context): AsyncIterable<SourceRow> {
      return eachRecord(
        context,
        tableRecords(context, /(^|\/)data\/\w+\.json$/, info.files.join("; "), info.url),
        (record) => {
          const { options } = record.value;
          const image = requiredText(record, "image");
          const data = record.file.slice(0, record.file.lastIndexOf("/"));
          return {
            id: recordId(context, record),
            question: requiredText(record, "question"),
            answer: requiredText(record, "answer").trim(),
            pictures: [{ name: image, file: join(data, image) }],
            category: record.file.slice(data.length + 1, -".json".length),
            ...(Array.isArray(options) ? { options: options.map((option) => textOf(option) ?? "") } : {}),
          };
        },
      );
    },
  };
}

/** PuzzleVQA, or a folder that holds both. */
export const puzzlevqa = puzzleAdapter(sourceInfo("puzzlevqa"));

/** AlgoPuzzleVQA alone. Its samples have the same file and data source as PuzzleVQA's. */
export const algopuzzlevqa = puzzleAdapter({
  ...sourceInfo("puzzlevqa"),
  key: "algopuzzlevqa",
  title: "AlgoPuzzleVQA",
  size: "1,800 puzzles",
});
