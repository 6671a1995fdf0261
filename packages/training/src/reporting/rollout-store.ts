/**
 * Every step's rollouts as `rollouts/step-000012.parquet`: what was asked and answered, how it was judged, and what it
 * weighed. A file appears when it is whole; one that can't be written costs that step's rollouts and nothing else.
 *
 * Read them with any Parquet reader, all steps at once with DuckDB: select .. from 'runs/mine/rollouts/*.parquet'
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { DuckDBInstance, type DuckDBAppender, type DuckDBConnection } from "@duckdb/node-api";
import type { Conversation, ReturnedPicture } from "@v-triune/rollouts/tools";
import { stepOfName } from "../run-folder/run-folder";

/** One row of the file. */
export interface StoredRollout {
  readonly step: number;
  /** Which of the step's prompts, from 0; the rollouts of one are a group. */
  readonly group: number;
  /** Which answer to it, from 0. */
  readonly sample: number;
  readonly dataSource: string;
  readonly task: string;
  readonly id: string;
  /** As the model was asked, special tokens included, one placeholder a picture. */
  readonly prompt: string;
  /** As it was judged. */
  readonly response: string;
  readonly groundTruth: string;
  /** Where the pictures came from; empty where the sample does not say. */
  readonly imagePaths: readonly string[];
  /** The convention in which the answer's boxes were read; null: compared with the gold answer as they are written. */
  readonly boxes: string | null;
  /** Height and width in pixels of each picture as the model saw it. */
  readonly imageSizes: readonly (readonly [height: number, width: number])[];
  readonly promptTokens: number;
  readonly responseTokens: number;
  readonly strippedTokens: number;
  readonly truncated: boolean;
  readonly status: "scored" | "skipped" | "error";
  /** Why it was not scored; null when it was. */
  readonly reason: string | null;
  readonly accuracy: number | null;
  readonly format: number | null;
  /** What was optimized. */
  readonly reward: number | null;
  /** What is in it beside accuracy and format: overlong penalty, KL. */
  readonly additions: Readonly<Record<string, number>>;
  /** null when it was left out of its group. */
  readonly advantage: number | null;
  /** The verifier's own numbers. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The completion as trained. */
  readonly tokenIds: Int32Array;
  /** Turn by turn, for answers of several. */
  readonly conversation?: Conversation;
}

type Append = (appender: DuckDBAppender, row: StoredRollout) => void;

const text =
  (pick: (row: StoredRollout) => string | null): Append =>
  (appender, row) => {
    const value = pick(row);
    if (value === null) appender.appendNull();
    else appender.appendVarchar(value);
  };
const whole =
  (pick: (row: StoredRollout) => number): Append =>
  (appender, row) =>
    appender.appendInteger(pick(row));
const real =
  (pick: (row: StoredRollout) => number | null): Append =>
  (appender, row) => {
    const value = pick(row);
    if (value === null) appender.appendNull();
    else appender.appendDouble(value);
  };

/** Stands between the parts of a text that is split again by DuckDB; it occurs in no name or path. */
const SEPARATOR = "\u001f";
const split = (column: string): string => `case when ${column} = '' then [] else string_split(${column}, chr(31)) end`;

interface Column {
  readonly name: string;
  /** In the table that rows are appended to. */
  readonly type: string;
  readonly append: Append;
  /** What is written to the file. Default the column itself. */
  readonly select?: string;
}

/**
 * The file's columns in order. Lists go through the appender as text and are cast by DuckDB: 200 token ids a rollout as
 * values cost seconds a step, as text milliseconds.
 */
