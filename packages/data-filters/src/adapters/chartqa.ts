/** ChartQA (chart): JSON lists of {imgname, query, label} with the charts below the folder. */
import { sourceInfo, type SourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, recordId, requiredText, tableRecords } from "./table-records";

const info: SourceInfo = {
  ...sourceInfo("chartqapro"),
  key: "chartqa",
  title: "ChartQA",
  dataSource: "chartqa",
  fileSource: "chartqa",
  owner: "vis-nlp",
  license: "GPL-3.0",
  url: "https://github.com/vis-nlp/ChartQA",
  size: "32,719 questions",
  files: ["<split>_{human,augmented}.json", "<split>/png/<imgname>"],
};

export const chartqa: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    const records = tableRecords(context, /(human|augmented)[^/]*\.json$/, info.files.join("; "), info.url);
    return eachRecord(context, records, (record) => {
      const stem = record.file.slice(record.file.lastIndexOf("/") + 1, -".json".length);
      return {
        id: recordId(context, record),
        question: requiredText(record, "query"),
        answer: requiredText(record, "label"),
        pictures: [pictures.find(requiredText(record, "imgname"))],
        category: stem,
      };
    });
  },
};
