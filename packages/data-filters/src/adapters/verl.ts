/**
 * Parquet of the verl family (`source: verl`), also Orsta's: data_source, prompt, images, reward_model. Use it to
 * filter a corpus again. Prompts stay as they are, with their turns and the places of their pictures; rules look at the
 * user's turns. Gold boxes are read from the ground truth, relative to the picture. `settings: { task, name }` describe
 * the source, `files` (a regular expression) selects files.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { parseDetectionGroundTruth, unboxGroundTruth } from "@v-triune/schema";
import { ownFiles, ownSource } from "./own-source";
import { jsonCell, turnsPrompt } from "./prompt-turns";
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

/** The columns that every file needs. */
const NEEDED = { required: { prompt: "prompt", reward_model: "reward_model" }, named: {} };

/** The adapter. @throws DatasetError `bad-option` without a task and a name */
export function verlAdapter(settings: Readonly<Record<string, unknown>>): SourceAdapter {
  const info = ownSource(settings, "*.parquet with prompt and reward_model");
  // A curated folder holds its ledger, and what decontaminate and rollouts found, beside the corpus.
  const files = ownFiles(settings, /^(?!(.*\/)?(ledger|contamination|suspicious-golds)\.parquet$).*\.parquet$/i);
  return {
    info,
    read(context): AsyncIterable<SourceRow> {
      const index = new PictureIndex(context.folder);
      const records = tableRecords(context, files, info.files.join("; "), undefined, NEEDED);
      const rowOf = (record: TableRecord): SourceRow => {
        const id = ownId(record) ?? recordId(context, record);
        const reward = jsonCell(record.value.reward_model);
        const gold = requiredText({ ...record, value: isRecord(reward) ? reward : {} }, "ground_truth");
        const pictures = picturesOf(jsonCell(record.value.images ?? record.value.image), context, index, id);
        const prompt = turnsPrompt(record, "prompt", record.value.prompt, pictures.length);
        const boxes = info.verifier === "detection" ? parseDetectionGroundTruth(gold) : null;
        if (boxes === null) return { id, ...prompt, answer: unboxGroundTruth(gold) ?? gold, pictures };
        const list = boxes.map(({ bbox_2d: [x1, y1, x2, y2], label }) => ({ x1, y1, x2, y2, label }));
        return { id, ...prompt, question: "", answer: "", pictures, boxes: list, boxUnit: "relative" };
      };
      return eachRecord(context, records, rowOf, ownId);
    },
  };
}

function ownId({ value }: TableRecord): string | null {
  const extra = jsonCell(value.extra_info);
  return isRecord(extra) ? (textOf(extra.id) ?? textOf(extra.index)) : null;
}
