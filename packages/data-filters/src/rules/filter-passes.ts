/**
 * The two ways in which rules run straight over Parquet files. Rules over single rows decide and write in one scan.
 * Other rules take one scan per group of rules, and one to write.
 */
import { BOOLEAN, DuckDBScalarFunction, UINTEGER, UTINYINT } from "@duckdb/node-api";
import { identifier, literal, queryRows, type Database } from "../duckdb/database";
import { DROPPED, ROWS, type RuleNeed } from "../tables/curation-tables";
import { loadTextTask } from "../workers/text-tasks";
import { TextWorkers } from "../workers/text-workers";
import { applyRules, blame, firstHit } from "./apply-rules";
import type { FilterRule } from "./filter-rule";
import { computeTexts, isTextNeed, TEXT_OF } from "./text-needs";

/** Everything about one call that a pass needs. */
export interface Filtering {
  readonly database: Database;
  readonly rules: readonly FilterRule[];
  readonly seed: number;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly files: readonly string[];
  /** Rows before each file, and after the last one all rows. */
  readonly starts: readonly number[];
  /** Names of the files' own columns. */
  readonly own: readonly string[];
  /** The files as a relation with `file_row_number`. */
  readonly scan: string;
  /** A row's number in all files, as SQL: its place in its file and the rows of the files before. */
  readonly place: string;
  /** The rules' columns as SQL expressions with their names. */
  readonly columns: readonly string[];
  /** Needs that columns meet. */
  readonly provided: readonly RuleNeed[];
}

/** What a pass did. */
export interface PassCounts {
  /** Rows that each rule dropped. */
  readonly dropped: readonly number[];
  /** Rows in the output. */
  readonly written: number;
}

/** No rule's position. */
const NOT_DROPPED = 255;

/** Whether the rules decide about each row when it is read, so that it is written or counted at once. */
export function canBeOnePass({ rules, provided, starts }: Filtering): boolean {
  const isSimple = rules.every(
    (rule) => rule.scope === "row" && (rule.needs ?? []).every((need) => provided.includes(need)),
  );
  return isSimple && rules.length < NOT_DROPPED && (starts.at(-1) ?? 0) < 2 ** 32;
}

/**
 * Reads the files once. Rows that no rule hits are written; a scalar function notes which rule hits each of the others
 * first.
 */
export async function inOnePass(filtering: Filtering, output: string): Promise<PassCounts> {
  const { database, rules, seed, own, scan, place, columns, starts } = filtering;
  const { connection } = database;
  // By row, since DuckDB does not promise to call a function once per row.
  const fates = new Uint8Array(starts.at(-1) ?? 0).fill(NOT_DROPPED);
  connection.registerScalarFunction(noteDropped(fates));
  // A rule's column may have the name of one of the files' columns.
  const renamed = own.map((name, i) => [identifier(name), identifier(`file column ${i}`)] as const);
  const inner = [...renamed.map(([name, alias]) => `${name} AS ${alias}`), `${place} AS row`, ...columns].join(", ");
  const placed = rules.map((rule, index) => ({ rule, index }));
  const fate = placed.length === 0 ? "NULL" : firstHit(placed, seed, ROWS);
  const copied = connection.run(`COPY (
      SELECT ${renamed.map(([name, alias]) => `${alias} AS ${name}`).join(", ")}
      FROM (SELECT *, ${fate} AS fate FROM (SELECT ${inner} FROM ${scan}) ${ROWS})
      WHERE CASE WHEN fate IS NULL THEN true ELSE note_dropped(row::UINTEGER, fate::UTINYINT) END
    ) TO ${literal(output)} (FORMAT parquet)`);
  const result = await copied.catch(async (error: unknown) => {
    await connection.run(`CREATE VIEW ${ROWS} AS SELECT ${place} AS row, ${columns.join(", ")} FROM ${scan}`);
    return blame(connection, placed, seed, ROWS, error);
  });
  const dropped = rules.map(() => 0);
  for (const rule of fates) if (rule !== NOT_DROPPED) dropped[rule] = (dropped[rule] ?? 0) + 1;
  return { dropped, written: result.rowsChanged };
}

/** `note_dropped(row, rule)`: always false. */
function noteDropped(fates: Uint8Array): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: "note_dropped",
    parameterTypes: [UINTEGER, UTINYINT],
    returnType: BOOLEAN,
    volatile: true,
    mainFunction(_info, chunk, kept) {
      const [rows, rules] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
      for (let i = 0; i < chunk.rowCount; i++) {
        fates[Number(rows.getItem(i))] = Number(rules.getItem(i));
        kept.setItem(i, false);
      }
      kept.flush();
    },
  });
}

/** Reads the files once per group of rules, and once more to write. */
export async function inPasses(filtering: Filtering, output: string): Promise<PassCounts> {
  const { database, rules, seed, scan, place, columns, starts, signal } = filtering;
  const { connection } = database;
  const workers = new TextWorkers(filtering.threads);
  // This thread only waits while the first rules run, so it loads what later rules need.
  for (const need of new Set(rules.flatMap((rule) => rule.needs ?? [])))
    if (isTextNeed(need)) void loadTextTask(need).catch(() => undefined);
  try {
    await connection.run(`CREATE VIEW ${ROWS} AS SELECT ${place} AS row, ${columns.join(", ")} FROM ${scan}`);
    await applyRules(connection, rules, {
      seed,
      allReasons: false,
      provided: filtering.provided,
      provide: async (need, relation) => {
        if (!isTextNeed(need)) return;
        const table = await computeTexts(database, need, relation, workers, signal);
        return `LEFT JOIN (SELECT text AS ${need}_of, value AS ${need} FROM ${table}) ON ${TEXT_OF[need]} = ${need}_of`;
      },
      signal,
    });
  } finally {
    await workers.close();
  }
  const dropped = rules.map(() => 0);
  for (const { rule, n } of await queryRows(connection, `SELECT rule, count(*) AS n FROM ${DROPPED} GROUP BY rule`))
    dropped[Number(rule)] = Number(n);
  // A join does not keep the order of rows, a WHERE does. It looks the dropped rows up in one bit string.
  await connection.run(
    `SET VARIABLE dropped_bits = (SELECT bitstring_agg(row, 0, ${Math.max(1, starts.at(-1) ?? 0)}) FROM ${DROPPED})`,
  );
  const isLeft = `get_bit(getvariable('dropped_bits'), (${place})::INTEGER) = 0`;
  const where = dropped.every((n) => n === 0) ? "" : `WHERE ${isLeft}`;
  const result = await connection.run(
    `COPY (SELECT * EXCLUDE (file_row_number) FROM ${scan} ${where}) TO ${literal(output)} (FORMAT parquet)`,
  );
  return { dropped, written: result.rowsChanged };
}

/** After `inPasses`: writes where each dropped row was, and why it was dropped. */
export async function writeDropped({ database, rules, files, starts }: Filtering, output: string): Promise<void> {
  const names = `([${rules.map((rule) => literal(rule.name)).join(", ")}]::VARCHAR[])`;
  const reasons = `([${rules.map((rule) => literal(rule.reason)).join(", ")}]::VARCHAR[])`;
  const places = files.map((file, i) => `(${literal(file)}, ${starts[i]})`).join(", ");
  await database.connection.run(`COPY (
      SELECT file, row - start AS row, ${names}[rule + 1] AS rule, ${reasons}[rule + 1] AS reason
      FROM ${DROPPED} ASOF JOIN (VALUES ${places}) f(file, start) ON ${DROPPED}.row >= start
      ORDER BY ${DROPPED}.row
    ) TO ${literal(output)} (FORMAT parquet)`);
}
