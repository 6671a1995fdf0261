/**
 * `decisions.json`: what a person decided on golds that look wrong. The page of a report writes it, `curate` applies
 * it.
 *
 *     {"version": 1, "decisions": [
 *       {"source": "mine", "id": "17", "question": "How many?", "gold": "8", "decision": "accept"},
 *       {"source": "mine", "id": "18", "question": "How many?", "gold": "8", "decision": "replace", "replacement": "9"},
 *       {"source": "coco", "id": "4", "question": "", "gold": [{"bbox": [9, 9, 60, 50], "label": "cat"}],
 *         "decision": "replace", "replacement": [{"bbox_2d": [120, 90, 400, 510], "label": "cat"}]}]}
 *
 * `question` and `gold` are those that the person saw, as the owner's files have them: a decision holds only for them.
 * A replacement's boxes are whole numbers 0..1000 of the picture.
 */
import { readFileSync } from "node:fs";
import { describeValue, nearest } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, type GoldBox } from "@v-triune/schema";
import { DECISIONS, type Decision, type GoldDecision, type OwnerBox } from "./gold-decision";

const KEYS = ["source", "id", "question", "gold", "decision", "replacement"];

/**
 * Reads and checks a file of decisions.
 *
 * @throws DatasetError for a file that is missing, is not JSON or has another form, naming the entry; and for two
 *   decisions on one gold
 */
export function readDecisions(file: string): GoldDecision[] {
  const value = parsed(file);
  const wrong = (field: string, expected: string, found: unknown, fix?: string): DatasetError =>
    new DatasetError({
      code: "wrong-layout",
      file,
      field,
      expected,
      found: describeValue(found),
      fix: fix ?? "save the decisions from report.html again",
    });
  if (!isRecord(value) || !Array.isArray(value.decisions)) throw wrong("decisions", "a list of decisions", value);
  if (value.version !== 1)
    throw wrong("version", "1", value.version, "use the version of v-triune that wrote the file, or save it again");
  const entries = value.decisions as readonly unknown[];
  const seen = new Map<string, number>();
  return entries.map((entry, i) => {
    const decision = decisionOf(entry, (field, expected, found, fix) =>
      wrong(`decisions.${i}${field === "" ? "" : `.${field}`}`, expected, found, fix),
    );
    const key = JSON.stringify([decision.source, decision.id, decision.question, decision.gold]);
    const before = seen.get(key);
    if (before !== undefined)
      throw wrong(
        `decisions.${i}`,
        "one decision on a gold",
        `another one at decisions.${before}`,
        "remove one of them",
      );
    seen.set(key, i);
    return decision;
  });
}

function parsed(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new DatasetError({
      code: "missing-file",
      file,
      field: "decisions",
      expected: "the decisions that report.html saved",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "save them from the report's page and name the file, or remove the key decisions",
      cause,
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DatasetError({
      code: "wrong-layout",
      file,
      expected: "JSON",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "save the decisions from report.html again",
      cause,
    });
  }
}

type Complain = (field: string, expected: string, found: unknown, fix?: string) => DatasetError;

function decisionOf(entry: unknown, complain: Complain): GoldDecision {
  if (!isRecord(entry)) throw complain("", "a decision", entry);
  for (const key of Object.keys(entry)) {
    const near = nearest(key, KEYS);
    if (!KEYS.includes(key))
      throw complain(key, `one of ${KEYS.join(", ")}`, key, near === null ? undefined : `did you mean ${near}?`);
  }
  const text = (field: string): string => {
    const value = entry[field];
    if (typeof value !== "string") throw complain(field, "a text", value);
    return value;
  };
  const decision = text("decision") as Decision;
  if (!DECISIONS.includes(decision)) throw complain("decision", `one of ${DECISIONS.join(", ")}`, decision);
  const gold = typeof entry.gold === "string" ? entry.gold : boxesOf(entry.gold, "bbox");
  if (gold === null) throw complain("gold", "a text, or a list of {bbox, label}", entry.gold);
  const whole = { source: text("source"), id: text("id"), question: text("question"), gold, decision };
  if (decision !== "replace") {
    if (entry.replacement !== undefined) throw complain("replacement", `none with ${decision}`, entry.replacement);
    return whole;
  }
  const replacement =
    typeof gold === "string" ? nonEmpty(entry.replacement) : gridBoxes(boxesOf(entry.replacement, "bbox_2d"));
  if (replacement === null)
    throw complain(
      "replacement",
      typeof gold === "string" ? "an answer" : "a list of {bbox_2d, label}, whole numbers 0..1000 in order",
      entry.replacement,
    );
  return { ...whole, replacement };
}

function nonEmpty(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

function boxesOf(value: unknown, corners: "bbox" | "bbox_2d"): OwnerBox[] | null {
  if (!Array.isArray(value)) return null;
  const boxes = value.map((box: unknown): OwnerBox | null => {
    const bbox: unknown = isRecord(box) ? box[corners] : null;
    const isBox = Array.isArray(bbox) && bbox.length === 4 && bbox.every((corner) => Number.isFinite(corner));
    if (!isRecord(box) || !isBox || typeof box.label !== "string") return null;
    return { bbox: bbox as unknown as OwnerBox["bbox"], label: box.label };
  });
  return boxes.includes(null) ? null : (boxes as OwnerBox[]);
}

function gridBoxes(boxes: readonly OwnerBox[] | null): GoldBox[] | null {
  if (boxes === null || boxes.length === 0) return null;
  const isOnGrid = boxes.every(
    ({ bbox: [x1, y1, x2, y2] }) =>
      [x1, y1, x2, y2].every((corner) => Number.isInteger(corner) && corner >= 0 && corner <= 1000) &&
      x1 < x2 &&
      y1 < y2,
  );
  return isOnGrid ? boxes.map(({ bbox, label }) => ({ bbox_2d: bbox, label })) : null;
}
