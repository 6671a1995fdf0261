/**
 * TableVQA-Bench (chart): one JSON list per subset beside `images/<subset>/`, or the Hugging Face export. Several gold
 * answers are joined by `||` in the files, and by commas in a row. `vtabfact` has 0 and 1 for false and true.
 */
import { sourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, pictureOf, requiredText, tableRecords, type TableRecord } from "./table-records";

const info = sourceInfo("tablevqa");
const SUBSETS = "fintabnetqa|vtabfact|vwtq_syn|vwtq";

export const tablevqa: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    // Only these folders: evaluation outputs of the repository repeat the questions in others. The hub's own export has
    // one folder per subset.
    const files = new RegExp(`^(data/|default/)?(${SUBSETS})([^/]*\\.(jsonl?|parquet)|/[^/]*\\.parquet)$`);
    return eachRecord(context, tableRecords(context, files, info.files.join("; "), info.url), (record) => {
      const subset = files.exec(record.file.slice(context.folder.length + 1))?.[2] ?? "";
      const id = requiredText(record, "qa_id");
      const name = `${id.replace(/[^\w.-]/g, "_")}.png`;
      const picture =
        record.value.image === undefined
          ? pictures.find(`images/${subset}/${name}`)
          : pictureOf(record.value.image, context, pictures, name);
      return {
        id: `${subset}/${id}`,
        question: requiredText(record, "question"),
        answer: goldText(record, subset),
        pictures: picture === null ? [] : [picture],
        category: subset,
      };
    });
  },
};

function goldText(record: TableRecord, subset: string): string {
  const gold = requiredText(record, "gt");
  if (subset === "vtabfact") return gold === "1" ? "true" : gold === "0" ? "false" : gold;
  return gold.split("||").join(", ");
}
