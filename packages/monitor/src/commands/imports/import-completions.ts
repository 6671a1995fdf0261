/**
 * Rollouts from the completions that TRL stores with `log_completions` (1.x: `completions/completions_00012.parquet` of
 * the output folder; also below `completions/train/`): step, prompt, completion, a column of numbers for each reward
 * function, advantage. They have no ids, no sources and no lengths in tokens. The reward is the sum of the functions,
 * TRL's default (`reward_weights`); a function that abstained (NaN) adds nothing.
 */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { DashboardError } from "../../dashboard/dashboard-error";
import type { MetricRecord } from "../../metric-record";
import { inDuckDB } from "./in-duckdb";

/** Columns that are no reward function's. */
const OTHER_COLUMNS = new Set(["step", "prompt", "completion", "advantage", "mode", "entropy", "__index_level_0__"]);
const GOLD_COLUMNS = ["solution", "answer", "ground_truth"];
const SOURCE_COLUMNS = ["data_source", "source", "dataset"];
const NUMBER = /^(DOUBLE|FLOAT|DECIMAL.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BOOLEAN)$/;

/** The Parquet files of a completions folder, of the folder above it, or the file itself. */
export async function completionFiles(path: string): Promise<string[]> {
  if (path.endsWith(".parquet")) return [path];
  for (const folder of [path, join(path, "train"), join(path, "completions"), join(path, "completions", "train")]) {
    const names = await readdir(folder).catch(() => [] as string[]);
    const found = names.filter((name) => /^completions_\d+\.parquet$/.test(name)).sort();
    if (found.length > 0) return found.map((name) => join(folder, name));
  }
  return [];
}

/** Whether a Parquet file holds completions, and not W&B's history. */
export async function holdsCompletions(path: string): Promise<boolean> {
  return await inDuckDB(async (connection) => {
    const reader = await connection.runAndReadAll("select name from parquet_schema($path)", { path: exactPath(path) });
    const names = reader.getRowsJson().map(([name]) => String(name));
    return ["step", "prompt", "completion"].every((name) => names.includes(name));
  }).catch((cause: Error) => {
    throw new DashboardError({
      what: "The Parquet file cannot be read.",
      where: path,
      found: cause.message.trim().split("\n")[0],
      fix: "check that the file is complete",
      cause,
    });
  });
}

const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Writes `rollouts/step-*.parquet`.
 *
 * @param folder the run folder
 * @returns records of rewards by step, for a run without a file of metrics
 * @throws DashboardError for files without the columns of completions
 */
