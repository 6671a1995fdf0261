/**
 * Collects the largest error of each quantity against its tolerance.
 *
 * A quantity with a relative and an absolute tolerance is reported as |Δ| / (atol + rtol |expected|), tolerance 1.
 */

/** One line of a parity report: passes when error ≤ tolerance. */
export interface ParityRow {
  readonly quantity: string;
  readonly error: number;
  readonly tolerance: number;
  /** Where the largest error is. */
  readonly worst?: string;
}

/** Tolerances of one comparison. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** Numbers as the golden files write them: NaN and infinities as strings, any nesting. */
export type GoldenNumbers = number | string | boolean | readonly GoldenNumbers[];

/** Flattens nested golden numbers. */
export function flatten(values: GoldenNumbers): number[] {
  if (Array.isArray(values)) return (values as readonly GoldenNumbers[]).flatMap(flatten);
  return [Number(values)];
}

/** Largest errors by quantity, in order of first appearance. */
export class Comparison {
  readonly #rows = new Map<string, { error: number; tolerance: number; worst: string }>();

  /** Compares against rtol and atol together; NaN must meet NaN, an infinity the same one. */
  close(
    quantity: string,
    where: string,
    found: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: Tolerance,
  ): void {
    if (found.length !== expected.length) {
      this.#note(quantity, where, Infinity, 1, `${found.length} values, expected ${expected.length}`);
      return;
    }
    this.#note(quantity, where, 0, 1, "");
    for (let i = 0; i < expected.length; i++) {
      const [a, e] = [found[i]!, expected[i]!];
      const same = Object.is(a, e) || a === e;
      const error = same ? 0 : Math.abs(a - e) / (tolerance.atol + tolerance.rtol * Math.abs(e));
      this.#note(quantity, where, Number.isNaN(error) ? Infinity : error, 1, `[${i}] found ${a}, expected ${e}`);
    }
  }

  /** Notes an error that was measured elsewhere. */
  error(quantity: string, where: string, error: number, tolerance: number, detail = ""): void {
    this.#note(quantity, where, Number.isNaN(error) ? Infinity : error, tolerance, detail);
  }

  /** The report. */
  rows(): ParityRow[] {
    return [...this.#rows].map(([quantity, row]) => ({
      quantity,
      error: row.error,
      tolerance: row.tolerance,
      ...(row.worst ? { worst: row.worst } : {}),
    }));
  }

  #note(quantity: string, where: string, error: number, tolerance: number, detail: string): void {
    const held = this.#rows.get(quantity);
    if (held && severity(held.error, held.tolerance) >= severity(error, tolerance)) return;
    this.#rows.set(quantity, { error, tolerance, worst: error > 0 ? `${where} ${detail}`.trim() : "" });
  }
}

/** How large an error is: above 1 it is over its tolerance. With tolerance 0 any error is infinitely bad. */
function severity(error: number, tolerance: number): number {
  return error === 0 ? 0 : error / tolerance;
}
