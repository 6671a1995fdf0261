/**
 * The stages of `answer` in their order, and what each found: locate, type, normalize, compare. A verdict is a pure function of gold
 * answer, response and parameters, and `explain` is that function with its reasons.
 */
import { type AnswerParams, readAnswerParams } from "./answer-params";
import { compareAnswer } from "./compare/compare";
import type { Comparison } from "./compare/comparison";
import { approximate } from "./compare/math-engine";
import { findBoxes, joinBoxes, standingBoxes } from "./locate/boxes";
import { locate } from "./locate/locate";
import type { How } from "./locate/place";
import { answerScope } from "./locate/scope";
import { hashAnswer } from "./locate/structured";
import { normalize, type Normalized } from "./normalize/normalize";
import { type AnswerTypeName, type Gold, readGold } from "./types/gold";
import { wordKey } from "./types/words";

/** A text with what each step of normalization made of it. */
export interface ExplainedText {
  /** As written. */
  readonly text: string;
  /** As read. */
  readonly normalized: string;
  readonly steps: Normalized["steps"];
}

/** One place of the response and what came of it. */
export interface ExplainedPlace extends ExplainedText {
  readonly how: How;
  /** Offsets in the response: from `start` up to `end`. */
  readonly start: number;
  readonly end: number;
  /** How it was read and compared; absent when it could not be read as an answer to this gold. */
  readonly comparison?: Comparison;
}

/** What `answer` thought. */
export interface Explanation {
  readonly verdict: "right" | "wrong" | "skipped" | "invalid";
  /** Why, in one sentence. */
  readonly reason: string;
  readonly gold?: ExplainedText & { readonly type: AnswerTypeName };
  /** What the scope was cut by: a thought, a tag. */
  readonly cuts?: readonly string[];
  /** The places that were looked at, in order; the last one decided. */
  readonly places?: readonly ExplainedPlace[];
  /** Neither equality nor difference could be shown within the limits; counts as wrong. */
  readonly undecided?: true;
}

/**
 * Judges a response and says why.
 *
 * @param gold the gold answer: bare, boxed, in tags, or as the solution that ends in it
 * @param response the model's text
 * @param params the sample's parameters; a fault in them is the verdict "invalid"
 * @example explain("5 cm", "The width is \\boxed{50\\text{ mm}}.").verdict // "right"
 */
export function explain(
  gold: string,
  response: string,
  params?: AnswerParams | Readonly<Record<string, unknown>>,
): Explanation {
  const read = readAnswerParams(params);
  if (read.issues !== undefined)
    return { verdict: "invalid", reason: `params: ${read.issues.map(({ message }) => message).join("; ")}` };
  const prepared = prepareGold(gold, read.value.type);
  if (prepared.gold === undefined) return { verdict: "skipped", reason: prepared.reason };
  return explainPrepared(prepared, gold, response);
}

interface Prepared {
  readonly gold: Gold;
  readonly text: Normalized;
}
type Unusable = { readonly gold?: undefined; readonly reason: string };

/** The last golds read: a group of responses shares one, and the reading of it. */
const MOST_KEPT = 64;
const kept = new Map<string, Prepared | Unusable>();

function prepareGold(written: string, type: AnswerTypeName | undefined): Prepared | Unusable {
  const key = `${type ?? ""}\n${written}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const prepared = readWrittenGold(written, type);
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(key, prepared);
  return prepared;
}

function readWrittenGold(written: string, type: AnswerTypeName | undefined): Prepared | Unusable {
  if (written.trim() === "") return { reason: "gold: it is empty" };
  const text = normalize(goldText(written));
  if (text.text === "") return { reason: "gold: nothing is left to compare" };
  const gold = readGold(text.text, approximate, type);
  if (gold === undefined)
    return { reason: `gold: ${JSON.stringify(text.text.slice(0, 60))} cannot be read as type "${type}"` };
  return { gold, text };
}

const ANNOUNCED_GOLD =
  /^\s*(?:[*_#]{0,3}(?:the )?(?:final |correct )?answer(?: is)?[*_]{0,2} ?[:：]?|答案[是为]?[:：]?|[故应]选[:：]?)[*_]{0,2}\s*/i;

/** 点P的坐标为(2,-1) */
const NAMED_GOLD = /^\s*[\p{Script=Han}][\p{Script=Han}A-Z]{0,20}(?:为|是|等于)([^\p{Script=Han}]{1,200})$/u;

/** The answer within a gold: its box, its answer block, what follows `####` or "Answer:"; else the whole text. */
function goldText(written: string): string {
  const scope = answerScope(written);
  const inside = scope.cuts.length > 0 && scope.start < scope.end ? written.slice(scope.start, scope.end) : written;
  const boxes = standingBoxes(inside, findBoxes(inside, 0, inside.length), inside.length);
  if (boxes.length > 0) return joinBoxes(inside, boxes, 0);
  const hash = hashAnswer(inside, { start: 0, end: inside.length });
  if (hash !== undefined) return hash.text;
  const named = NAMED_GOLD.exec(inside);
  if (named !== null) return named[1]!;
  const announced = ANNOUNCED_GOLD.exec(inside);
  const rest = announced === null ? "" : inside.slice(announced[0].length);
  return rest.trim() === "" ? inside : rest;
}

function explainPrepared({ gold, text }: Prepared, written: string, response: string): Explanation {
  const explained = { text: text.written, normalized: text.text, steps: text.steps, type: gold.type };
  if (response.trim() === written.trim())
    return { verdict: "right", reason: "the response is the gold answer", gold: explained };
  const { scope, places, reason } = locate(response);
  const looked: ExplainedPlace[] = [];
  const end = (verdict: "right" | "wrong", why: string, undecided?: true): Explanation => ({
    verdict,
    reason: why,
    gold: explained,
    cuts: scope.cuts,
    places: looked,
    ...(undecided && { undecided }),
  });
  let decided: Comparison | undefined;
  for (const place of places) {
    const normalized = normalize(place.text);
    const comparison = place.isVerbatim
      ? verbatim(text.text, normalized.text)
      : decided === undefined
        ? compareAnswer(gold, normalized.text)
        : undefined;
    looked.push({
      text: place.text,
      normalized: normalized.text,
      steps: normalized.steps,
      how: place.how,
      start: place.start,
      end: place.end,
      ...(comparison && { comparison }),
    });
    if (comparison?.equal) return end("right", comparison.why);
    decided ??= comparison;
  }
  if (decided !== undefined) return end("wrong", decided.why, decided.undecided);
  return end(
    "wrong",
    reason ?? (places.length === 0 ? "the response says no answer" : `no place can be read as type "${gold.type}"`),
  );
}

/** A wide place counts only if it is the gold answer, word for word. */
const verbatim = (gold: string, answer: string): Comparison | undefined =>
  wordKey(gold) === wordKey(answer) ? { equal: true, read: "text", why: "both are written the same" } : undefined;
