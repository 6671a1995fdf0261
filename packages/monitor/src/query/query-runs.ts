/**
 * `v-triune-monitor query`: two views over run folders, `rollouts` and `metrics`, and whatever DuckDB can do with them.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DuckDBInstance, StatementType, type DuckDBConnection } from "@duckdb/node-api";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { DashboardError } from "../dashboard/dashboard-error";
import { RunCatalogue } from "../dashboard/run-folder/run-catalogue";

export type TableFormat = "table" | "csv" | "jsonl";

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface QueryOptions {
  /** One SELECT at a time, over the runs' folders and nothing else. Default false: whatever DuckDB can do. */
  readonly isReadOnly?: boolean;
}

export interface RunQuery {
  /** @throws DashboardError with DuckDB's message */
  run(sql: string): Promise<QueryResult>;
  close(): void;
}

/**
 * changes(K): what `v-triune-monitor changes --since K` compares, over the stored rollouts. Its interval is that of the
 * linearized difference of means (the sandwich variance over prompts), which the bootstrap's approaches with the number
 * of prompts.
 */
const CHANGES = `create macro changes(since_step) as table
  with bounds as (select run, max(step) as last_step from rollouts group by run),
  judged as (
    select run, data_source, task, step, reward, step > since_step as is_after,
      data_source || ' ' || coalesce(nullif(id, ''), step || '/' || group_index) as prompt
    from rollouts join bounds using (run)
    where step > 2 * since_step - last_step and status = 'scored' and isfinite(reward)),
  scoped as (
    select 'source' as scope, data_source as name, * from judged
    union all select 'task', task, * from judged
    union all select 'all', 'all', * from judged),
  prompts as (
    select run, scope, name, prompt,
      coalesce(sum(reward) filter (not is_after), 0) as sum_before, count(*) filter (not is_after) as count_before,
      coalesce(sum(reward) filter (is_after), 0) as sum_after, count(*) filter (is_after) as count_after
    from scoped group by all),
  means as (
    select run, scope, name, sum(sum_before) / nullif(sum(count_before), 0) as before,
      sum(sum_after) / nullif(sum(count_after), 0) as after,
      sum(count_before)::BIGINT as rollouts_before, sum(count_after)::BIGINT as rollouts_after
    from prompts group by all),
  spread as (
    select run, scope, name,
      sqrt(sum(((sum_after - after * count_after) / rollouts_after
        - (sum_before - before * count_before) / rollouts_before) ** 2)) as error,
      count(*) filter (count_before > 0) as prompts_before, count(*) filter (count_after > 0) as prompts_after
    from prompts join means using (run, scope, name) group by all)
  select run, scope, name, before, after, after - before as change, change - 1.96 * error as low,
    change + 1.96 * error as high, prompts_before, prompts_after, rollouts_before, rollouts_after
  from means join spread using (run, scope, name) order by run, scope, change`;

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Opens the views:
 * - `rollouts`: the columns of rollouts/step-*.parquet and `run`
 * - `metrics(run, step, split, scope, name, task, metric, value)`, one row a number
 * - `changes(20)`: rewards since step 20 against as many steps before, by source, task and all
 *
 * @param folders run folders, or folders of them
 * @param onProblem told of each file that can't be read and is left out
 * @throws DashboardError when there is no run
 */
