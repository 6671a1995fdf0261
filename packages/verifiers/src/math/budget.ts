/**
 * The two limits that make a verdict the same on every machine: steps (fuel) and the size of exact numbers (bits).
 * Every loop that an input can lengthen spends fuel; exact arithmetic refuses results above the bit limit. Wall-clock
 * time never decides a verdict.
 */

/** Limits of one `parse` or `verify` call. Both are counts, so they mean the same on every machine. */
export interface Limits {
  /**
   * Steps one call may take; default 1.5 million, and 10 per character of what is read. A step is a character scanned,
   * a token read or a node visited, give or take a constant.
   */
  readonly fuel?: number;
  /** Largest numerator or denominator of an exact number, in bits. Default 16,384, at most a million. */
  readonly bits?: number;
}

const DEFAULT_FUEL = 1_500_000;
const DEFAULT_BITS = 16_384;

/** Numbers of more bits are beyond what a BigInt does in a moment. */
const MOST_BITS = 1_000_000;

/** Thrown inside when a limit is reached; `judgeMath` turns it into an undecided verdict, `verify` into false. */
export class BudgetError extends RangeError {
  override readonly name = "BudgetError";
  constructor(readonly limit: "fuel" | "bits") {
    super(limit === "fuel" ? "the step budget is spent" : "an exact number outgrew the bit budget");
  }
}

/** What one call has left. Whoever takes a budget may spend it; nothing else counts steps. */
export class Budget {
  #fuel: number;
  readonly #bits: number;

  /**
   * @param length of the text that is read: finding an answer costs a few steps per character, which long responses
   * bring along
   * @throws RangeError for limits that cannot be
   */
  constructor(limits: Limits, length = 0) {
    this.#fuel = inRange("fuel", limits.fuel ?? DEFAULT_FUEL + 10 * length, Infinity);
    this.#bits = inRange("bits", limits.bits ?? DEFAULT_BITS, MOST_BITS);
  }

  /**
   * Takes steps off.
   *
   * @throws BudgetError when fewer are left
   */
  spend(steps: number): void {
    this.#fuel -= steps;
    if (this.#fuel < 0) throw new BudgetError("fuel");
  }

  /**
   * To be called before a number of this many bits is made.
   *
   * @throws BudgetError when that is more than the limit
   */
  checkBits(bits: number): void {
    if (bits > this.#bits) throw new BudgetError("bits");
  }

  /**
   * What `run` returns when it stays within the limits, else undefined. What is left undone can then be tried in
   * another way.
   *
   * @param share part of the remaining steps that `run` may take; the rest stays for the caller
   */
  attempt<T>(share: number, run: () => T): T | undefined {
    const kept = this.#fuel * (1 - share);
    this.#fuel -= kept;
    const found = withinLimits<T | undefined>(run, () => undefined);
    this.#fuel = Math.max(this.#fuel, 0) + kept;
    return found;
  }
}

function inRange(name: string, value: number, most: number): number {
  if (value >= 0 && value <= most) return value;
  throw new RangeError(`${name}: expected a number from 0 to ${most}, found ${value}`);
}

/** What `run` returns, or what `otherwise` says when it reaches a limit. */
export function withinLimits<T>(run: () => T, otherwise: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof BudgetError) return otherwise();
    throw error;
  }
}
