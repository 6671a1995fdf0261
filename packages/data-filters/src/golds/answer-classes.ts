/**
 * Divides the answers to one question into classes of equal meaning, as the verifier `answer` reads them: it finds the
 * place of a response that says its answer, and compares that with the gold, then with the first answer of each class
 * that has been found so far. `1/2` and `0.5` are one class, and so are `B` and the text of choice B.
 *
 * The gold's class is generous, since a quarrel between two verifiers is no wrong gold: a stated verdict of 0.5 or more
 * belongs to it, and so does what `mathverify` holds to be right.
 */
import { mathverify } from "@v-triune/verifiers";
import { ANSWER_TYPES, explain, type AnswerTypeName, type Explanation } from "@v-triune/verifiers/answer";

/** A response, and the verdict that its file states. */
export interface StatedResponse {
  readonly text: string;
  readonly accuracy: number | null;
}

/** Answers of one meaning. */
export interface AnswerClass {
  /** The shortest way in which it was said. */
  readonly text: string;
  readonly count: number;
}

/** The classes of a question. */
export interface AnswerClasses {
  readonly gold: number;
  /** The other classes, the largest first. */
  readonly others: readonly AnswerClass[];
  /** Responses that say no answer. They are in no class. */
  readonly unread: number;
}

/** What is known about a gold answer besides its text. */
export interface GoldHints {
  readonly type?: string | undefined;
  readonly choices?: readonly string[] | undefined;
}

/** Longer texts are no short answer that could take the place of a gold. */
const LONGEST_ANSWER = 200;
/** Further classes are told apart by their text alone: comparing each with each would take too long. */
const MOST_COMPARED = 16;

interface OpenClass {
  readonly first: string;
  text: string;
  count: number;
}

/**
 * Groups responses.
 *
 * @param groundTruth the gold answer as samples have it
 * @returns null if the gold answer cannot be read
 * @example classifyAnswers("\\boxed{7}", responses) // { gold: 2, others: [{ text: "8", count: 6 }], unread: 0 }
 */
export function classifyAnswers(
  groundTruth: string,
  responses: readonly StatedResponse[],
  hints: GoldHints = {},
): AnswerClasses | null {
  const params = usableHints(groundTruth, hints);
  if (explain(groundTruth, "", params).verdict === "skipped") return null;
  let gold = 0;
  let unread = 0;
  const byText = new Map<string, OpenClass>();
  const classes: OpenClass[] = [];
  for (const { text, accuracy } of responses) {
    const explanation = explain(groundTruth, text, params);
    if (explanation.verdict === "right" || (accuracy ?? 0) >= 0.5) {
      gold++;
      continue;
    }
    const said = answerOf(explanation);
    if (said === null) {
      unread++;
      continue;
    }
    let found = byText.get(said);
    if (found === undefined) {
      found = classes.slice(0, MOST_COMPARED).find((one) => isSameAnswer(one.first, said, params));
      if (found === undefined) classes.push((found = { first: said, text: said, count: 0 }));
      byText.set(said, found);
    }
    found.count++;
    if (said.length < found.text.length) found.text = said;
  }
  const others: AnswerClass[] = [];
  for (const { first, text, count } of classes) {
    if (isRightByMath(groundTruth, first)) gold += count;
    else others.push({ text, count });
  }
  return { gold, others: others.sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1)), unread };
}

/** The hints, if the verifier accepts them for this gold. */
function usableHints(groundTruth: string, { type, choices }: GoldHints): Record<string, unknown> {
  const params = {
    ...(ANSWER_TYPES.includes(type as AnswerTypeName) && { type }),
    ...(choices !== undefined && choices.length > 1 && { choices }),
  };
  const { verdict } = explain(groundTruth, "", params);
  return verdict === "invalid" || verdict === "skipped" ? {} : params;
}

/** What a response says: the place that decided, else the most deliberate one that is short. */
function answerOf({ places = [] }: Explanation): string | null {
  const place =
    places.findLast(({ comparison }) => comparison !== undefined) ??
    places.find(({ normalized }) => normalized.length <= LONGEST_ANSWER);
  const text = place?.normalized.trim() ?? "";
  return text === "" || text.length > LONGEST_ANSWER ? null : text;
}

/**
 * Whether one answer, taken as the gold, makes the other right. The comparison is not symmetric for rounded numbers.
 */
function isSameAnswer(a: string, b: string, params: Record<string, unknown>): boolean {
  return isRight(a, b, params) || isRight(b, a, params);
}

function isRight(gold: string, answer: string, params: Record<string, unknown>): boolean {
  return explain(gold, `\\boxed{${answer}}`, params).verdict === "right";
}

function isRightByMath(groundTruth: string, answer: string): boolean {
  const verdict = mathverify.verify(`\\boxed{${answer}}`, { groundTruth });
  return verdict.status === "scored" && verdict.accuracy === 1;
}
