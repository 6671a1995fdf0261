/**
 * SciVQA (science): records of a figure, its caption and a question. Options are a list of objects with one letter
 * each. If the answer is a letter, it becomes the option's text.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { sourceInfo } from "@v-triune/schema";
import { choiceText } from "./owner-text";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, requiredText, tableRecords, textOf } from "./table-records";

const info = sourceInfo("scivqa");

export const scivqa: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /\.(parquet|jsonl?)$/i, info.files.join("; "), info.url),
      (record) => {
        const { value } = record;
        const id = requiredText(record, "instance_id");
        const options = optionTexts(value.answer_options);
        const caption = textOf(value.caption)?.trim() ?? "";
        const question = requiredText(record, "question");
        return {
          id,
          question: caption === "" ? question : `${caption}\n${question}`,
          answer: choiceText(requiredText(record, "answer"), options),
          options,
          pictures: picturesOf(value.image ?? value.image_file, context, pictures, `${id}.png`),
          category: textOf(value.qa_pair_type) ?? "",
        };
      },
    );
  },
};

/** `[{"A": "red"}, {"B": "blue"}]` → `["red", "blue"]`; Parquet gives every key in each struct, all but one null. */
function optionTexts(cell: unknown): string[] {
  if (!Array.isArray(cell)) return [];
  const texts: string[] = [];
  for (const option of cell) {
    const value = isRecord(option) ? Object.values(option).find((text) => text !== null && text !== undefined) : option;
    texts.push(textOf(value) ?? "");
  }
  return texts;
}
