/**
 * `rollouts.parquet`: the answers to the samples of a set, one row each, as the difficulty rule of `v-triune curate`
 * reads them (source, id, accuracy, response), by source, id and answer; and what they say of each source. The source is
 * also there as `data_source`, its name in corpora and in the rollouts of a run.
 */
import { join } from "node:path";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { DuckDBInstance } from "@duckdb/node-api";
import { passAtK } from "@v-triune/data-filters";
import { asWriteError } from "@v-triune/errors";
import { answersFile } from "./answer-cache";

/** A source's answers. */
export interface SourceSummary {
  readonly source: string;
  /** Samples with a scored answer. */
  readonly samples: number;
  /** Scored answers. */
  readonly answers: number;
  /** Answers without a score: skipped or failed. */
  readonly unscored: number;
  readonly meanAccuracy: number;
  /** Unbiased, over samples with at least k scored answers, by k; of answers that are correct (CachedAnswer). */
  readonly passAt: Readonly<Record<string, number>>;
  /** Share of samples of which no answer is correct, and of which every one is. */
  readonly never: number;
  readonly always: number;
}

export interface WrittenRollouts {
  readonly file: string;
  readonly rows: number;
  readonly sources: readonly SourceSummary[];
}

const COLUMNS =
  "key: 'VARCHAR', source: 'VARCHAR', id: 'VARCHAR', sample: 'INTEGER', response: 'VARCHAR', status: 'VARCHAR', " +
  "reason: 'VARCHAR', accuracy: 'DOUBLE', format: 'DOUBLE', reward: 'DOUBLE', correct: 'BOOLEAN', tokens: " +
  "'INTEGER', truncated: 'BOOLEAN'";
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * @param keys the samples of the set; answers to others, asked for earlier, are left out
 * @param n most answers per sample
 * @param blind whether the answers were given without the pictures; the column `blind` then says so
 */
export async function writeRolloutTable(
  folder: string,
  keys: Iterable<string>,
  n: number,
  blind = false,
): Promise<WrittenRollouts> {
  const file = join(folder, "rollouts.parquet");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("CREATE TABLE wanted (key VARCHAR)");
    const appender = await connection.createAppender("wanted");
    for (const key of new Set(keys)) {
      appender.appendVarchar(key);
      appender.endRow();
    }
    appender.closeSync();
    await connection.run(`CREATE TABLE answers AS
      SELECT source, source AS data_source, id, sample, response, status, reason, accuracy, correct, format, reward,
        tokens, truncated${blind ? ", true AS blind" : ""}
      FROM read_json(
        ${quoted(exactPath(answersFile(folder)))},
        format = 'newline_delimited',
        columns = {${COLUMNS}},
        hive_partitioning = false,
        maximum_object_size = 268435456
      )
      SEMI JOIN wanted USING (key)
      WHERE sample < ${n} ORDER BY source, id, sample`);
    await replaceFile(file, async (temporary) => {
      await connection.run(`COPY answers TO ${quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)`);
    });
    const reader = await connection.runAndReadAll(`
      SELECT source, id, count(accuracy)::INTEGER AS n, count(*) FILTER (correct)::INTEGER AS c,
        sum(accuracy) AS total, count(*)::INTEGER AS rows
      FROM answers GROUP BY source, id ORDER BY source, id`);
    const rows = reader.getRowObjects() as unknown as SampleTally[];
    return { file, rows: rows.reduce((sum, row) => sum + row.rows, 0), sources: summarize(rows, n) };
  } catch (error) {
    throw asWriteError(error, file);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

interface SampleTally {
  readonly source: string;
  readonly n: number;
  /** Correct ones. */
  readonly c: number;
  readonly total: number | null;
  readonly rows: number;
}

function summarize(rows: readonly SampleTally[], n: number): SourceSummary[] {
  const bySource = new Map<string, SampleTally[]>();
  for (const row of rows) {
    const all = bySource.get(row.source);
    if (all) all.push(row);
    else bySource.set(row.source, [row]);
  }
  return [...bySource].map(([source, all]) => {
    const scored = all.filter((row) => row.n > 0);
    const answers = scored.reduce((sum, row) => sum + row.n, 0);
    const share = (test: (row: SampleTally) => boolean): number =>
      scored.filter(test).length / Math.max(1, scored.length);
    return {
      source,
      samples: scored.length,
      answers,
      unscored: all.reduce((sum, row) => sum + row.rows - row.n, 0),
      meanAccuracy: scored.reduce((sum, row) => sum + (row.total ?? 0), 0) / Math.max(1, answers),
      passAt: Object.fromEntries(
        shownK(n).flatMap((k) => {
          const enough = scored.filter((row) => row.n >= k);
          return enough.length === 0
            ? []
            : [[String(k), enough.reduce((sum, row) => sum + passAtK(row.n, row.c, k), 0) / enough.length]];
        }),
      ),
      never: share((row) => row.c === 0),
      always: share((row) => row.c === row.n),
    };
  });
}

/** Four at most: 1 and n, and between them powers of two next to n. */
function shownK(n: number): number[] {
  const powers: number[] = [];
  for (let k = 2; k < n; k *= 2) powers.push(k);
  return [...new Set([1, ...powers.slice(-2), n])];
}

/** The table of 80 columns. */
export function formatRolloutSummary(sources: readonly SourceSummary[], n: number): string {
  const ks = shownK(n).map(String);
  const percent = (value: number | undefined): string => (value === undefined ? "-" : `${(100 * value).toFixed(1)}%`);
  const line = (name: string, ...cells: string[]): string => {
    const head = (name.length <= 20 ? name : `${name.slice(0, 18)}..`).padEnd(20);
    return `${head}${cells.map((cell) => cell.padStart(8)).join("")}`.trimEnd();
  };
  const mixed = sources.map((summary) =>
    line(
      summary.source,
      summary.samples.toLocaleString("en-US"),
      ...ks.map((k) => percent(summary.passAt[k])),
      percent(summary.never),
      percent(summary.always),
    ),
  );
  return [line("source", "samples", ...ks.map((k) => `pass@${k}`), "never", "always"), ...mixed].join("\n");
}
