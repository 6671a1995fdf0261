/**
 * Rollouts and the samples they answer, out of Parquet by DuckDB. Every statement is fixed text with parameters; the files are those of the
 * run and those that its configuration names. Nothing is written.
 */
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import type { RolloutFilter, RolloutGroup, RolloutPage, RolloutRow } from "../dashboard-api";
import { configValue } from "../config-value";
import { DashboardError } from "../dashboard-error";
import { pictureType } from "./picture-type";
import { rolloutBoxes } from "./rollout-boxes";
import { rewardArithmetic, type SampleReward } from "./reward-arithmetic";
import type { RunView } from "../run-folder/run-view";

/** Longer responses are cut for the page, which says so. */
const LONGEST_RESPONSE = 1_000_000;
const LARGEST_PICTURE = 32 << 20;
const MOST_ROWS = 200;
const KEPT_SAMPLES = 256;
/** Answers of one prompt that a page shows; a group of a real run has 8 or 16. */
const LARGEST_GROUP = 128;

/** A picture as it is encoded, of a type that can hold no script. */
export interface Picture {
  readonly type: string;
  readonly bytes: Uint8Array;
}

interface StoredSample extends SampleReward {
  /** In the order of the prompt; undefined where one can't be had. */
  readonly pictures: readonly (Picture | undefined)[];
}

type Row = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const finite = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

const SUMMARY = `step::INTEGER as "step", group_index::INTEGER as "group", sample_index::INTEGER as "sample", data_source::VARCHAR as "source", task::VARCHAR as "task",
  id::VARCHAR as "id", status::VARCHAR as "status", reason::VARCHAR as "reason", reward::DOUBLE as "reward", advantage::DOUBLE as "advantage",
  response_tokens::INTEGER as "response_tokens", truncated::BOOLEAN as "truncated", right(response::VARCHAR, 160) as "excerpt"`;

const ORDER: Readonly<Record<NonNullable<RolloutFilter["order"]>, string>> = {
  group: "step desc, group_index, sample_index",
  reward: "reward asc nulls last, step desc, group_index, sample_index",
  "-reward": "reward desc nulls last, step desc, group_index, sample_index",
  length: "response_tokens asc, step desc, group_index, sample_index",
  "-length": "response_tokens desc, step desc, group_index, sample_index",
};

function rolloutRow(row: Row): RolloutRow {
  return {
    step: Number(row.step),
    group: Number(row.group),
    sample: Number(row.sample),
    source: text(row.source),
    task: text(row.task),
    id: text(row.id),
    status: text(row.status),
    reason: typeof row.reason === "string" ? row.reason : null,
    reward: finite(row.reward),
    advantage: finite(row.advantage),
    responseTokens: Number(row.response_tokens ?? 0),
    truncated: row.truncated === true,
    excerpt: text(row.excerpt),
  };
}

