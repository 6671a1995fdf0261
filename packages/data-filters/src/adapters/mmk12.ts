/**
 * MMK12 (math): `k12.json` beside `images/`, or the Hugging Face export (question, answer, subject, image). Of the
 * export, only mathematics is read.
 */
import { sourceInfo } from "@v-triune/schema";
import { bareFormula } from "./owner-text";
import { placedPrompt } from "./prompt-turns";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, recordId, requiredText, tableRecords, textOf } from "./table-records";

const info = sourceInfo("mmk12");

export const mmk12: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    const records = tableRecords(context, /(k12[^/]*\.jsonl?|\.parquet)$/i, info.files.join("; "), info.url);
    return eachRecord(context, records, (record) => {
      const id = textOf(record.value.id) ?? recordId(context, record);
      const subject = textOf(record.value.subject);
      if (subject !== null && !/^math/i.test(subject)) return null;
      const images = picturesOf(record.value.image ?? record.value.image_path, context, pictures, `${id}.png`);
      return {
        id,
        ...placedPrompt(requiredText(record, "question"), images.length),
        answer: bareFormula(requiredText(record, "answer")),
        pictures: images,
        ...(subject === null ? {} : { category: subject }),
      };
    });
  },
};
