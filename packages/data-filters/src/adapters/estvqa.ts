/**
 * EST-VQA (OCR, English and Chinese): a JSON list of questions, or of pictures with their questions under `annotation`.
 * A rule selects the language.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { sourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, recordId, requiredText, tableRecords, textOf, type TableRecord } from "./table-records";

const info = sourceInfo("estvqa");

export const estvqa: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    const files = /^(?!.*pred)[^/]*\.jsonl?$/i;
    return eachRecord(context, tableRecords(context, files, info.files.join("; "), info.url), (record) => {
      const annotation = record.value.annotation ?? record.value.annotations;
      const questions = Array.isArray(annotation) ? annotation.filter(isRecord) : [record.value];
      return questions.map((question, i) =>
        estRow({ ...record, value: { ...record.value, ...question } }, recordId(context, record), i, pictures),
      );
    });
  },
};

function estRow(record: TableRecord, place: string, i: number, pictures: PictureIndex): SourceRow {
  const { value } = record;
  const name = textOf(value.image) ?? textOf(value.file_name) ?? textOf(value.image_id);
  const file = name === null || /\.\w{3,4}$/.test(name) ? name : `${name}.jpg`;
  return {
    id: textOf(value.question_id) ?? `${place}#${i}`,
    question: requiredText(record, "question"),
    answer: requiredText(record, "answer").trim(),
    pictures: file === null ? [] : [pictures.find(file)],
  };
}