const stepFile = (run: RunView, step: number): string =>
  join(run.folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`);

/** The data sets that a run's configuration names, as local paths or globs. */
async function dataPaths(run: RunView): Promise<string[]> {
  const sets = [configValue(run.config, ["data", "train"]), configValue(run.config, ["data", "eval"])].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  const paths = sets
    .map((set) => text(configValue(set, ["path"])))
    .filter((path) => path !== "" && !path.includes("://"));
  const globs = paths.map(async (path) => {
    const whole = resolve(path);
    const isFolder = await stat(whole).then(
      (found) => found.isDirectory(),
      () => false,
    );
    return isFolder ? join(whole, "**", "*.parquet") : whole;
  });
  return [...new Set(await Promise.all(globs))];
}

/** Reads what runs have stored; one DuckDB for all, started at the first question. */
export class RolloutReader {
  #instance: DuckDBInstance | undefined;
  #connection: Promise<DuckDBConnection> | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #samples = new Map<string, StoredSample | null>();

  async #open(): Promise<DuckDBConnection> {
    this.#instance = await DuckDBInstance.create(":memory:", {
      threads: "2",
      memory_limit: "1GB",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return await this.#instance.connect();
  }

  /** Questions are answered one after the other: a page asks several at once, and DuckDB uses all its threads for each. */
  #ask(sql: string, values: Record<string, DuckDBValue>): Promise<Row[]> {
    const answer = this.#queue.then(async () => {
      const connection = await (this.#connection ??= this.#open());
      return (await connection.runAndReadAll(sql, values)).getRowObjectsJS() as Row[];
    });
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async #rows(sql: string, values: Record<string, DuckDBValue>, where: string): Promise<Row[]> {
    try {
      return await this.#ask(sql, values);
    } catch (cause) {
      throw new DashboardError({
        what: "The stored rollouts can't be read.",
        where,
        found: (cause as Error).message.split("\n")[0],
        fix: "the file may be damaged, or of another program",
        cause,
      });
    }
  }

  /**
   * A page of a run's rollouts.
   *
   * @throws DashboardError when the files can't be read
   */
  async list(run: RunView, filter: RolloutFilter): Promise<RolloutPage> {
    const steps = await run.rolloutSteps();
    const wanted = filter.step === undefined ? steps : steps.filter((step) => step === filter.step);
    if (wanted.length === 0) return { rows: [], total: 0 };
    const conditions: string[] = ["true"];
    const values: Record<string, DuckDBValue> = {};
    const when = (condition: string, name: string, value: DuckDBValue | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values[name] = value;
    };
    when("data_source = $source", "source", filter.source);
    when("status = $status", "status", filter.status);
    when("truncated = $truncated", "truncated", filter.truncated);
    when("reward >= $rewardFrom", "rewardFrom", filter.rewardFrom);
    when("reward <= $rewardTo", "rewardTo", filter.rewardTo);
    when("response_tokens >= $lengthFrom", "lengthFrom", filter.lengthFrom);
    when("response_tokens <= $lengthTo", "lengthTo", filter.lengthTo);
    const from = `from read_parquet([${wanted.map((step) => `'${stepFile(run, step).replaceAll("'", "''")}'`).join(", ")}], union_by_name = true) where ${conditions.join(" and ")}`;
    const limit = Math.min(MOST_ROWS, Math.max(1, Math.trunc(filter.limit ?? 100)));
    const offset = Math.max(0, Math.trunc(filter.offset ?? 0));
    const counted = await this.#rows(`select count(*)::INTEGER as "total" ${from}`, values, run.folder);
    const rows = await this.#rows(
      `select ${SUMMARY} ${from} order by ${ORDER[filter.order ?? "group"]} limit ${limit} offset ${offset}`,
      values,
      run.folder,
    );
    return { rows: rows.map(rolloutRow), total: Number(counted[0]?.total ?? 0) };
  }

  /**
   * The rollouts of one prompt of a step, with boxes matched and rewards taken apart.
   *
   * @param pictureSource where the page finds a picture
   * @returns undefined when there is no such group
   * @throws DashboardError when the file can't be read
   */
  async group(
    run: RunView,
    step: number,
    group: number,
    pictureSource: (index: number, picture: Picture) => string,
  ): Promise<RolloutGroup | undefined> {
    if (!(await run.rolloutSteps()).includes(step)) return undefined;
    const path = stepFile(run, step);
    // Files of earlier versions do not have it.
    const hasAdditions =
      (await this.#rows("select name from parquet_schema($path) where name = 'additions'", { path }, path)).length > 0;
    const additions = hasAdditions ? "to_json(additions)::VARCHAR" : "null";
    const rows = await this.#rows(
      `select ${SUMMARY}, left(prompt::VARCHAR, 200000) as "prompt", left(ground_truth::VARCHAR, 200000) as "gold", prompt_tokens::INTEGER as "prompt_tokens", stripped_tokens::INTEGER as "stripped",
         left(response::VARCHAR, ${LONGEST_RESPONSE}) as "response", length(response::VARCHAR)::INTEGER as "response_length", accuracy::DOUBLE as "accuracy", format::DOUBLE as "format",
         to_json(image_sizes)::VARCHAR as "sizes", to_json(metrics)::VARCHAR as "metrics", ${additions} as "additions"
       from read_parquet($path) where group_index = $group order by sample_index limit ${LARGEST_GROUP}`,
      { path, group },
      path,
    );
    const first = rows[0];
    if (first === undefined) return undefined;
    const around = await this.#rows(
      `select max(group_index) filter (group_index < $group)::INTEGER as "before", min(group_index) filter (group_index > $group)::INTEGER as "after" from read_parquet($path)`,
      { path, group },
      path,
    );
    const { id, source, task } = rolloutRow(first);
    const sample = await this.#sample(run, id, source);
    const sizes = parseJson(first.sizes);
    const [height, width] = Array.isArray(sizes) && Array.isArray(sizes[0]) ? (sizes[0] as number[]) : [];
    const pictures = (Array.isArray(sizes) ? (sizes as unknown[]) : []).flatMap((size, index) => {
      if (!Array.isArray(size)) return [];
      const picture = sample?.pictures[index];
      return [
        {
          height: Number(size[0]),
          width: Number(size[1]),
          source: picture === undefined ? null : pictureSource(index, picture),
        },
      ];
    });
    return {
      step,
      group,
      source,
      task,
      id,
      prompt: text(first.prompt),
      groundTruth: text(first.gold),
      promptTokens: Number(first.prompt_tokens ?? 0),
      pictures,
      previous: finite(around[0]?.before),
      next: finite(around[0]?.after),
      rollouts: rows.map((row) => {
        const summary = rolloutRow(row);
        const metrics = numbers(parseJson(row.metrics));
        const response = text(row.response);
        const judged = {
          accuracy: finite(row.accuracy),
          format: finite(row.format),
          reward: summary.reward,
          metrics,
          additions: numbers(parseJson(row.additions)),
        };
        return {
          ...summary,
          response,
          responseLength: Number(row.response_length ?? response.length),
          accuracy: judged.accuracy,
          format: judged.format,
          strippedTokens: Number(row.stripped ?? 0),
          metrics,
          boxes:
            width !== undefined && height !== undefined
              ? rolloutBoxes(response, text(first.gold), { width, height, relative: sample?.relativeBoxes ?? true })
              : null,
          arithmetic: rewardArithmetic(judged, run.config, sample ?? undefined),
        };
      }),
    };
  }

  /** A picture of the sample that a group answers; undefined where it can't be had. */
  async picture(run: RunView, step: number, group: number, index: number): Promise<Picture | undefined> {
    if (!(await run.rolloutSteps()).includes(step)) return undefined;
    const path = stepFile(run, step);
    const rows = await this.#rows(
      `select id::VARCHAR as "id", data_source::VARCHAR as "source" from read_parquet($path) where group_index = $group limit 1`,
      { path, group },
      path,
    );
    const first = rows[0];
    return first && (await this.#sample(run, text(first.id), text(first.source)))?.pictures[index];
  }

  /** The sample of an id as the trainer makes it: `source/id`, or `source/file:row` where the sample has none. */
  async #sample(run: RunView, id: string, source: string): Promise<StoredSample | null> {
    const key = JSON.stringify([run.folder, id]);
    const known = this.#samples.get(key);
    if (known !== undefined) return known;
    const own = id.startsWith(`${source}/`) ? id.slice(source.length + 1) : id;
    let found: StoredSample | null = null;
    for (const path of await dataPaths(run)) {
      found = await this.#findSample(path, source, own).catch(() => null);
      if (found !== null) break;
    }
    if (this.#samples.size >= KEPT_SAMPLES) this.#samples.delete(this.#samples.keys().next().value!);
    this.#samples.set(key, found);
    return found;
  }

  async #findSample(path: string, source: string, own: string): Promise<StoredSample | null> {
    const place = /:(\d{1,15})$/.exec(own);
    const rows = await this.#ask(
      `select images, to_json(reward_model)::VARCHAR as "reward_model", filename from read_parquet($path, filename = true, file_row_number = true)
       where data_source = $source and (extra_info.id::VARCHAR = $own or (extra_info.id is null and file_row_number = $row and (ends_with(filename, $file) or ends_with($file, filename)))) limit 1`,
      {
        path,
        source,
        own,
        row: place === null ? -1n : BigInt(place[1]!),
        file: place === null ? "" : own.slice(0, place.index),
      },
    );
    const row = rows[0];
    if (row === undefined) return null;
    const reward = parseJson(row.reward_model);
    const number = (...keys: string[]): number | null => finite(configValue(reward, keys));
    const images = Array.isArray(row.images) ? (row.images as unknown[]) : [];
    const folder = dirname(text(row.filename));
    const ratios = configValue(reward, ["verifier_parm", "det_reward_ratio"]);
    return {
      accuracyRatio: number("accuracy_ratio"),
      formatRatio: number("format_ratio"),
      relativeBoxes: configValue(reward, ["verifier_parm", "det_verifier_normalized"]) !== false,
      boxRatios: ratios !== null && typeof ratios === "object" ? numbers(ratios) : null,
      pictures: await Promise.all(images.map((image) => pictureOf(image, folder))),
    };
  }

  /** Lets DuckDB go. */
  async close(): Promise<void> {
    await this.#queue;
    (await this.#connection)?.closeSync();
    this.#instance?.closeSync();
    this.#connection = undefined;
    this.#instance = undefined;
  }
}

function parseJson(value: unknown): unknown {
  try {
    return typeof value === "string" ? JSON.parse(value) : undefined;
  } catch {
    return undefined;
  }
}

function numbers(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]),
    ),
  );
}

async function pictureOf(image: unknown, folder: string): Promise<Picture | undefined> {
  const { bytes, path } = (image ?? {}) as { bytes?: unknown; path?: unknown };
  let found: Uint8Array | undefined;
  if (bytes instanceof Uint8Array) found = bytes;
  else if (bytes !== null && typeof bytes === "object" && (bytes as { bytes?: unknown }).bytes instanceof Uint8Array)
    found = (bytes as { bytes: Uint8Array }).bytes;
  else if (typeof path === "string" && path !== "" && !path.includes("://")) {
    const file = resolve(folder, path);
    const info = await stat(file).catch(() => undefined);
    if (info?.isFile() && info.size <= LARGEST_PICTURE) found = await readFile(file).catch(() => undefined);
  }
  const type = found && pictureType(found);
  return found === undefined || type === undefined || found.length > LARGEST_PICTURE
    ? undefined
    : { type, bytes: found };
}
