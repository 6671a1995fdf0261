/**
 * How likely a gold answer is wrong, given k answers of one model to the same question.
 *
 * The answers fall into classes of equal meaning: c_g answers give the gold, c_1 ≥ c_2 ≥ .. give others. Two accounts
 * of them are compared:
 *
 *     H0      the gold is right:  (1 - π) · R(c_g) · W(all other classes)
 *     H1, j   class j is right:         π · R(c_j) · W(all other classes, and the gold once more)
 *     H1, 0   no class is right:        π · R(0)   · W(all classes, and the gold once more)
 *     suspicion = Σ H1 / (H0 + Σ H1)
 *
 *     R(c)    = B(α + c, β + k - c) / B(α, β)       beta-binomial: c of k answers are right
 *     W(n..)  = θ^m · Π (n_i - 1)! / (θ)_n          m classes of n wrong answers; (x)_n = x (x + 1) .. (x + n - 1)
 *
 * Answers of one model to one question err together, and both terms say so. In R, a question has its own pass rate,
 * drawn from Beta(α, β) (Skellam 1948). In W, a wrong answer repeats an earlier one the more often that one was given:
 * the Chinese restaurant process, whose partitions Ewens' formula (1972) gives. If both were independent, the odds
 * would be π/(1 - π) · (p / ((1 - p) q))^(c_1 - c_g), for an accuracy p and a chance q that two wrong answers agree.
 * That form is overconfident: eight equal answers of a model with one fixed misconception are hardly more evidence than
 * one.
 *
 * A wrong gold is one more draw from W: people err where models err. α, β and θ belong to a source. They maximize the
 * posterior over all its rows, each row being summed over H0 and H1, so that a row with a wrong gold does not count as
 * a failure of the model (as in Dawid and Skene 1979, without their table of confusions: open answers have no fixed set
 * of classes). Their priors are weak, but hold for a source of ten rows: α / (α + β) ~ Beta(2, 2), log(α + β) and
 * log θ ~ N(0, 1.5²).
 *
 * π is 0.033 and is not estimated: the answers of one model do not tell a wrong gold from a misconception, and an
 * estimate takes every misconception for a wrong gold (in simulations 15 % in place of 5 %). Well-known test sets have
 * 3.3 % (Northcutt et al., arXiv 2103.14749). Another π shifts all suspicions, and hardly changes their order. Rows
 * with several boxes are several questions; their π is such that the row's is the same.
 *
 * Limits: a misconception that the model always has looks like a wrong gold; the suspicion then is what the agreement
 * of the source's other errors suggests. A source of which most golds are wrong looks like one on which the model is
 * poor. So the suspicion ranks rows for a person, and decides nothing.
 */

/** How the answers to one question divide. */
export interface Division {
  /** Answers that give the gold. */
  readonly gold: number;
  /** Answers of each other class, in descending order. */
  readonly others: readonly number[];
}

/** What a source's rows say about the model and the golds. */
export interface SourceBehavior {
  /** Mean accuracy of the model, golds that look wrong left aside: α / (α + β). */
  readonly accuracy: number;
  /** α + β: the smaller, the more alike the answers to one question. */
  readonly spread: number;
  /** θ, the variety of wrong answers: the smaller, the more alike. */
  readonly variety: number;
  /** π of one division. */
  readonly wrongShare: number;
}

/** A division, and the number of questions that have it. */
export interface CountedDivision {
  readonly division: Division;
  readonly count: number;
}

/** A division as text, `3|4,1`: equal divisions are judged once. */
export function divisionKey({ gold, others }: Division): string {
  return `${gold}|${others.join(",")}`;
}

/** The division of a text that `divisionKey` made. */
export function divisionOf(key: string): Division {
  const [gold = "0", others = ""] = key.split("|");
  return { gold: Number(gold), others: others === "" ? [] : others.split(",").map(Number) };
}

/** π of a row. */
const WRONG_SHARE = 0.033;
/** Both parameters of the prior of the accuracy. */
const ACCURACY_PRIOR = 2;
/** Standard deviation of the priors of log(α + β) and log θ. */
const LOG_DEVIATION = 1.5;

/**
 * Estimates the behavior of a source.
 *
 * @param divisions those of its questions; an empty list gives the modes of the priors
 * @param perRow mean number of divisions of a row
 */
export function fitSource(divisions: readonly CountedDivision[], perRow = 1): SourceBehavior {
  const wrongShare = perRow > 1 ? 1 - (1 - WRONG_SHARE) ** (1 / perRow) : WRONG_SHARE;
  const most = divisions.reduce((largest, { division }) => Math.max(largest, sizeOf(division)), 0);
  const loss = (point: readonly number[]): number => {
    const behavior = { ...behaviorAt(point), wrongShare };
    const terms = new Terms(behavior, most);
    let sum = logPrior(behavior);
    for (const { division, count } of divisions) {
      const { right, wrong } = terms.accounts(division);
      sum += count * logSum([right, ...wrong]);
    }
    return -sum;
  };
  // From two sides: a model that is good, and one that is poor. The better one stays.
  const found = [
    [1, 0, 0],
    [-1, 0, 0],
  ].map((start) => descend(loss, start));
  const best = found[1]!.loss < found[0]!.loss ? found[1]! : found[0]!;
  return { ...behaviorAt(best.point), wrongShare };
}

