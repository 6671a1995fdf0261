/**
 * Rules straight over Parquet files, out of core: for tables that have questions, answers and boxes already and need no
 * adapter. Rules over single rows decide and write in one scan; others take a scan for each group of rules and one to write. Rows
 * keep their columns and their order.
 */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { BOOLEAN, DuckDBScalarFunction, UINTEGER, UTINYINT, type DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import {
  duckdbMessage,
  identifier,
  literal,
  openDatabase,
  queryRows,
  type Database,
  type DatabaseOptions,
} from "../duckdb/database";
import { notParquet } from "../duckdb/read-failure";
import { parquetColumns, parquetFiles } from "../samples/parquet-files";
import { loadTextTask } from "../workers/text-tasks";
import { TextWorkers } from "../workers/text-workers";
import { applyRules, blame, firstHit } from "./apply-rules";
import { buildRule, type RuleConfig } from "./catalogue";
import type { FilterRule, RuleNeed } from "./filter-rule";
import { computeTexts, isTextNeed, TEXT_OF } from "./text-needs";

/** What is filtered, by what, to where. */
export interface FilterParquetOptions extends DatabaseOptions {
  /** Rules in order. Those that look into pictures or read rollouts belong to `curate`. */
  readonly rules: readonly RuleConfig[];
  /**
   * SQL for columns that rules use and the files spell otherwise: `{ task: "'detection'", boxes: "..." }`. A column of the
   * files that has a rule column's name is taken as it is; what is missing is NULL.
   */
  readonly columns?: Readonly<Record<string, string>>;
  readonly seed?: number;
  /** Write `file`, `row` (in that file), `rule` and `reason` of each dropped row to this Parquet file. */
  readonly droppedTo?: string;
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

/** What became of the rows. */
export interface FilteredParquet {
  readonly read: number;
  readonly kept: number;
  readonly dropped: readonly { readonly rule: string; readonly reason: string; readonly rows: number }[];
}

const COLUMN_TYPES: Readonly<Record<string, string>> = {
  source: "VARCHAR",
  task: "VARCHAR",
  id: "VARCHAR",
  question: "VARCHAR",
  answer: "VARCHAR",
  options: "VARCHAR[]",
  category: "VARCHAR",
  boxes: "STRUCT(x1 DOUBLE, y1 DOUBLE, x2 DOUBLE, y2 DOUBLE, label VARCHAR)[]",
  width: "INTEGER",
  height: "INTEGER",
  picture_count: "INTEGER",
  pictures: "VARCHAR",
  language: "VARCHAR",
};

/** Rows before each file, and after the last one all rows. */
async function fileStarts(connection: DuckDBConnection, files: readonly string[]): Promise<number[]> {
  const starts = [0];
  for (const file of files) {
    const [meta] = await queryRows(connection, `SELECT num_rows AS n FROM parquet_file_metadata(${literal(file)})`);
    starts.push((starts.at(-1) ?? 0) + Number(meta?.n ?? 0));
  }
  return starts;
}

/** Everything about one call that its steps need. */
interface Filtering {
  readonly database: Database;
  readonly rules: readonly FilterRule[];
  readonly options: FilterParquetOptions;
  readonly files: readonly string[];
  /** Names of the files' own columns. */
  readonly own: readonly string[];
  /** The files as a relation with `file_row_number`. */
  readonly scan: string;
  /** A row's number in all files, as SQL: its place in its file and the rows of the files before. */
  readonly place: string;
  /** The rules' columns as SQL expressions with their names. */
  readonly columns: readonly string[];
  readonly starts: readonly number[];
  /** Needs that columns meet. */
  readonly provided: readonly RuleNeed[];
  readonly temporary: string;
}

/**
 * Reads, filters and writes.
 *
 * ```ts
 * await filterParquet("big.parquet", "kept.parquet", {
 *   rules: ["multiple-choice", { rule: "answer-length", max: 30 }],
 *   columns: { task: "'math'" },
 * });
 * ```
 * @throws DatasetError for files that are missing or damaged, rules that do not fit, an output that is there
 */
export async function filterParquet(
  input: string | readonly string[],
  output: string,
  options: FilterParquetOptions,
): Promise<FilteredParquet> {
  const rules = options.rules.map(buildRule);
  const looking = rules.find((rule) =>
    /\b(picture_error|smallest_side)\b/.test(rule.sql({ relation: "rows", seed: 0 })),
  );
  if (looking !== undefined) throw unmet(looking.name, "a look into pictures");
  if (existsSync(output) && options.overwrite !== true) {
    throw new DatasetError({
      code: "output-in-use",
      file: output,
      expected: "no file of that name",
      found: "one is there",
      fix: "choose another name, or overwrite",
    });
  }
  const temporary = `${output}.partial`;
  const database = await openDatabase(options);
  const { connection } = database;
  const interrupt = (): void => connection.interrupt();
  options.signal?.addEventListener("abort", interrupt);
  try {
    const files = await parquetFiles(connection, input);
    const present = await parquetColumns(connection, files[0] as string);
    const columns = Object.entries(COLUMN_TYPES).map(([name, type]) => {
      const sql = options.columns?.[name] ?? (present.has(name) ? identifier(name) : name === "source" ? "''" : "NULL");
      return `CAST(${sql} AS ${type}) AS ${name}`;
    });
    const starts = await fileStarts(connection, files);
    const language = present.has("language") || options.columns?.language !== undefined;
    const filtering: Filtering = {
      database,
      rules,
      options,
      files,
      own: [...present.keys()],
      scan: `read_parquet([${files.map(literal).join(", ")}], file_row_number = true)`,
      place:
        files.length === 1
          ? "file_row_number"
          : `([${starts.join(", ")}]::BIGINT[])[file_index::BIGINT + 1] + file_row_number`,
      columns: language ? columns : columns.filter((column) => !column.endsWith(" AS language")),
      starts,
      // Sizes are columns here, or unknown.
      provided: language ? ["picture", "language"] : ["picture"],
      temporary,
    };
    const counts = canBeOnePass(filtering) ? await inOnePass(filtering) : await inPasses(filtering);
    await rename(temporary, output);
    const read = starts.at(-1) ?? 0;
    const dropped = rules.flatMap(({ name, reason }, i) =>
      counts[i] ? [{ rule: name, reason, rows: counts[i] }] : [],
    );
    return { read, kept: read - dropped.reduce((sum, { rows }) => sum + rows, 0), dropped };
  } catch (error) {
    await rm(temporary, { force: true });
    options.signal?.throwIfAborted();
    if (error instanceof DatasetError) throw error;
    if (/magic bytes|footer|Parquet/i.test(String(error))) throw notParquet(String(input), error);
    throw new DatasetError({
      code: "write-failed",
      file: output,
      expected: "a file that can be written",
      found: duckdbMessage(error),
      cause: error,
    });
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
    database.close();
  }
}

/** Whether each row's fate is known when it is read: then it is written, or counted, at once. */
function canBeOnePass({ rules, options, provided, starts }: Filtering): boolean {
  const simple = rules.every(
    (rule) => rule.scope === "row" && (rule.needs ?? []).every((need) => provided.includes(need)),
  );
  return simple && options.droppedTo === undefined && rules.length < NOT_DROPPED && (starts.at(-1) ?? 0) < 2 ** 32;
}

/** No rule's position. */
const NOT_DROPPED = 255;

/** Reads the files once: rows that no rule hits are written, the first rule that hits the others is noted by a function of ours. */
async function inOnePass({
  database,
  rules,
  options,
  own,
  scan,
  place,
  columns,
  starts,
  temporary,
}: Filtering): Promise<number[]> {
  // By row, as nothing says that DuckDB calls a function once for each.
  const fates = new Uint8Array(starts.at(-1) ?? 0).fill(NOT_DROPPED);
  database.connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: "note_dropped",
      parameterTypes: [UINTEGER, UTINYINT],
      returnType: BOOLEAN,
      volatile: true,
      mainFunction(_info, chunk, kept) {
        const [at, rule] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
        for (let i = 0; i < chunk.rowCount; i++) {
          fates[Number(at.getItem(i))] = Number(rule.getItem(i));
          kept.setItem(i, false);
        }
        kept.flush();
      },
    }),
  );
  // A rule's column may have the name of one of the files'.
  const renamed = own.map((name, i) => [identifier(name), identifier(`file column ${i}`)] as const);
  const inner = [...renamed.map(([name, alias]) => `${name} AS ${alias}`), `${place} AS row`, ...columns].join(", ");
  const placed = rules.map((rule, index) => ({ rule, index }));
  const fate = firstHit(placed, options.seed ?? 0, "rows");
  const copy = `COPY (SELECT ${renamed.map(([name, alias]) => `${alias} AS ${name}`).join(", ")}
    FROM (SELECT *, ${placed.length === 0 ? "NULL" : fate} AS fate FROM (SELECT ${inner} FROM ${scan}) rows)
    WHERE CASE WHEN fate IS NULL THEN true ELSE note_dropped(row::UINTEGER, fate::UTINYINT) END) TO ${literal(temporary)} (FORMAT parquet)`;
  await database.connection.run(copy).catch(async (error: unknown) => {
    await database.connection.run(`CREATE VIEW rows AS SELECT ${place} AS row, ${columns.join(", ")} FROM ${scan}`);
    return blame(database.connection, placed, options.seed ?? 0, "rows", error);
  });
  const counts = rules.map(() => 0);
  for (const rule of fates) if (rule !== NOT_DROPPED) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

