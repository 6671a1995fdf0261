/**
 * LLaVA-OneVision's OCR subsets (OCR): the Hugging Face export. A conversation alternates questions and answers about
 * one picture; each pair becomes a row. A rule selects the language.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo } from "@v-triune/schema";
import { placedPrompt } from "./prompt-turns";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, recordId, shown, tableRecords, textOf } from "./table-records";

const info = sourceInfo("llava_ov_ocr");

export const llavaOvOcr: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /\.(parquet|jsonl?)$/i, info.files.join("; "), info.url),
      (record) => {
        const id = textOf(record.value.id) ?? recordId(context, record);
        const turns = Array.isArray(record.value.conversations) ? record.value.conversations : [];
        const images = picturesOf(record.value.image, context, pictures, `${id}.png`);
        const rows: SourceRow[] = [];
        for (let i = 0; i + 1 < turns.length; i += 2) {
          const [asked, answered] = [turns[i] as unknown, turns[i + 1] as unknown];
          const question = isRecord(asked) && asked.from === "human" ? textOf(asked.value) : null;
          const answer = isRecord(answered) && answered.from === "gpt" ? textOf(answered.value) : null;
          if (question === null || answer === null) break;
          rows.push({
            id: turns.length > 2 ? `${id}#${i / 2}` : id,
            ...placedPrompt(question, images.length),
            answer: answer.trim(),
            pictures: images,
            category: textOf(record.value.data_source) ?? "",
          });
        }
        if (rows.length > 0) return rows;
        throw new DatasetError({
          code: "bad-value",
          file: record.file,
          row: record.row,
          field: "conversations",
          expected: 'turns {"from": "human"}, {"from": "gpt"}, ..',
          found: shown(record.value.conversations),
        });
      },
    );
  },
};
