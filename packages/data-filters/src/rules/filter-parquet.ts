/**
 * Rules straight over Parquet files, out of core: for tables that have questions, answers and boxes already and need no
 * adapter. Rows keep their columns and their order.
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { DatasetError } from "@v-triune/schema";
import {
  duckdbMessage,
  identifier,
  openDatabase,
  queryRows,
  type Database,
  type DatabaseOptions,
} from "../duckdb/database";
import { isDiskFull, notParquet, readFailure } from "../duckdb/read-failure";
import { fileColumns } from "../duckdb/file-columns";
import { fileLiteral, parquetScan } from "../duckdb/scan";
import { parquetFiles } from "../samples/parquet-files";
import { NEED_COLUMNS, ROW_COLUMNS, type Columns, type RuleNeed } from "../tables/curation-tables";
import { buildRule, type RuleConfig } from "./catalogue";
import { canBeOnePass, inOnePass, inPasses, writeDropped, type Filtering } from "./filter-passes";
import type { FilterRule } from "./filter-rule";
import { isTextNeed } from "./text-needs";

/** What is filtered, by what, to where. */
export interface FilterParquetOptions extends DatabaseOptions {
  /** Rules in order. Rules that need decoded pictures, hashes of pictures or rollouts belong to `curate`. */
  readonly rules: readonly RuleConfig[];
  /**
   * SQL for columns that rules use and that have another name in the files: `{ task: "'detection'", boxes: "..." }`. A
   * column of the files with the name of a rule's column is taken as it is; a column that is missing is NULL.
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

/**
 * Reads, filters and writes.
 *
 * ```ts
 * await filterParquet("big.parquet", "kept.parquet", {
 *   rules: ["multiple-choice", { rule: "answer-length", max: 30 }],
 *   columns: { task: "'math'" },
 * });
 * ```
 * @throws DatasetError for files that are missing or damaged, rules that need more than columns, an output that exists
 */
export async function filterParquet(
  input: string | readonly string[],
  output: string,
  options: FilterParquetOptions,
): Promise<FilteredParquet> {
  const rules = options.rules.map(buildRule);
  for (const rule of rules) {
    const unmet = rule.needs?.find((need) => need !== "size" && !isTextNeed(need));
    if (unmet !== undefined) throw needsCurate(rule.name, unmet);
  }
  if (existsSync(output) && options.overwrite !== true) {
    throw new DatasetError({
      code: "output-in-use",
      file: output,
      expected: "no file of that name",
      found: "a file of that name",
      fix: "choose another name, or replace the file (overwrite: true)",
    });
  }
  const database = await openDatabase(options);
  const interrupt = (): void => database.connection.interrupt();
  options.signal?.addEventListener("abort", interrupt);
  try {
    const filtering = await openFiltering(database, input, rules, options);
    return await write(filtering, output, options.droppedTo);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw filterFailure(error, String(input), output);
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
    database.close();
  }
}

/** Columns of `rows` that files may have, or `columns` may give. */
const GIVEN_COLUMNS: Columns = (({ row: _row, part: _part, box_unit: _unit, turns: _turns, ...columns }) => ({
  ...columns,
  ...NEED_COLUMNS.language,
}))(ROW_COLUMNS);

async function openFiltering(
  database: Database,
  input: string | readonly string[],
  rules: readonly FilterRule[],
  options: FilterParquetOptions,
): Promise<Filtering> {
  const { connection } = database;
  const files = await parquetFiles(connection, input);
  const present = await fileColumns(connection, files[0] as string);
  const nameInSql = (name: string): string | undefined => present.find((column) => column.name === name)?.sqlName;
  const hasLanguage = nameInSql("language") !== undefined || options.columns?.language !== undefined;
  const given = Object.entries(GIVEN_COLUMNS).filter(([name]) => name !== "language" || hasLanguage);
  const starts = await fileStarts(connection, files);
  return {
    database,
    rules,
    seed: options.seed ?? 0,
    threads: options.threads,
    signal: options.signal,
    files,
    starts,
    own: present.map(({ sqlName }) => sqlName),
    scan: parquetScan(files, "file_row_number = true"),
    place:
      files.length === 1
        ? "file_row_number"
        : `([${starts.join(", ")}]::BIGINT[])[file_index::BIGINT + 1] + file_row_number`,
    columns: given.map(([name, type]) => {
      const missing = name === "source" ? "''" : "NULL";
      const own = nameInSql(name);
      const sql = options.columns?.[name] ?? (own === undefined ? missing : identifier(own));
      return `CAST(${sql} AS ${type.toString()}) AS ${name}`;
    }),
    // Sizes are columns here, or unknown.
    provided: hasLanguage ? ["size", "language"] : ["size"],
  };
}

/** Rows before each file, and after the last one all rows. */
async function fileStarts(connection: DuckDBConnection, files: readonly string[]): Promise<number[]> {
  const starts = [0];
  for (const file of files) {
    const meta = queryRows(connection, `SELECT num_rows AS n FROM parquet_file_metadata(${fileLiteral(file)})`);
    const [row] = await meta.catch((error: unknown) => {
      throw notParquet(file, error);
    });
    starts.push((starts.at(-1) ?? 0) + Number(row?.n ?? 0));
  }
  return starts;
}

/** Writes the output, and the list of dropped rows where one is wanted. */
async function write(filtering: Filtering, output: string, droppedTo: string | undefined): Promise<FilteredParquet> {
  let result: FilteredParquet | undefined;
  await replaceFile(output, async (temporary) => {
    const isOnePass = droppedTo === undefined && canBeOnePass(filtering);
    const counts = await (isOnePass ? inOnePass(filtering, temporary) : inPasses(filtering, temporary));
    const read = filtering.starts.at(-1) ?? 0;
    const dropped = filtering.rules.map(({ name, reason }, i) => ({
      rule: name,
      reason,
      rows: counts.dropped[i] ?? 0,
    }));
    const kept = read - dropped.reduce((sum, { rows }) => sum + rows, 0);
    if (kept !== counts.written) {
      throw new DatasetError({
        code: "row-count",
        file: output,
        expected: `${kept} rows: ${read} were read, ${read - kept} dropped`,
        found: `${counts.written} rows`,
        fix: "check that the rules of scope set give each row once. Nothing was left of this run",
      });
    }
    result = { read, kept, dropped: dropped.filter(({ rows }) => rows > 0) };
    if (droppedTo !== undefined) await replaceFile(droppedTo, (file) => writeDropped(filtering, file));
  });
  return result as FilteredParquet;
}

/** What `curate` computes and `filterParquet` does not. */
const CURATE_COMPUTES: Readonly<Partial<Record<RuleNeed, string>>> = {
  picture: "decoded pictures",
  hash: "hashes of pictures",
  rollouts: "rollouts",
  blind: "rollouts without the pictures",
  contamination: "a comparison with benchmarks",
};

function needsCurate(rule: string, need: RuleNeed): DatasetError {
  return new DatasetError({
    code: "bad-option",
    field: `rules.${rule}`,
    expected: "rules over columns",
    found: `a rule that needs ${CURATE_COMPUTES[need] ?? need}`,
    fix: "use curate, which inspects pictures, reads rollouts and compares with benchmarks",
  });
}

function filterFailure(error: unknown, input: string, output: string): DatasetError {
  if (error instanceof DatasetError) return error;
  const temporary = `.${basename(output)}.tmp-`;
  const isFileSystem = error instanceof Error && "code" in error;
  if (!isFileSystem && !isDiskFull(error) && !String(error).includes(temporary)) return readFailure(error, input);
  return new DatasetError({
    code: "write-failed",
    file: output,
    expected: "a file that can be written",
    found: duckdbMessage(error),
    fix: "free space or choose another folder",
    cause: error,
  });
}
