/** The largest deviation of one quantity from its reference, against what is allowed. */
export interface ParityRow {
  readonly quantity: string;
  /** Largest absolute difference; Infinity when something is missing or of another shape. */
  readonly error: number;
  readonly tolerance: number;
  /** Where the largest difference is. */
  readonly worst?: string;
}

/** Collects the largest difference by quantity. */
export class ParityRows {
  readonly #rows = new Map<string, { error: number; worst: string }>();

  readonly #tolerance: number;

  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** Notes |found − expected|; two equal values that are no numbers count 0. */
  compare(quantity: string, found: unknown, expected: unknown, where: string): void {
    const error = Object.is(found, expected) ? 0 : Math.abs(Number(found) - Number(expected));
    const row = this.#rows.get(quantity);
    // A difference that is not a number (something missing, or NaN) must be seen, not lost in a comparison.
    const seen = Number.isNaN(error) ? Infinity : error;
    if (row === undefined || seen > row.error) this.#rows.set(quantity, { error: seen, worst: where });
  }

  /** Compares nested lists number by number; a different length is Infinity. */
  compareLists(quantity: string, found: unknown, expected: unknown, where: string): void {
    if (!Array.isArray(found) || !Array.isArray(expected)) return this.compare(quantity, found, expected, where);
    if (found.length !== expected.length)
      return this.compare(quantity, Number.NaN, 0, `${where}: ${found.length} values, ${expected.length} expected`);
    for (const [index, value] of expected.entries())
      this.compareLists(quantity, found[index], value, `${where}[${index}]`);
  }

  /** One row a quantity, in the order of their first appearance. */
  result(): ParityRow[] {
    return [...this.#rows].map(([quantity, { error, worst }]) => ({
      quantity,
      error,
      tolerance: this.#tolerance,
      ...(error > 0 && { worst }),
    }));
  }
}