const COLUMNS: readonly Column[] = [
  { name: "step", type: "INTEGER", append: whole((row) => row.step) },
  { name: "group_index", type: "INTEGER", append: whole((row) => row.group) },
  { name: "sample_index", type: "INTEGER", append: whole((row) => row.sample) },
  { name: "data_source", type: "VARCHAR", append: text((row) => row.dataSource) },
  { name: "task", type: "VARCHAR", append: text((row) => row.task) },
  { name: "id", type: "VARCHAR", append: text((row) => row.id) },
  { name: "prompt", type: "VARCHAR", append: text((row) => row.prompt) },
  { name: "response", type: "VARCHAR", append: text((row) => row.response) },
  { name: "ground_truth", type: "VARCHAR", append: text((row) => row.groundTruth) },
  {
    name: "image_paths",
    type: "VARCHAR",
    append: text((row) => row.imagePaths.join(SEPARATOR)),
    select: split("image_paths"),
  },
  {
    name: "image_sizes",
    type: "VARCHAR",
    append: text((row) => JSON.stringify(row.imageSizes)),
    select: "image_sizes::INTEGER[][]",
  },
  { name: "boxes", type: "VARCHAR", append: text((row) => row.boxes) },
  { name: "prompt_tokens", type: "INTEGER", append: whole((row) => row.promptTokens) },
  { name: "response_tokens", type: "INTEGER", append: whole((row) => row.responseTokens) },
  { name: "stripped_tokens", type: "INTEGER", append: whole((row) => row.strippedTokens) },
  { name: "truncated", type: "BOOLEAN", append: (appender, row) => appender.appendBoolean(row.truncated) },
  { name: "status", type: "VARCHAR", append: text((row) => row.status) },
  { name: "reason", type: "VARCHAR", append: text((row) => row.reason) },
  { name: "accuracy", type: "DOUBLE", append: real((row) => row.accuracy) },
  { name: "format", type: "DOUBLE", append: real((row) => row.format) },
  { name: "reward", type: "DOUBLE", append: real((row) => row.reward) },
  { name: "advantage", type: "DOUBLE", append: real((row) => row.advantage) },
  {
    name: "metrics",
    type: "VARCHAR",
    append: text((row) => Object.keys(row.metrics).join(SEPARATOR)),
    select: `map(${split("metrics")}, metric_values::DOUBLE[])`,
  },
  {
    name: "additions",
    type: "VARCHAR",
    append: text((row) => Object.keys(row.additions).join(SEPARATOR)),
    select: `map(${split("additions")}, addition_values::DOUBLE[])`,
  },
  {
    name: "token_ids",
    type: "VARCHAR",
    append: text((row) => `[${row.tokenIds.join(",")}]`),
    select: "token_ids::INTEGER[]",
  },
];

/** Appended beside the columns: the values of the two maps. */
const MAP_VALUES: readonly Append[] = [
  text((row) => `[${Object.values(row.metrics).join(",")}]`),
  text((row) => `[${Object.values(row.additions).join(",")}]`),
];

export interface RolloutStoreOptions {
  /** `rollouts/` of the run folder. */
  readonly folder: string;
  /** How many steps' files are kept, newest first; null: all. */
  readonly keep: number | null;
  /** Told when files can't be written: once, and once when they can again. */
  readonly onProblem: (message: string) => void;
}

export interface RolloutStore {
  /** Begins to write a step's file and returns at once; never throws. A file of the step that is there is replaced. */
  write(step: number, rows: readonly StoredRollout[]): void;
  /** Resolves when everything given so far is written or has failed; never rejects. */
  flush(): Promise<void>;
  /** Removes the files of later steps, which a resumed run writes again. */
  dropAfter(step: number): Promise<void>;
  close(): Promise<void>;
}

/** Written only for steps that have conversations: the turns as JSON, and the pictures that tools returned, as PNG. */
const CONVERSATION_COLUMNS: readonly Column[] = [
  {
    name: "conversation",
    type: "VARCHAR",
    append: text(({ conversation }) => (conversation ? conversationJson(conversation) : null)),
  },
  {
    name: "observation_images",
    type: "VARCHAR",
    append: text(({ conversation }) => returnedPictures(conversation).map(base64).join(SEPARATOR)),
    select: `list_transform(${split("observation_images")}, picture -> from_base64(picture))`,
  },
];