export async function importCompletions(files: readonly string[], folder: string): Promise<MetricRecord[]> {
  return await inDuckDB(async (connection) => {
    const list = `[${files.map((file) => quotedText(exactPath(file))).join(", ")}]`;
    const table = `read_parquet(${list}, union_by_name = true, hive_partitioning = false)`;
    const described = (await connection.runAndReadAll(`describe select * from ${table}`)).getRowsJson();
    const columns = new Map(described.map(([name, type]) => [String(name), String(type)]));
    const missing = ["step", "prompt", "completion"].filter((name) => !columns.has(name));
    if (missing.length > 0)
      throw new DashboardError({
        what: "The Parquet file holds no completions.",
        where: files[0],
        expected: "the columns step, prompt and completion, as TRL's log_completions writes them",
        found: [...columns.keys()].join(", "),
      });
    await createRollouts(connection, table, columns);
    const steps = (await connection.runAndReadAll("select distinct step from rollouts order by 1")).getRowsJson();
    await mkdir(join(folder, "rollouts"));
    for (const [step] of steps) {
      const file = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`);
      await connection.run(
        `copy (select * from rollouts where step = ${Number(step)} order by group_index, sample_index)
         to ${quotedText(file)} (format parquet, compression zstd)`,
      );
    }
    return await rewardRecords(connection);
  });
}

async function createRollouts(
  connection: DuckDBConnection,
  table: string,
  columns: ReadonlyMap<string, string>,
): Promise<void> {
  const functions = [...columns].flatMap(([name, type]) =>
    !OTHER_COLUMNS.has(name) && NUMBER.test(type) ? [name] : [],
  );
  const first = (names: readonly string[]): string | undefined => names.find((name) => columns.has(name));
  const text = (name: string): string =>
    columns.get(name) === "VARCHAR" ? quotedName(name) : `to_json(${quotedName(name)})::VARCHAR`;
  const gold = first(GOLD_COLUMNS.filter((name) => !functions.includes(name)));
  const source = first(SOURCE_COLUMNS);
  const value = (name: string): string => {
    const number = `${quotedName(name)}::DOUBLE`;
    return `case when isfinite(${number}) then ${number} end`;
  };
  const rewards = `list_filter([${functions.map(value).join(", ")}]::DOUBLE[], one -> one is not null)`;
  await connection.run(
    `create table rollouts as
     with completions as (
       select step::INTEGER as step, row_number() over () as place, ${text("prompt")} as prompt,
         ${text("completion")} as response, ${gold === undefined ? "''" : text(gold)} as ground_truth,
         ${source === undefined ? "'all'" : text(source)} as data_source, ${rewards} as rewards,
         ${columns.has("advantage") ? "advantage::DOUBLE" : "null::DOUBLE"} as advantage,
         map([${functions.map(quotedText).join(", ")}]::VARCHAR[], [${functions.map(value).join(", ")}]::DOUBLE[]) as metrics
       from ${table}),
     grouped as (
       select *, min(place) over (partition by step, data_source, prompt) as first_place from completions)
     select step, (dense_rank() over (partition by step order by first_place) - 1)::INTEGER as group_index,
       (row_number() over (partition by step, first_place order by place) - 1)::INTEGER as sample_index, data_source,
       data_source as task, data_source || '/' || md5(prompt) as id, prompt, response, ground_truth,
       []::VARCHAR[] as image_paths, []::INTEGER[][] as image_sizes, null::VARCHAR as boxes,
       null::INTEGER as prompt_tokens, null::INTEGER as response_tokens, null::INTEGER as stripped_tokens,
       null::BOOLEAN as truncated, case when len(rewards) > 0 then 'scored' else 'skipped' end as status,
       case when len(rewards) = 0 then 'no reward function gave a number' end as reason, null::DOUBLE as accuracy,
       null::DOUBLE as format, case when len(rewards) > 0 then list_sum(rewards) end as reward,
       map([]::VARCHAR[], []::DOUBLE[]) as additions, advantage, metrics, []::INTEGER[] as token_ids
     from grouped`,
  );
}

/** Rewards by step, over all and by source where there are several. */
async function rewardRecords(connection: DuckDBConnection): Promise<MetricRecord[]> {
  const reader = await connection.runAndReadAll(
    `with prompts as (
       select step, data_source, group_index, count(*) as rollouts, count(reward) as scored, sum(reward) as total,
         sum(reward ** 2) as squares, min(reward) = max(reward) or count(reward) < 2 as is_same
       from rollouts group by all)
     select step::DOUBLE, data_source, sum(rollouts)::DOUBLE, sum(scored)::DOUBLE, sum(total)::DOUBLE,
       sum(squares)::DOUBLE, count(*)::DOUBLE, count(*) filter (is_same)::DOUBLE
     from prompts group by grouping sets ((step, data_source), (step)) order by step, data_source`,
  );
  const rows = reader.getRows() as [number, string | null, ...(number | null)[]][];
  const hasSources = new Set(rows.map(([, source]) => source)).size > 2;
  return rows.flatMap(([step, source, rollouts, scored, total, squares, groups, same]): MetricRecord[] => {
    if (source !== null && !hasSources) return [];
    const mean = scored! > 0 ? total! / scored! : undefined;
    return [
      {
        step,
        split: "train",
        scope: source === null ? "all" : "source",
        name: source ?? "all",
        metrics: {
          "rollouts/count": rollouts!,
          "verdict/scored": scored!,
          "group/count": groups!,
          "group/zero_signal_ratio": same! / groups!,
          ...(mean === undefined
            ? {}
            : {
                "critic/rewards/mean": mean,
                "critic/rewards/std": Math.sqrt(Math.max(0, squares! / scored! - mean ** 2)),
              }),
        },
      },
    ];
  });
}
