/**
 * Parquet of the verl family (`source: verl`), also Orsta's: data_source, prompt, images, reward_model. Use it to
 * filter a corpus again. The user's turns are the question; gold boxes are read from the ground truth, relative to the
 * picture. `settings: { task, name }` describe the source, `files` (a regular expression) selects files.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, parseDetectionGroundTruth, unboxGroundTruth } from "@v-triune/schema";
import { withoutImageMarks } from "./owner-text";
import { ownFiles, ownSource } from "./own-source";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import {
  eachRecord,
  picturesOf,
  recordId,
  requiredText,
  tableRecords,
  textOf,
  type TableRecord,
} from "./table-records";

/** The adapter. @throws DatasetError `bad-option` without a task and a name */
export function verlAdapter(settings: Readonly<Record<string, unknown>>): SourceAdapter {
  const info = ownSource(settings, "*.parquet with prompt and reward_model");
  // A curated folder holds its ledger beside the corpus.
  const files = ownFiles(settings, /^(?!(.*\/)?ledger\.parquet$).*\.parquet$/i);
  return {
    info,
    read(context): AsyncIterable<SourceRow> {
      const pictures = new PictureIndex(context.folder);
      return eachRecord(context, tableRecords(context, files, info.files.join("; ")), (record) => {
        const { prompt, reward_model: reward, extra_info: extra } = record.value;
        const id = (isRecord(extra) ? (textOf(extra.id) ?? textOf(extra.index)) : null) ?? recordId(context, record);
        const question = userText(record, prompt);
        const gold = requiredText({ ...record, value: isRecord(reward) ? reward : {} }, "ground_truth");
        const images = picturesOf(record.value.images ?? record.value.image, context, pictures, id);
        const boxes = info.verifier === "detection" ? parseDetectionGroundTruth(gold) : null;
        if (boxes === null) return { id, question, answer: unboxGroundTruth(gold) ?? gold, pictures: images };
        const list = boxes.map(({ bbox_2d: [x1, y1, x2, y2], label }) => ({ x1, y1, x2, y2, label }));
        return { id, question: "", answer: "", pictures: images, boxes: list, boxUnit: "relative" };
      });
    },
  };
}

function userText(record: TableRecord, prompt: unknown): string {
  const turns = Array.isArray(prompt) ? prompt.filter(isRecord) : [];
  const asked = turns.filter((turn) => turn.role === "user").map((turn) => textOf(turn.content) ?? "");
  if (asked.length > 0) return withoutImageMarks(asked.join("\n"));
  throw new DatasetError({
    code: "missing-field",
    file: record.file,
    row: record.row,
    field: "prompt",
    expected: "a list of messages, one by the user",
    found: JSON.stringify(prompt ?? null).slice(0, 60),
  });
}
