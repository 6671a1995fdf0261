/**
 * Rules straight over Parquet files, out of core: for tables that have questions, answers and boxes already and need no
 * adapter. One scan decides, one writes; rows keep their columns and their order.
 */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError } from "@v-triune/schema";
import { duckdbMessage, identifier, literal, queryRows, withDatabase, type DatabaseOptions } from "../duckdb/database";
import { notParquet, parquetColumns, parquetFiles } from "../samples/parquet-files";
import { applyRules, rowPredicate } from "./apply-rules";
import { buildRule, type RuleConfig } from "./catalogue";

/** What is filtered, by what, to where. */
export interface FilterParquetOptions extends DatabaseOptions {
  /** Rules in order. Those that look into pictures or need a verifier belong to `curate`. */
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
  /**
   * `false` reads once instead of twice and tells only how many rows are left; for row rules, without `droppedTo`. Default true.
   */
  readonly reasons?: boolean;
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
export async function filterParquet(input: string | readonly string[], output: string, options: FilterParquetOptions): Promise<FilteredParquet> {
  const rules = options.rules.map(buildRule);
  const unfit = rules.find((rule) => rule.scope !== "row" || (rule.needs ?? []).some((need) => need !== "picture"));
  if (options.reasons === false && (unfit !== undefined || options.droppedTo !== undefined)) {
    throw new DatasetError({
      code: "bad-option",
      field: "reasons",
      expected: "row rules over columns, and no droppedTo, for reasons: false",
      found: unfit === undefined ? "droppedTo" : `the rule ${unfit.name}`,
      fix: "leave reasons out",
    });
  }
  if (existsSync(output) && options.overwrite !== true) {
    throw new DatasetError({ code: "output-in-use", file: output, expected: "no file of that name", found: "one is there", fix: "choose another name, or overwrite" });
  }
  const temporary = `${output}.partial`;
  return withDatabase(options, async (connection) => {
    const interrupt = (): void => connection.interrupt();
    options.signal?.addEventListener("abort", interrupt);
    const filterOnce = async (scan: string, present: Iterable<string>, columns: readonly string[], read: number): Promise<FilteredParquet> => {
      const own = [...present].map((name, i) => [identifier(name), identifier(`file column ${i}`)] as const);
      const inner = [...own.map(([name, alias]) => `${name} AS ${alias}`), ...columns].join(", ");
      const where = rules.map((rule) => `(${rowPredicate(rule, options.seed ?? 0, "rows")}) IS NOT TRUE`);
      await connection.run(`COPY (SELECT ${own.map(([name, alias]) => `${alias} AS ${name}`).join(", ")} FROM (SELECT ${inner} FROM ${scan}) rows
        WHERE ${where.join(" AND ") || "true"}) TO ${literal(temporary)} (FORMAT parquet)`);
      const [meta] = await queryRows(connection, `SELECT num_rows AS n FROM parquet_file_metadata(${literal(temporary)})`);
      await rename(temporary, output);
      return { read, kept: Number(meta?.n ?? 0), dropped: [] };
    };
    try {
      const files = await parquetFiles(connection, input);
      const present = await parquetColumns(connection, files[0] as string);
      const scan = `read_parquet([${files.map(literal).join(", ")}], file_row_number = true)`;
      const columns = Object.entries(COLUMN_TYPES).map(([name, type]) => {
        const sql = options.columns?.[name] ?? (present.has(name) ? identifier(name) : name === "source" ? "''" : "NULL");
        return `CAST(${sql} AS ${type}) AS ${name}`;
      });
      // A row's number is its place in its file and the rows of the files before: dense, and known without a window.
      const starts = await fileStarts(connection, files);
      if (options.reasons === false) return await filterOnce(scan, present.keys(), columns, starts.at(-1) ?? 0);
      const place = `([${starts.join(", ")}]::BIGINT[])[file_index::BIGINT + 1] + file_row_number`;
      await connection.run(`CREATE VIEW rows AS SELECT ${place} AS row, ${columns.join(", ")} FROM ${scan}`);
      await applyRules(connection, rules, {
        seed: options.seed ?? 0,
        allReasons: false,
        // Sizes are columns here, or unknown. A language that is unknown would pass in silence.
        provided: present.has("language") || options.columns?.language !== undefined ? ["picture", "language"] : ["picture"],
        provide: async (need) => {
          throw new DatasetError({
            code: "bad-option",
            field: "rules",
            expected: "rules over columns",
            found: `a rule that needs ${need}`,
            fix: "use curate, which looks into pictures, verifies answers and reads rollouts",
          });
        },
        signal: options.signal,
      });
      const counts = await queryRows(connection, "SELECT rule, count(*) AS n FROM dropped GROUP BY rule ORDER BY rule");
      // A join does not keep the order of rows, a WHERE does: the dropped rows become one bit string that it looks into.
      const total = starts.at(-1) ?? 0;
      await connection.run(`SET VARIABLE dropped_bits = (SELECT bitstring_agg(row, 0, ${Math.max(1, total)}) FROM dropped)`);
      const where = counts.length === 0 ? "" : `WHERE get_bit(getvariable('dropped_bits'), (${place})::INTEGER) = 0`;
      await connection.run(`COPY (SELECT * EXCLUDE (file_row_number) FROM ${scan} ${where}) TO ${literal(temporary)} (FORMAT parquet)`);
      if (options.droppedTo !== undefined) {
        const names = `[${rules.map((rule) => literal(rule.name)).join(", ")}]::VARCHAR[]`;
        const reasons = `[${rules.map((rule) => literal(rule.reason)).join(", ")}]::VARCHAR[]`;
        await connection.run(
          `COPY (SELECT file, row - start AS row, (${names})[rule + 1] AS rule, (${reasons})[rule + 1] AS reason
            FROM dropped ASOF JOIN (VALUES ${files.map((file, i) => `(${literal(file)}, ${starts[i]})`).join(", ")}) f(file, start) ON dropped.row >= start
            ORDER BY dropped.row)
           TO ${literal(options.droppedTo)} (FORMAT parquet)`,
        );
      }
      await rename(temporary, output);
      const dropped = counts.map(({ rule, n }) => {
        const { name = "", reason = "" } = rules[Number(rule)] ?? {};
        return { rule: name, reason, rows: Number(n) };
      });
      return { read: total, kept: total - dropped.reduce((sum, { rows }) => sum + rows, 0), dropped };
    } catch (error) {
      await rm(temporary, { force: true });
      options.signal?.throwIfAborted();
      if (error instanceof DatasetError) throw error;
      if (/magic bytes|footer|Parquet/i.test(String(error))) throw notParquet(String(input), error);
      throw new DatasetError({ code: "write-failed", file: output, expected: "a file that can be written", found: duckdbMessage(error), cause: error });
    } finally {
      options.signal?.removeEventListener("abort", interrupt);
    }
  });
}

