/** What a gold answer is, so that right and wrong answers of its kind can be written. */
import { explain, type AnswerTypeName } from "@v-triune/verifiers/answer";
import { parseBoxes, type Box } from "@v-triune/verifiers/detection";

/** A gold answer as the audit sees it. */
export interface GoldKind {
  readonly type: AnswerTypeName | "boxes" | "json" | "none";
  /** The answer itself, without box, tags or announcement. */
  readonly answer: string;
  readonly boxes: readonly Box[];
}

/** Types a gold answer by its form. */
export function goldKind(gold: string): GoldKind {
  const inTags = /<answer>\s*(.*?)\s*<\/answer>/s.exec(gold)?.[1] ?? gold;
  if (inTags.includes("bbox")) {
    const boxes = parseBoxes(inTags);
    if (boxes.length > 0) return { type: "boxes", answer: inTags.trim(), boxes };
  }
  if (isJsonObject(inTags)) return { type: "json", answer: inTags.trim(), boxes: [] };
  const { gold: read } = explain(gold, "");
  return read === undefined
    ? { type: "none", answer: gold.trim(), boxes: [] }
    : { type: read.type, answer: read.text.trim(), boxes: [] };
}

/** Whether two golds ask for the same answer, by their text or by a careful reading in either direction. */
export function isSameGold(a: string, b: string): boolean {
  const key = (text: string) => text.replaceAll(/[\s$]/g, "").toLowerCase();
  if (key(goldKind(a).answer) === key(goldKind(b).answer)) return true;
  const says = (gold: string, answer: string) => explain(gold, `\\boxed{${answer}}`).verdict === "right";
  return says(a, goldKind(b).answer) || says(b, goldKind(a).answer);
}

/** Whether two golds are numbers within a tolerance of each other, relative to the larger one. */
export function isNear(a: string, b: string, tolerance: number): boolean {
  const [x, y] = [a, b].map((gold) => Number(goldKind(gold).answer.replaceAll(/[,%]/g, "")));
  return Math.abs(x! - y!) <= Math.max(Math.abs(x!), Math.abs(y!)) * tolerance;
}

function isJsonObject(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && (!Array.isArray(value) || typeof value[0] === "object");
  } catch {
    return false;
  }
}
