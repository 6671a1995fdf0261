/**
 * VisualPuzzles (puzzle): the Hugging Face export. The answer is a letter. If the options are text, a sample asks for
 * the option's text. If they are drawn in the picture, the letter stays, and the rule on multiple choice drops the row.
 */
import { sourceInfo } from "@v-triune/schema";
import { choiceText } from "./owner-text";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, requiredText, tableRecords, textOf } from "./table-records";

const info = sourceInfo("visualpuzzles");

export const visualpuzzles: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /\.(parquet|jsonl?)$/i, info.files.join("; "), info.url),
      (record) => {
        const id = requiredText(record, "id");
        const options = Array.isArray(record.value.options)
          ? record.value.options.map((option) => textOf(option) ?? "")
          : null;
        return {
          id,
          // Here `<image1>` names a part of the one picture. It is not a picture mark.
          question: requiredText(record, "question").replace(/<image(\d)>/g, "image $1"),
          answer: choiceText(requiredText(record, "answer"), options),
          pictures: picturesOf(record.value.image, context, pictures, `${id}.png`),
          category: textOf(record.value.category) ?? "",
          ...(options === null ? {} : { options }),
        };
      },
    );
  },
};