/** The posterior chance that the gold of a division is wrong. */
export function suspicionOf(division: Division, behavior: SourceBehavior): number {
  const { right, wrong } = new Terms(behavior, sizeOf(division)).accounts(division);
  return Math.exp(logSum(wrong) - logSum([right, ...wrong]));
}

function sizeOf({ gold, others }: Division): number {
  return others.reduce((sum, count) => sum + count, gold);
}

/** The logarithms of R and W, from tables of log (x)_n, which take no gamma function. */
class Terms {
  readonly #right: Float64Array;
  readonly #wrong: Float64Array;
  readonly #all: Float64Array;
  readonly #variety: Float64Array;
  readonly #factorial: Float64Array;
  readonly #logVariety: number;
  readonly #logRight: number;
  readonly #logWrong: number;

  constructor({ accuracy, spread, variety, wrongShare }: SourceBehavior, most: number) {
    this.#right = rising(accuracy * spread, most + 1);
    this.#wrong = rising((1 - accuracy) * spread, most + 1);
    this.#all = rising(spread, most + 1);
    this.#variety = rising(variety, most + 2);
    this.#factorial = rising(1, most + 2);
    this.#logVariety = Math.log(variety);
    this.#logRight = Math.log1p(-wrongShare);
    this.#logWrong = Math.log(wrongShare);
  }

  /** Logarithms of H0 and of each H1. */
  accounts(division: Division): { readonly right: number; readonly wrong: readonly number[] } {
    const { gold, others } = division;
    const size = sizeOf(division);
    const rest = others.reduce((sum, count) => sum + this.#class(count), 0);
    const right = this.#logRight + this.#rightOf(gold, size) + rest - this.#variety[size - gold]!;
    const goldAgain = this.#class(gold + 1);
    const wrongBy = (count: number): number =>
      this.#logWrong +
      this.#rightOf(count, size) +
      rest -
      this.#class(count) +
      goldAgain -
      this.#variety[size - count + 1]!;
    return { right, wrong: [...others.map(wrongBy), wrongBy(0)] };
  }

  /** log R: `count` of `size` answers are right. */
  #rightOf(count: number, size: number): number {
    return this.#right[count]! + this.#wrong[size - count]! - this.#all[size]!;
  }

  /** One class of W, without the denominator. */
  #class(count: number): number {
    return count === 0 ? 0 : this.#logVariety + this.#factorial[count - 1]!;
  }
}

/** log (x)_n for n = 0 .. most. */
function rising(x: number, most: number): Float64Array {
  const table = new Float64Array(most + 1);
  for (let n = 1; n <= most; n++) table[n] = table[n - 1]! + Math.log(x + n - 1);
  return table;
}

function logSum(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** Any three numbers give a behavior: the search needs no bounds. */
function behaviorAt([accuracy = 0, spread = 0, variety = 0]: readonly number[]): Omit<SourceBehavior, "wrongShare"> {
  const positive = (x: number): number => Math.exp(Math.min(12, Math.max(-12, x)));
  return {
    accuracy: Math.min(1 - 1e-6, Math.max(1e-6, logistic(accuracy))),
    spread: positive(spread),
    variety: positive(variety),
  };
}

function logPrior({ accuracy, spread, variety }: Omit<SourceBehavior, "wrongShare">): number {
  const normal = (x: number): number => -0.5 * (x / LOG_DEVIATION) ** 2;
  return (
    (ACCURACY_PRIOR - 1) * (Math.log(accuracy) + Math.log1p(-accuracy)) +
    normal(Math.log(spread)) +
    normal(Math.log(variety))
  );
}

const FIRST_STEP = 1;
const LAST_STEP = 1e-3;
const MOST_ROUNDS = 400;

/** Compass search: a step along each axis while it helps, then half of it. Three smooth axes need no gradient. */
function descend(
  lossAt: (point: readonly number[]) => number,
  start: readonly number[],
): { readonly point: readonly number[]; readonly loss: number } {
  let point = [...start];
  let loss = lossAt(point);
  let step = FIRST_STEP;
  for (let round = 0; round < MOST_ROUNDS && step > LAST_STEP; round++) {
    const before = loss;
    for (const axis of point.keys()) {
      for (const by of [step, -step]) {
        const next = point.with(axis, point[axis]! + by);
        const lossThere = lossAt(next);
        if (lossThere >= loss) continue;
        point = next;
        loss = lossThere;
        break;
      }
    }
    if (loss === before) step /= 2;
  }
  return { point, loss };
}
