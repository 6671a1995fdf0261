/**
 * The rollouts that runs have stored, read from Parquet by DuckDB. Every statement is fixed text with parameters; the
 * files are those of the run and those that its configuration names. Nothing is written.
 */
import type { DuckDBValue } from "@duckdb/node-api";
import { exactPath } from "@v-triune/node-kit/exact-path";
import type { RolloutFilter, RolloutGroup, RolloutPage, RolloutSummary, StepWindow } from "../dashboard-api";
import { DashboardError } from "../dashboard-error";
import { rolloutFile } from "../run-folder/run-files";
import type { RunView } from "../run-folder/run-view";
import { QueryQueue } from "./query-queue";
import { isBoxConvention } from "@v-triune/verifiers/detection";
import { shownConversation } from "./shown-conversation";
import { finite, numbers, parseJson, text, type Row } from "./row-values";
import type { Picture } from "./sample-picture";
import { rolloutGroup, type PictureSize, type StoredRow } from "./stored-row";
import { StoredSamples } from "./stored-samples";

/** Longer responses are cut for the page, which says so. */
/** Bytes of a picture that a tool returned which the page still shows. */
const LARGEST_PICTURE = 4_000_000;
const LONGEST_RESPONSE = 1_000_000;
const LONGEST_PROMPT = 200_000;
const MOST_ROWS = 200;
/** Answers of one prompt that a page shows; a group of a real run has 8 or 16. */
const LARGEST_GROUP = 128;

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

function rolloutSummary(row: Row): RolloutSummary {
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
    responseTokens: finite(row.response_tokens),
    truncated: row.truncated === true,
    excerpt: text(row.excerpt),
  };
}

function tableOf(run: RunView, steps: readonly number[]): string {
  const files = steps.map((step) => `'${exactPath(rolloutFile(run.folder, step)).replaceAll("'", "''")}'`).join(", ");
  return `read_parquet([${files}], union_by_name = true, hive_partitioning = false)`;
}

/** Reads what runs have stored, with one DuckDB for all of them. */
export class RolloutReader {
  readonly #queries = new QueryQueue();
  readonly #samples = new StoredSamples(this.#queries);

  /**
   * The rows of a statement.
   *
   * @param where what is read, for the error
   * @throws DashboardError when the files cannot be read
   */
  async query(sql: string, values: Record<string, DuckDBValue>, where: string): Promise<Row[]> {
    try {
      return await this.#queries.rows(sql, values);
    } catch (cause) {
      throw new DashboardError({
        what: "The stored rollouts cannot be read.",
        where,
        found: (cause as Error).message.split("\n")[0],
        fix: "check the file: it may be damaged, or another program's",
        cause,
      });
    }
  }

  /** The stored rollouts of some windows of steps, as a table of a statement. */
  async storedSteps(run: RunView, windows: readonly StepWindow[]): Promise<string> {
    const steps = await run.rolloutSteps();
    return tableOf(
      run,
      steps.filter((step) => windows.some(({ from, to }) => step >= from && step <= to)),
    );
  }

