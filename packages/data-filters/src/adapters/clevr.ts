/**
 * CLEVR and Super-CLEVR (counting): the owner's `questions/*_questions.json`, with the pictures below the folder.
 * Without questions (or with `from: scenes`) each scene graph gives one question, which asks for the number of its
 * objects.
 */
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo, type SourceInfo } from "@v-triune/schema";
import { jsonMembers } from "./json-stream";
import type { AdapterContext, SourceAdapter, SourceRow } from "./source-adapter";
import { filesBelow, PictureIndex, wrongLayout } from "./source-files";
import { eachRecord, requiredText, type TableRecord } from "./table-records";

const SCENE_QUESTION = "How many items are there in the image?";

/** An adapter for the CLEVR layout. */
export function clevrAdapter(info: SourceInfo): SourceAdapter {
  return {
    info,
    async *read(context) {
      const pictures = new PictureIndex(context.folder);
      const questions = filesBelow(context.folder, /questions[^/]*\.json$/i).filter(
        (path) => !path.startsWith("questions_"),
      );
      const scenes = filesBelow(context.folder, /scenes[^/]*\.json$/i);
      const results = filesBelow(context.folder, /counting_results\.json$/);
      const from = context.settings.from ?? (questions.length > 0 ? "questions" : "scenes");
      if (from === "questions" && questions.length > 0) {
        for (const path of questions) yield* fromQuestions(context, path, pictures);
      } else if (from === "scenes" && scenes.length > 0) {
        for (const path of scenes) yield* fromScenes(context, path, pictures);
      } else if (results.length > 0) {
        for (const path of results) yield* fromResults(context, path, pictures);
      } else {
        throw wrongLayout(context.folder, info.files.join("; "), info.url);
      }
    },
  };
}

/** CLEVR. */
export const clevr = clevrAdapter(sourceInfo("clevr"));

/** Super-CLEVR: vehicles instead of solids, in the same layout. */
export const superclevr = clevrAdapter({
  ...sourceInfo("clevr"),
  key: "superclevr",
  title: "Super-CLEVR",
  dataSource: "superclevr",
  fileSource: "superclevr",
  owner: "Lizw14",
  license: "not stated",
  url: "https://github.com/Lizw14/Super-CLEVR",
  size: "30,000 pictures",
  files: ["superCLEVR_questions_*.json", "images/<name>.png"],
});

async function* members(context: AdapterContext, path: string, key: string): AsyncGenerator<TableRecord> {
  const file = join(context.folder, path);
  let row = 0;
  for await (const { value } of jsonMembers(file, key)) {
    if (isRecord(value)) yield { file, row, value };
    else
      context.bad(
        new DatasetError({ code: "wrong-type", file, row, expected: "an object", found: JSON.stringify(value) }),
      );
    row++;
  }
}

function fromQuestions(context: AdapterContext, path: string, pictures: PictureIndex): AsyncGenerator<SourceRow> {
  return eachRecord(context, members(context, path, "questions"), (record) => {
    const picture = requiredText(record, "image_filename");
    const answer = requiredText(record, "answer");
    return {
      id: `${record.value.split ?? path}/${record.value.question_index ?? record.row}`,
      question: requiredText(record, "question"),
      answer,
      pictures: [pictures.find(picture)],
      category: answer,
    };
  });
}

function fromScenes(context: AdapterContext, path: string, pictures: PictureIndex): AsyncGenerator<SourceRow> {
  return eachRecord(context, members(context, path, "scenes"), (record) => {
    const { objects } = record.value;
    if (!Array.isArray(objects)) {
      throw new DatasetError({
        code: "missing-field",
        ...place(record),
        field: "objects",
        expected: "a list of objects",
        found: "no list",
      });
    }
    return {
      id: `${record.value.split ?? path}/scene-${record.value.image_index ?? record.row}`,
      question: SCENE_QUESTION,
      answer: `${objects.length}`,
      pictures: [pictures.find(requiredText(record, "image_filename"))],
      category: `${objects.length}`,
    };
  });
}

/** The questions as R1-V's evaluation logs hold them. */
function fromResults(context: AdapterContext, path: string, pictures: PictureIndex): AsyncGenerator<SourceRow> {
  return eachRecord(context, members(context, path, "results"), (record) => {
    const inner = record.value.question;
    const question: TableRecord = isRecord(inner) ? { ...record, value: inner } : record;
    const answer = requiredText(question, "ground_truth");
    return {
      id: `${record.row}`,
      question: requiredText(question, "question"),
      answer,
      pictures: [pictures.find(requiredText(question, "image_path"))],
      category: answer,
    };
  });
}

function place(record: TableRecord): { file: string; row: number } {
  return { file: record.file, row: record.row };
}
