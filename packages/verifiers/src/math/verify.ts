/**
 * `verify` and `judgeMath`: the verdict over what `parse` read. Any reading of the gold may match any reading of the
 * prediction.
 */
import { Budget, withinLimits } from "./budget";
import { equalExpressions } from "./comparison/equality";
import { INCOMPARABLE } from "./comparison/incomparable";
import type { ParseOptions, VerifyOptions } from "./options";
import { type Parsed, parseWithin } from "./parse";
import { strip } from "./text";

/** What `judgeMath` found. */
export type MathJudgment =
  | {
      readonly status: "scored";
      readonly correct: boolean;
      /** Whether an answer was found in the response. */
      readonly extracted: boolean;
      /** Set when a limit was reached before the answer could be decided; `correct` is then false. */
      readonly undecided?: true;
    }
  | { readonly status: "skipped"; readonly reason: string };

/**
 * Whether a prediction equals the gold answer (Math-Verify 0.9 `verify`). Not symmetric: the gold comes first.
 *
 * @param gold what `parse` returned for the gold answer
 * @param prediction what `parse` returned for the response
 * @returns false also when a limit was reached; `judgeMath` tells the two apart. Never throws on any reading
 * @throws RangeError for options that cannot be
 * @example verify(parse("$\\frac{1}{2}$"), parse("0.5")) // true
 */
export function verify(
  gold: readonly Parsed[] | Parsed,
  prediction: readonly Parsed[] | Parsed,
  options?: VerifyOptions,
): boolean {
  return withinLimits(
    () => anyEqual(readings(gold), readings(prediction), options),
    () => false,
  );
}

/**
 * Reads and compares two texts, and says when a verdict is no real one.
 *
 * @param gold the gold answer as the corpus has it
 * @param response the model's text
 * @returns `skipped` when no answer can be read in the gold text; `undecided` when the limits end the comparison, which
 * counts as wrong: no answer is so large that it is left out. Never throws on any text
 * @throws RangeError for options that cannot be
 * @example judgeMath("\\boxed{4}", "2 + 2 = \\boxed{4}") // { status: "scored", correct: true, extracted: true }
 */
export function judgeMath(
  gold: string,
  response: string,
  options: { readonly gold?: ParseOptions; readonly prediction?: ParseOptions; readonly verify?: VerifyOptions } = {},
): MathJudgment {
  const wanted = parseWithin(gold, options.gold);
  if (wanted.readings.length === 0)
    return {
      status: "skipped",
      reason: wanted.isCut ? "the gold answer cannot be read within the limits" : "the gold answer does not parse",
    };
  const found = parseWithin(response, options.prediction);
  const extracted = found.readings.length > 0;
  const scored = (correct: boolean, isCut: boolean): MathJudgment => ({
    status: "scored",
    correct,
    extracted,
    ...(isCut && !correct && { undecided: true }),
  });
  return withinLimits(
    () => scored(anyEqual(wanted.readings, found.readings, options.verify), wanted.isCut || found.isCut),
    () => scored(false, true),
  );
}

/**
 * Whether any two readings are equal. What goes wrong with one pair counts only when no other pair is equal.
 *
 * @throws BudgetError when a limit was reached; RangeError for options that cannot be
 */
function anyEqual(gold: readonly Parsed[], prediction: readonly Parsed[], options: VerifyOptions = {}): boolean {
  const { floatRounding = 0 } = options;
  if (!Number.isInteger(floatRounding))
    throw new RangeError(`floatRounding: expected a whole number, found ${floatRounding}`);
  const budget = new Budget(options);
  let failure: unknown;
  for (const g of gold) {
    for (const p of prediction) {
      try {
        if (equalReadings(budget, g, p, options)) return true;
      } catch (error) {
        if (error !== INCOMPARABLE) failure = error;
      }
    }
  }
  if (failure) throw failure;
  return false;
}

/** A single reading stands for a list of one. Empty readings never compare equal. */
function readings(x: readonly Parsed[] | Parsed): readonly Parsed[] {
  const list = Array.isArray(x) ? (x as readonly Parsed[]) : [x as Parsed];
  return list.filter(Boolean);
}

function isText(x: Parsed): x is string {
  return typeof x === "string";
}

function equalReadings(budget: Budget, gold: Parsed, prediction: Parsed, options: VerifyOptions): boolean {
  if (isText(gold) || isText(prediction))
    return isText(gold) && isText(prediction) && strip(gold) !== "" && strip(gold) === strip(prediction);
  return equalExpressions(budget, gold, prediction, options);
}