  /**
   * A page of a run's rollouts.
   *
   * @throws DashboardError when the files cannot be read
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
    when("contains(lower(response::VARCHAR), lower($text))", "text", filter.text);
    const from = `from ${tableOf(run, wanted)} where ${conditions.join(" and ")}`;
    const limit = Math.min(MOST_ROWS, Math.max(1, Math.trunc(filter.limit ?? 100)));
    const offset = Math.max(0, Math.trunc(filter.offset ?? 0));
    const counted = await this.query(`select count(*)::INTEGER as "total" ${from}`, values, run.folder);
    const rows = await this.query(
      `select ${SUMMARY} ${from} order by ${ORDER[filter.order ?? "group"]} limit ${limit} offset ${offset}`,
      values,
      run.folder,
    );
    return { rows: rows.map(rolloutSummary), total: Number(counted[0]?.total ?? 0) };
  }

  /**
   * The rollouts of one prompt of a step, with boxes matched and rewards taken apart.
   *
   * @param pictureSource where the page finds a picture
   * @returns undefined when there is no such group
   * @throws DashboardError when the file cannot be read
   */
  async group(
    run: RunView,
    step: number,
    group: number,
    pictureSource: (index: number, picture: Picture) => string,
  ): Promise<RolloutGroup | undefined> {
    if (!(await run.rolloutSteps()).includes(step)) return undefined;
    const path = rolloutFile(run.folder, step);
    const rows = await this.#groupRows(path, group);
    if (rows.length === 0) return undefined;
    const around = await this.query(
      `select max(group_index) filter (group_index < $group)::INTEGER as "before", min(group_index) filter ` +
        `(group_index > $group)::INTEGER as "after" from read_parquet($path, hive_partitioning = false)`,
      { path: exactPath(path), group },
      path,
    );
    const stored = rows.map(storedRow);
    const { id, source } = stored[0]!;
    const sample = (await this.#samples.find(run, id, source)) ?? undefined;
    return rolloutGroup(stored, {
      config: run.config,
      sample,
      pictures: (sample?.pictures ?? []).map((picture, index) => (picture ? pictureSource(index, picture) : null)),
      previous: finite(around[0]?.before),
      next: finite(around[0]?.after),
    });
  }

  async #groupRows(path: string, group: number): Promise<Row[]> {
    // Files of earlier versions do not have these columns.
    const found = await this.query(
      "select name from parquet_schema($path) where name in ('additions', 'boxes', 'conversation')",
      { path: exactPath(path) },
      path,
    );
    const has = (column: string): boolean => found.some(({ name }) => name === column);
    const additions = has("additions") ? "to_json(additions)::VARCHAR" : "null";
    const boxes = has("boxes") ? "boxes::VARCHAR" : "null";
    // Only steps with answers of several turns have these two.
    const conversation = has("conversation") ? "conversation::VARCHAR" : "null";
    const shown = has("conversation")
      ? `to_json(list_transform(observation_images, picture -> case when octet_length(picture) < ${LARGEST_PICTURE} then base64(picture) end))::VARCHAR`
      : "null";
    return await this.query(
      `select ${SUMMARY}, left(prompt::VARCHAR, ${LONGEST_PROMPT}) as "prompt",
         left(ground_truth::VARCHAR, ${LONGEST_PROMPT}) as "gold",
         prompt_tokens::INTEGER as "prompt_tokens", stripped_tokens::INTEGER as "stripped",
         left(response::VARCHAR, ${LONGEST_RESPONSE}) as "response",
         length(response::VARCHAR)::INTEGER as "response_length",
         accuracy::DOUBLE as "accuracy", format::DOUBLE as "format",
         to_json(image_sizes)::VARCHAR as "sizes", to_json(metrics)::VARCHAR as "metrics", ${additions} as "additions",
         ${boxes} as "boxes", ${has("boxes")} as "hasBoxes", ${conversation} as "conversation",
         ${shown} as "shown"
       from read_parquet($path, hive_partitioning = false) where group_index = $group order by sample_index limit ${LARGEST_GROUP}`,
      { path: exactPath(path), group },
      path,
    );
  }

  /** A picture of the sample that a group answers; undefined if it cannot be read. */
  async picture(run: RunView, step: number, group: number, index: number): Promise<Picture | undefined> {
    if (!(await run.rolloutSteps()).includes(step)) return undefined;
    const path = rolloutFile(run.folder, step);
    const rows = await this.query(
      `select id::VARCHAR as "id", data_source::VARCHAR as "source"
       from read_parquet($path, hive_partitioning = false) where group_index = $group limit 1`,
      { path: exactPath(path), group },
      path,
    );
    const first = rows[0];
    return first && (await this.#samples.find(run, text(first.id), text(first.source)))?.pictures[index];
  }

  /** Stops DuckDB. */
  close(): Promise<void> {
    return this.#queries.close();
  }
}

/** The pictures' sizes as the model saw them. */
function pictureSizes(row: Row): PictureSize[] {
  const sizes = parseJson(row.sizes);
  return (Array.isArray(sizes) ? (sizes as unknown[]) : []).flatMap((size) =>
    Array.isArray(size) ? [{ height: Number(size[0]), width: Number(size[1]) }] : [],
  );
}

function storedRow(row: Row): StoredRow {
  const response = text(row.response);
  return {
    ...rolloutSummary(row),
    prompt: text(row.prompt),
    groundTruth: text(row.gold),
    promptTokens: Number(row.prompt_tokens ?? 0),
    strippedTokens: Number(row.stripped ?? 0),
    response,
    responseLength: Number(row.response_length ?? response.length),
    accuracy: finite(row.accuracy),
    format: finite(row.format),
    metrics: numbers(parseJson(row.metrics)),
    additions: numbers(parseJson(row.additions)),
    sizes: pictureSizes(row),
    boxConvention: isBoxConvention(row.boxes) ? row.boxes : row.hasBoxes === true ? null : undefined,
    conversation: shownConversation(row.conversation, row.shown),
  };
}
