/** ChartX (chart): `ChartX_annotation.json`, a list of charts with one question each, and the charts by type. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, requiredText, tableRecords } from "./table-records";

const info = sourceInfo("chartx");

export const chartx: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /ChartX_annotation[^/]*\.json$/, info.files.join("; "), info.url),
      (record) => {
        const { QA: qa } = record.value;
        if (!isRecord(qa)) {
          throw new DatasetError({
            code: "missing-field",
            file: record.file,
            row: record.row,
            field: "QA",
            expected: "an object with input and output",
            found: JSON.stringify(qa ?? null),
          });
        }
        const type = requiredText(record, "chart_type");
        return {
          id: `${type}/${requiredText(record, "imgname")}`,
          question: requiredText({ ...record, value: qa }, "input"),
          answer: requiredText({ ...record, value: qa }, "output").trim(),
          pictures: [pictures.find(requiredText(record, "img"))],
          category: type,
        };
      },
    );
  },
};
