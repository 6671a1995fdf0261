/**
 * ScienceQA (science): `problems.json`, an object from id to record, with the pictures at `images/<split>/<id>/`; or
 * the Hugging Face export. The answer is the position of a choice. A sample asks for the choice's text, and its
 * question begins with the hint.
 */
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo } from "@v-triune/schema";
import { jsonMembers } from "./json-stream";
import type { AdapterContext, SourceAdapter, SourceRow } from "./source-adapter";
import { filesBelow, PictureIndex } from "./source-files";
import {
  eachRecord,
  pictureOf,
  recordId,
  requiredText,
  shown,
  tableRecords,
  textOf,
  type TableRecord,
} from "./table-records";

const info = sourceInfo("scienceqa");

export const scienceqa: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    const problems = filesBelow(context.folder, /(^|\/)problems\.json$/)[0];
    const records =
      problems === undefined
        ? tableRecords(context, /\.parquet$/i, info.files.join("; "), info.url)
        : problemRecords(context, join(context.folder, problems));
    return eachRecord(context, records, (record) => {
      const { value } = record;
      const choices = Array.isArray(value.choices) ? value.choices.map((choice) => textOf(choice) ?? "") : [];
      const answer = choices[Number(value.answer)];
      if (answer === undefined) {
        throw new DatasetError({
          code: "bad-value",
          file: record.file,
          row: record.row,
          field: "answer",
          expected: `a position 0..${choices.length - 1} of choices`,
          found: shown(value.answer),
        });
      }
      const id = textOf(value.pid) ?? recordId(context, record);
      const cell =
        typeof value.image === "string" && value.image !== ""
          ? `images/${String(value.split)}/${id}/${value.image}`
          : value.image;
      const picture = pictureOf(cell, context, pictures, `${id}.png`);
      const hint = textOf(value.hint)?.trim() ?? "";
      const question = requiredText(record, "question");
      return {
        id,
        question: hint === "" ? question : `${hint}\n${question}`,
        answer: answer.trim(),
        options: choices,
        pictures: picture === null ? [] : [picture],
        category: textOf(value.topic) ?? textOf(value.subject) ?? "",
      };
    });
  },
};

async function* problemRecords(context: AdapterContext, file: string): AsyncGenerator<TableRecord> {
  let row = 0;
  for await (const { key, value } of jsonMembers(file)) {
    if (isRecord(value)) yield { file, row, value: { ...value, pid: key } };
    else
      context.bad(
        new DatasetError({
          code: "wrong-type",
          file,
          row,
          field: key,
          expected: "an object",
          found: JSON.stringify(value),
        }),
      );
    row++;
  }
}
