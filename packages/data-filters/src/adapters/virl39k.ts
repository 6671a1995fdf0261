/**
 * ViRL39K: one Parquet file and an archive of pictures, split by category into science and chart. Rows of other
 * categories come from other data sets and are not read.
 */
import { sourceInfo } from "@v-triune/schema";
import { bareFormula, boxedContents } from "./owner-text";
import { placedPrompt } from "./prompt-turns";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, recordId, requiredText, tableRecords, textOf } from "./table-records";

function virlAdapter(key: string, categories: readonly string[]): SourceAdapter {
  const info = sourceInfo(key);
  return {
    info,
    read(context): AsyncIterable<SourceRow> {
      const pictures = new PictureIndex(context.folder);
      return eachRecord(
        context,
        tableRecords(context, /39K[^/]*\.(parquet|jsonl?)$/i, info.files.join("; "), info.url),
        (record) => {
          const category = textOf(record.value.category) ?? "";
          if (!categories.includes(category)) return null;
          const id = textOf(record.value.qid) ?? recordId(context, record);
          const answer = requiredText(record, "answer");
          const images = picturesOf(record.value.image, context, pictures, id);
          return {
            id,
            ...placedPrompt(requiredText(record, "question"), images.length),
            answer: bareFormula(boxedContents(answer)[0] ?? answer),
            pictures: images,
            category,
          };
        },
      );
    },
  };
}

/** Broader STEM topics and grade-school science. */
export const virl39kScience = virlAdapter("virl39k_science", ["Broader STEM Topics", "(GradeSchool) Science"]);
/** Tables, diagrams and charts. */
export const virl39kChart = virlAdapter("virl39k_chart", ["Tables/Diagrams/Charts"]);