export async function openQuery(
  folders: readonly string[],
  onProblem: (message: string) => void,
  { isReadOnly = false }: QueryOptions = {},
): Promise<RunQuery> {
  const catalogue = new RunCatalogue(folders);
  await catalogue.scan();
  const runs = catalogue.all();
  if (runs.length === 0)
    throw new DashboardError({
      what: "There is no run to query.",
      where: folders.join(", "),
      expected: "a folder with a run.json or a metrics.jsonl",
    });
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const rollouts: string[] = [];
  const metrics: string[] = [];
  for (const { id, folder } of runs) {
    const files: string[] = [];
    for (const name of await readdir(join(folder, "rollouts")).catch(() => [] as string[])) {
      if (!/^step-\d+\.parquet$/.test(name)) continue;
      const file = join(folder, "rollouts", name);
      const problem = await connection.run(`describe select * from read_parquet(${quoted(exactPath(file))})`).then(
        () => null,
        (error: Error) => error.message,
      );
      if (problem === null) files.push(quoted(exactPath(file)));
      else onProblem(`${file} is left out: ${problem.split("\n")[0]}`);
    }
    if (files.length > 0)
      rollouts.push(
        `select ${quoted(id)} run, * from read_parquet([${files.join(", ")}], union_by_name = true, hive_partitioning = false)`,
      );
    const path = join(folder, "metrics.jsonl");
    if (!existsSync(path)) continue;
    const columns =
      "{step: 'BIGINT', split: 'VARCHAR', scope: 'VARCHAR', name: 'VARCHAR', task: 'VARCHAR', metrics: " +
      "'MAP(VARCHAR, VARCHAR)'}";
    metrics.push(`select ${quoted(id)} run, step, split, scope, name, task, entry.key metric, try_cast(entry.value as DOUBLE) "value"
      from (select *, unnest(map_entries(metrics)) entry from read_json(${quoted(exactPath(path))}, format = 'newline_delimited', columns = ${columns}, ignore_errors = true, hive_partitioning = false, maximum_object_size = 33554432))`);
  }
  if (rollouts.length > 0) {
    await connection.run(`create view rollouts as ${rollouts.join(" union all by name ")}`);
    await connection.run(CHANGES);
  }
  if (metrics.length > 0) await connection.run(`create view metrics as ${metrics.join(" union all ")}`);
  if (isReadOnly) {
    const allowed = runs.map(({ folder }) => quoted(`${resolve(folder)}/`)).join(", ");
    await connection.run(`set allowed_directories = [${allowed}]`);
    await connection.run("set memory_limit = '1GB'");
    await connection.run("set enable_external_access = false");
    await connection.run("set lock_configuration = true");
  }
  return {
    async run(sql) {
      try {
        if (isReadOnly) await refuseWriting(connection, sql);
        const reader = await connection.runAndReadAll(sql);
        return { columns: reader.columnNames(), rows: reader.getRowsJson() as unknown[][] };
      } catch (cause) {
        if (cause instanceof DashboardError) throw cause;
        throw new DashboardError({
          what: "The query failed.",
          expected: "DuckDB's SQL over rollouts, metrics and changes(20)",
          found: (cause as Error).message.trim(),
          fix: 'list the columns: v-triune-monitor query "describe rollouts"',
          cause,
        });
      }
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** @throws DashboardError for anything but one SELECT */
async function refuseWriting(connection: DuckDBConnection, sql: string): Promise<void> {
  const statements = await connection.extractStatements(sql);
  const statement = statements.count === 1 ? await statements.prepare(0) : undefined;
  if (statement !== undefined && READING.has(statement.statementType)) return;
  throw new DashboardError({
    what: "The query is not a single SELECT.",
    expected: "one statement that reads: select, describe, explain",
    found: statements.count === 1 ? "a statement that may write" : `${statements.count} statements`,
    fix: "ask one question at a time",
  });
}

const READING: ReadonlySet<StatementType> = new Set([StatementType.SELECT, StatementType.EXPLAIN]);

/** Control characters in a response would move the terminal's cursor or worse. */
export const plainText = (text: string): string => text.replace(/\n/g, "⏎").replace(/\p{Cc}/gu, "·");
const WIDEST = 80;

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : JSON.stringify(value);
}

/** A result as text: aligned columns, CSV, or a JSON object a line. */
export function formatTable({ columns, rows }: QueryResult, format: TableFormat): string {
  if (format === "jsonl")
    return rows
      .map((row) => `${JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, row[index]])))}\n`)
      .join("");
  const texts = [columns, ...rows.map((row) => row.map(cell))];
  if (format === "csv")
    return texts
      .map(
        (row) => `${row.map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")}\n`,
      )
      .join("");
  const shown = texts.map((row) =>
    row.map(plainText).map((text) => (text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text)),
  );
  const widths = columns.map((_, index) => Math.max(...shown.map((row) => row[index]?.length ?? 0)));
  const isNumber = columns.map(
    (_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === "number" || row[index] === null),
  );
  const lines = shown.map((row) =>
    row
      .map((text, index) => (isNumber[index] ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  return `${lines.join("\n")}\n`;
}