/** Reads the files once for each group of rules, and once more to write. */
async function inPasses(filtering: Filtering): Promise<number[]> {
  const { database, rules, options, scan, place, columns, starts, temporary } = filtering;
  const { connection } = database;
  const workers = new TextWorkers(options.threads);
  // This thread only waits while the first rules run; what loads meanwhile costs no time.
  for (const need of new Set(rules.flatMap((rule) => rule.needs ?? [])))
    if (isTextNeed(need)) void loadTextTask(need).catch(() => undefined);
  try {
    await connection.run(`CREATE VIEW rows AS SELECT ${place} AS row, ${columns.join(", ")} FROM ${scan}`);
    await applyRules(connection, rules, {
      seed: options.seed ?? 0,
      allReasons: false,
      provided: filtering.provided,
      provide: async (need, relation) => {
        if (!isTextNeed(need)) throw unmet(rules.find((rule) => rule.needs?.includes(need))?.name ?? "", need);
        const table = await computeTexts(database, need, relation, workers, options.signal);
        return `LEFT JOIN (SELECT text AS ${need}_of, value AS ${need} FROM ${table}) ON ${TEXT_OF[need]} = ${need}_of`;
      },
      signal: options.signal,
    });
  } finally {
    await workers.close();
  }
  // A join does not keep the order of rows, a WHERE does: the dropped rows become one bit string that it looks into.
  const counts = rules.map(() => 0);
  for (const { rule, n } of await queryRows(connection, "SELECT rule, count(*) AS n FROM dropped GROUP BY rule"))
    counts[Number(rule)] = Number(n);
  await connection.run(
    `SET VARIABLE dropped_bits = (SELECT bitstring_agg(row, 0, ${Math.max(1, starts.at(-1) ?? 0)}) FROM dropped)`,
  );
  const where = counts.every((n) => n === 0)
    ? ""
    : `WHERE get_bit(getvariable('dropped_bits'), (${place})::INTEGER) = 0`;
  await connection.run(
    `COPY (SELECT * EXCLUDE (file_row_number) FROM ${scan} ${where}) TO ${literal(temporary)} (FORMAT parquet)`,
  );
  if (options.droppedTo !== undefined) await writeDropped(filtering, options.droppedTo);
  return counts;
}

function unmet(rule: string, need: string): DatasetError {
  return new DatasetError({
    code: "bad-option",
    field: `rules.${rule}`,
    expected: "rules over columns",
    found: `one that needs ${need}`,
    fix: "use curate, which looks into pictures and reads rollouts",
  });
}

/** Where each dropped row was, and why it is gone. */
async function writeDropped({ database, rules, files, starts }: Filtering, to: string): Promise<void> {
  const names = `[${rules.map((rule) => literal(rule.name)).join(", ")}]::VARCHAR[]`;
  const reasons = `[${rules.map((rule) => literal(rule.reason)).join(", ")}]::VARCHAR[]`;
  const partial = `${to}.partial`;
  try {
    await database.connection.run(
      `COPY (SELECT file, row - start AS row, (${names})[rule + 1] AS rule, (${reasons})[rule + 1] AS reason
        FROM dropped ASOF JOIN (VALUES ${files.map((file, i) => `(${literal(file)}, ${starts[i]})`).join(", ")}) f(file, start) ON dropped.row >= start
        ORDER BY dropped.row)
       TO ${literal(partial)} (FORMAT parquet)`,
    );
    await rename(partial, to);
  } finally {
    await rm(partial, { force: true });
  }
}
