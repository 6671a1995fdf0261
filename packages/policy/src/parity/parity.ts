/**
 * Parity checks: a folder of reference values in, the largest difference by quantity out. `npm run parity` and the
 * tests call the same functions.
 */

/** The largest difference found in one quantity. */
export interface ParityRow {
  readonly quantity: string;
  /** In the quantity's own unit; for exact things (ids, texts) the number of cases that differ. */
  readonly error: number;
  /** At most this is allowed. */
  readonly tolerance: number;
  /** Where the largest difference was. */
  readonly worst?: string;
  /** How many comparisons the row stands for. */
  readonly compared?: number;
  /** What could not be compared, and why. */
  readonly skipped?: string;
}

/** A kind of reference data that can be checked. */
export interface ParityCheck {
  readonly name: string;
  /** Whether a file or folder is of this kind, judged by its files. Never throws for files of another kind. */
  recognize(path: string): boolean;
  /** @throws ParityError when the data is of this kind but broken */
  check(path: string): Promise<readonly ParityRow[]>;
}

/** Whether a row is within its tolerance. NaN is not. */
export function withinTolerance(row: ParityRow): boolean {
  return row.error <= row.tolerance;
}

/** Collects comparisons into rows, in the order in which the quantities first come up. */
export class ParityLedger {
  readonly #rows = new Map<
    string,
    { error: number; tolerance: number; worst: string | undefined; compared: number; skipped: string | undefined }
  >();

  /** Notes one comparison. An error that is NaN counts as infinite. */
  compare(quantity: string, error: number, tolerance: number, where: string): void {
    const row = this.#row(quantity, tolerance);
    const size = Number.isNaN(error) ? Infinity : error;
    row.compared++;
    if (size > row.error) [row.error, row.worst] = [size, where];
  }

  /** Notes an exact comparison; the row's error is the number of cases that differ. */
  exact(quantity: string, equal: boolean, where: string): void {
    const row = this.#row(quantity, 0);
    row.compared++;
    if (equal) return;
    row.error++;
    row.worst ??= where;
  }

  /** Notes that something could not be compared. */
  skip(quantity: string, reason: string): void {
    this.#row(quantity, 0).skipped ??= reason;
  }

  rows(): ParityRow[] {
    return [...this.#rows].map(([quantity, { error, tolerance, worst, compared, skipped }]) => ({
      quantity,
      error,
      tolerance,
      compared,
      ...(worst === undefined ? {} : { worst }),
      ...(skipped === undefined ? {} : { skipped }),
    }));
  }

  #row(quantity: string, tolerance: number) {
    let row = this.#rows.get(quantity);
    if (!row) {
      row = { error: 0, tolerance, worst: undefined, compared: 0, skipped: undefined };
      this.#rows.set(quantity, row);
    }
    return row;
  }
}

/** The largest |a - b|, and where; lengths that differ are an infinite error. */
export function largestDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { error: number; index: number } {
  if (actual.length !== expected.length) return { error: Infinity, index: Math.min(actual.length, expected.length) };
  let error = 0;
  let index = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (difference <= error) continue;
    // NaN compares false, so it arrives here: unequal to everything, and worse than any number.
    if (Number.isNaN(difference)) {
      if (Object.is(actual[i], expected[i])) continue;
      return { error: Infinity, index: i };
    }
    [error, index] = [difference, i];
  }
  return { error, index };
}

/**
 * The rows as a table for a terminal: quantity, largest error, tolerance, verdict, and where for those that are over.
 */
export function formatParityTable(rows: readonly ParityRow[]): string {
  const cells = rows.map((row) => [
    row.quantity,
    row.compared === 0 ? "-" : formatNumber(row.error),
    formatNumber(row.tolerance),
    row.compared === undefined ? "" : String(row.compared),
    row.compared === 0 ? "skipped" : withinTolerance(row) ? "ok" : "OVER",
    [row.worst === undefined ? "" : `at ${row.worst}`, row.skipped ?? ""].filter((text) => text !== "").join("; "),
  ]);
  const header = ["quantity", "largest error", "tolerance", "compared", "", ""];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (column < 5 ? row[column]!.length : 0))),
  );
  return [header, ...cells]
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column > 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function formatNumber(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : value.toExponential(2);
}
