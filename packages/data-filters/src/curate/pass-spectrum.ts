/**
 * How many of a row's k answers are right, counted over the rows of a source: c = 0, 1, .. k. Rows at both ends have no
 * signal for training; the middle is what a model can learn from.
 *
 * pass@k for k = 1, 2, 4, 8, .. is the mean of the unbiased estimate 1 - C(n - c, k) / C(n, k) (arXiv 2107.03374,
 * eq. 1) over the rows with n ≥ k answers. Rows of fewer answers are left out of it, and their number is stated.
 *
 * An answer is right if its accuracy is 1; for boxes if it is 0.5 or more, as in metrics of training.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { queryRows } from "../duckdb/database";
import { passAtK } from "../rules/difficulty";
import { ROWS } from "../tables/curation-tables";

/** The rows of a source that have a judged answer. */
export interface PassSpectrum {
  /** Rows by their number of answers, ascending. More than one entry if rows have different numbers of answers. */
  readonly histograms: readonly {
    readonly answers: number;
    readonly rows: number;
    /** Rows with 0, 1, .. `answers` right ones. */
    readonly right: readonly number[];
  }[];
  /** Over the rows that have at least `k` answers. */
  readonly passAt: readonly { readonly k: number; readonly rows: number; readonly value: number }[];
}

/** Columns of `rows` that hold a row's answers and its right ones. */
export interface SpectrumColumns {
  readonly count: string;
  readonly right: string;
}

/** The spectra by the position of the source. */
export async function passSpectra(
  connection: DuckDBConnection,
  { count, right }: SpectrumColumns,
): Promise<ReadonlyMap<number, PassSpectrum>> {
  const cells = await queryRows(
    connection,
    `SELECT part, ${count} AS answers, ${right} AS correct, count(*) AS n FROM ${ROWS}
     WHERE ${count} > 0 GROUP BY ALL ORDER BY ALL`,
  );
  const byPart = new Map<number, { answers: number; correct: number; rows: number }[]>();
  for (const { part, answers, correct, n } of cells) {
    const list = byPart.get(Number(part)) ?? [];
    list.push({ answers: Number(answers), correct: Number(correct), rows: Number(n) });
    byPart.set(Number(part), list);
  }
  return new Map([...byPart].map(([part, list]) => [part, spectrumOf(list)]));
}

/** The spectrum of rows that were counted by their answers and their right ones. */
export function spectrumOf(
  counts: readonly { readonly answers: number; readonly correct: number; readonly rows: number }[],
): PassSpectrum {
  const byAnswers = new Map<number, number[]>();
  for (const { answers, correct, rows } of counts) {
    const right = byAnswers.get(answers) ?? Array.from({ length: answers + 1 }, () => 0);
    right[correct] = (right[correct] ?? 0) + rows;
    byAnswers.set(answers, right);
  }
  const most = Math.max(0, ...byAnswers.keys());
  const passAt: { k: number; rows: number; value: number }[] = [];
  for (let k = 1; k <= most; k *= 2) {
    const used = counts.filter(({ answers }) => answers >= k);
    const rows = used.reduce((sum, one) => sum + one.rows, 0);
    const sum = used.reduce((all, one) => all + one.rows * passAtK(one.answers, one.correct, k), 0);
    passAt.push({ k, rows, value: sum / rows });
  }
  const histograms = [...byAnswers]
    .sort(([a], [b]) => a - b)
    .map(([answers, right]) => ({ answers, rows: right.reduce((sum, rows) => sum + rows, 0), right }));
  return { histograms, passAt };
}
