/**
 * The stages of `answer` in their order, and what each found: locate, type, normalize, compare. A verdict is a pure
 * function of gold answer, response and parameters, and `explain` is that function with its reasons.
 */
import { type AnswerParams, readAnswerParams } from "./answer-params";
import { compareAnswer, readGoldOption } from "./compare/compare";
import type { Comparison } from "./compare/comparison";
import { approximate } from "./compare/math-engine";
import { goldText } from "./gold-text";
import { type ExplainedPlace, type ExplainedText, judgeResponse } from "./judge-response";
import { normalize, type Normalized } from "./normalize/normalize";
import { type AnswerTypeName, type Gold, readGold } from "./types/gold";
import { wordKey } from "./types/words";

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
  const prepared = prepareGold(gold, read.value);
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

function prepareGold(written: string, params: AnswerParams): Prepared | Unusable {
  const key = JSON.stringify([params.type, params.choices, written]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const prepared = readWrittenGold(written, params);
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(key, prepared);
  return prepared;
}

function readWrittenGold(written: string, { type, choices }: AnswerParams): Prepared | Unusable {
  if (written.trim() === "") return { reason: "gold: it is empty" };
  const text = normalize(goldText(written));
  if (text.text === "") return { reason: "gold: nothing is left to compare" };
  const option =
    choices === undefined || (type !== undefined && type !== "choice")
      ? undefined
      : readGoldOption(
          text.text,
          choices.map((choice) => normalize(choice).text),
        );
  const gold = option ?? readGold(text.text, approximate, type);
  if (gold === undefined)
    return { reason: `gold: ${JSON.stringify(text.text.slice(0, 60))} cannot be read as type "${type}"` };
  return { gold, text };
}

function explainPrepared({ gold, text }: Prepared, written: string, response: string): Explanation {
  const explained = { text: text.written, normalized: text.text, steps: text.steps, type: gold.type };
  if (response.trim() === written.trim())
    return { verdict: "right", reason: "the response is the gold answer", gold: explained };
  const { comparison, reason, cuts, places } = judgeResponse(
    response,
    (answer) => compareAnswer(gold, answer.text),
    (answer) => verbatim(text.text, answer.text),
  );
  const unread =
    reason ?? (places.length === 0 ? "the response says no answer" : `no place can be read as type "${gold.type}"`);
  return {
    verdict: comparison?.equal ? "right" : "wrong",
    reason: comparison?.why ?? unread,
    gold: explained,
    cuts,
    places,
    ...(comparison?.undecided && { undecided: true }),
  };
}

/** A wide place counts only if it is the gold answer, word for word. */
const verbatim = (gold: string, answer: string): Comparison | undefined =>
  wordKey(gold) === wordKey(answer) ? { equal: true, read: "text", why: "both are written the same" } : undefined;
