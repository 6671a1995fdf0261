/**
 * MM-Math (math): JSON Lines with a worked solution; the answer is its `\boxed{}`. A solution with several boxes
 * answers several questions. Its answers are joined by `;`, so that the rule on symbols drops the row with its true
 * reason.
 */
import { DatasetError, sourceInfo } from "@v-triune/schema";
import { bareFormula, boxedContents } from "./owner-text";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, recordId, requiredText, tableRecords, textOf } from "./table-records";

const info = sourceInfo("mm_math");

export const mmMath: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /MM_Math[^/]*\.jsonl?$/i, info.files.join("; "), info.url),
      (record) => {
        const boxed = boxedContents(requiredText(record, "solution")).map(bareFormula);
        if (boxed.length === 0) {
          throw new DatasetError({
            code: "bad-value",
            file: record.file,
            row: record.row,
            field: "solution",
            expected: "a final answer in \\boxed{}",
            found: "no \\boxed{}",
          });
        }
        return {
          id: recordId(context, record),
          question: requiredText(record, "question"),
          answer: [...new Set(boxed)].join("; "),
          pictures: [pictures.find(requiredText(record, "file_name"))],
          category: textOf(record.value.difficult) ?? "",
        };
      },
    );
  },
};
