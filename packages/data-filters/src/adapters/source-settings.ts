/** The settings of each adapter that takes some: name → what it is, for people and for checks. */
import { nearest } from "@v-triune/errors";
import { TASKS } from "@v-triune/schema";
import { badSetting } from "./own-source";

const OWN = {
  task: `required: one of ${TASKS.join(", ")}`,
  name: "required: data_source of the samples, of a-z, 0-9 and _",
  files: "a regular expression that selects files. Default: all",
  verifier: "answer for gold answers of any kind. Default: mathverify, or detection for boxes",
  answerType: "what the gold answers are, with verifier: answer: code, tuple, .. Default: what their form says",
};
const FROM = { from: "questions or scenes. Default: questions if the folder has any" };

/** By the key of the source. */
export const sourceSettings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  clevr: FROM,
  superclevr: FROM,
  table: {
    ...OWN,
    columns:
      "required: your column for each of question, answer, image, id, options, category; " +
      "for boxes: boxes, image, width, height. A column of the same name need not be listed",
    boxFormat: "xywh if boxes are [x, y, width, height]. Default: xyxy, for [x1, y1, x2, y2]",
    field: "the key of a JSON document that holds the records. Default: the key with a list of objects",
  },
  verl: OWN,
};

/** @throws DatasetError `bad-option` for a setting that the source does not have */
export function checkSettings(key: string, settings: Readonly<Record<string, unknown>>): void {
  const known = Object.keys(sourceSettings[key] ?? {});
  const unknown = Object.keys(settings).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const fix = near === null ? "remove it" : `did you mean ${near}?`;
  throw badSetting(unknown, known.length === 0 ? "no settings" : `one of ${known.join(", ")}`, unknown, fix);
}