const returnedPictures = (conversation: Conversation | undefined): ReturnedPicture[] =>
  (conversation?.turns ?? []).flatMap(({ calls }) => calls.flatMap(({ pictures }) => pictures));

const base64 = ({ png }: ReturnedPicture): string =>
  Buffer.from(png.buffer, png.byteOffset, png.length).toString("base64");

/** Pictures by their size and their place in `observation_images`. */
function conversationJson({ turns, end }: Conversation): string {
  let image = 0;
  const plain = turns.map(({ calls, ...turn }) => ({
    ...turn,
    calls: calls.map(({ pictures, ...call }) => ({
      ...call,
      pictures: pictures.map(({ width, height }) => ({ width, height, image: image++ })),
    })),
  }));
  return JSON.stringify({ end, turns: plain });
}

const fileName = (step: number): string => `step-${String(step).padStart(6, "0")}.parquet`;

/** A connection with the table that a step's rows go through. */
async function connected(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run(
    `create temp table rollouts (${[...COLUMNS, ...CONVERSATION_COLUMNS].map(({ name, type }) => `${name} ${type}`).join(", ")}, metric_values ` +
      "VARCHAR, addition_values VARCHAR)",
  );
  return connection;
}

async function writeParquet(connection: DuckDBConnection, path: string, rows: readonly StoredRollout[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    const appender = await connection.createAppender("rollouts");
    try {
      for (const row of rows) {
        for (const { append } of [...COLUMNS, ...CONVERSATION_COLUMNS]) append(appender, row);
        for (const append of MAP_VALUES) append(appender, row);
        appender.endRow();
      }
    } finally {
      appender.closeSync();
    }
    const written = rows.some(({ conversation }) => conversation) ? [...COLUMNS, ...CONVERSATION_COLUMNS] : COLUMNS;
    const selection = written
      .map(({ name, select }) => (select === undefined ? name : `${select} as ${name}`))
      .join(", ");
    await replaceFile(path, async (temporary) => {
      const target = temporary.replaceAll("'", "''");
      await connection.run(
        `copy (select ${selection} from rollouts) to '${target}' (format parquet, compression zstd)`,
      );
    });
  } finally {
    await connection.run("truncate rollouts");
  }
}

/** Opens the store; DuckDB is started at the first write. */
export function createRolloutStore({ folder, keep, onProblem }: RolloutStoreOptions): RolloutStore {
  let instance: DuckDBInstance | undefined;
  let connection: DuckDBConnection | undefined;
  let queue = Promise.resolve();
  let failures = 0;

  async function steps(): Promise<number[]> {
    const names = await readdir(folder).catch(() => [] as string[]);
    return names
      .filter((name) => name.endsWith(".parquet"))
      .flatMap((name) => stepOfName(name) ?? [])
      .sort((a, b) => a - b);
  }

  async function store(step: number, rows: readonly StoredRollout[]): Promise<void> {
    instance ??= await DuckDBInstance.create(":memory:", {
      threads: "1",
      memory_limit: "512MB",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    connection ??= await connected(instance);
    await writeParquet(connection, join(folder, fileName(step)), rows);
    if (keep === null) return;
    for (const old of (await steps()).slice(0, -keep)) await rm(join(folder, fileName(old)), { force: true });
  }

  return {
    write(step, rows) {
      queue = queue.then(async () => {
        try {
          await store(step, rows);
          if (failures > 0) onProblem(`rollouts: written again from step ${step} on; ${failures} steps are missing.`);
          failures = 0;
        } catch (error) {
          failures += 1;
          if (failures === 1)
            onProblem(
              `rollouts: step ${step} could not be written (${(error as Error).message.split("\n")[0]}). Training ` +
                "goes on.",
            );
        }
      });
    },
    flush: () => queue,
    async dropAfter(step) {
      await queue;
      for (const later of (await steps()).filter((number) => number > step))
        await rm(join(folder, fileName(later)), { force: true });
    },
    async close() {
      await queue;
      connection?.closeSync();
      instance?.closeSync();
      connection = undefined;
      instance = undefined;
    },
  };
}
