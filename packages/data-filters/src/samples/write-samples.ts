/**
 * Writes samples as one Parquet file in exactly the Orsta layout, through a DuckDB table function. DuckDB pulls some
 * rows at a time from JavaScript while it compresses and writes, so that memory stays flat. The file appears under its
 * name only when it is complete.
 *
 * The content hash is SHA-256 over the values of all rows in order. It does not depend on threads, compression or row
 * groups, so two runs can be compared even if their bytes differ.
 */
import { createHash, type Hash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import {
  blobValue,
  DuckDBTableFunction,
  listValue,
  structValue,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBValue,
} from "@duckdb/node-api";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { checkSample, DatasetError, SAMPLE_COLUMNS, type Sample } from "@v-triune/schema";
import { duckdbMessage, identifier, literal, withDatabase, type DatabaseOptions } from "../duckdb/database";
import { parquetScan } from "../duckdb/scan";
import { type LayoutNode, layoutWith } from "./orsta-layout";
import { duckdbType, huggingfaceFooter } from "./written-types";

/** How a file is written. */
export interface WriteSamplesOptions extends DatabaseOptions {
  /** Replace an existing file. Default false. */
  readonly overwrite?: boolean;
  /** Parquet compression. Default `snappy`, which is fast: pictures are compressed already. */
  readonly compression?: "snappy" | "zstd" | "uncompressed";
  /** Rows per row group. Readers hold about one row group of pictures in memory. Default 256. */
  readonly rowGroupSize?: number;
  /** Names that `reward_model.verifier` may have. Default: the verifiers that ship with V-Triune. */
  readonly verifiers?: readonly string[];
  /**
   * Write `verifier_parm.type` and `.choices`, the parameters of `answer`, two leaves more than Orsta's layout has.
   * Default false: a sample with one of them is an error then.
   */
  readonly answerParameters?: boolean;
  /**
   * Write `verifier_parm.iou_schedule`, a leaf more than Orsta's layout has. Default false: a sample with one is an
   * error then.
   */
  readonly iouSchedules?: boolean;
  /**
   * Write `verifier_parm.look_at` and `.tool_reward`, two leaves more than Orsta's layout has. Default false: a sample
   * with one of them is an error then.
   */
  readonly toolParameters?: boolean;
  /**
   * Write `verifier_parm.rubric`, a leaf more than Orsta's layout has. Default false: a sample with one is an error
   * then.
   */
  readonly rubrics?: boolean;
  /**
   * Write `extra_info.tags`, a leaf more than Orsta's layout has. Default false: a sample with tags is an error then.
   */
  readonly tags?: boolean;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  /** Size of the file. */
  readonly bytes: number;
  /** SHA-256 of the rows' content, hexadecimal. */
  readonly contentHash: string;
}

/** Rows that DuckDB receives at once. The row group is a multiple of it. */
const CHUNK_ROWS = 32;
/** Bytes of an asynchronous source that are collected before they are written as a part. */
const PART_BYTES = 64 * 2 ** 20;
/** Samples of a part, at most: few enough that V8 frees them before it takes them for long-lived. */
const PART_ROWS = 4096;
/** About the size of a sample without its pictures, as JavaScript objects. */
const SAMPLE_BYTES = 3000;

/**
 * Writes samples to `path`.
 *
 * ```ts
 * await writeSamples("train_math_mine_2.parquet", [first, second]);
 * ```
 * @param samples an array, a generator, or an asynchronous generator (collected 64 MB at a time, then joined)
 * @throws DatasetError for a sample that does not fit the layout, an existing file, a full disk; an existing file stays
 *   as it was then, and nothing else is left
 */
export async function writeSamples(
  path: string,
  samples: Iterable<Sample> | AsyncIterable<Sample>,
  options: WriteSamplesOptions = {},
): Promise<WrittenFile> {
  if (existsSync(path) && options.overwrite !== true) {
    throw new DatasetError({
      code: "output-in-use",
      file: path,
      expected: "no file of that name",
      found: "a file of that name",
      fix: "choose another name, remove the file, or replace it (overwrite: true)",
    });
  }
  const hash = createHash("sha256");
  const writer: Writer = { options, hash, path, rows: 0, samples: undefined, failure: undefined };
  let bytes = 0;
  try {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, async (temporary) => {
      await withDatabase(options, async (connection) => {
        // A file is read once, to join it to others. DuckDB would keep it up to the memory limit.
        await connection.run("SET enable_external_file_cache = false");
        registerReader(connection, writer);
        if (Symbol.iterator in samples) await copyRows(connection, samples[Symbol.iterator](), temporary, writer);
        else await writeParts(connection, samples, temporary, writer);
      });
      bytes = (await stat(temporary)).size;
      options.signal?.throwIfAborted();
    });
    return { path, rows: writer.rows, bytes, contentHash: hash.digest("hex") };
  } catch (error) {
    throw writeFailure(error, path, options.signal);
  }
}

/** Wraps what the iterator of the samples threw: the caller gets it unchanged, not as a fault of writing. */
class SourceFailure {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

interface Writer {
  readonly options: WriteSamplesOptions;
  readonly hash: Hash;
  readonly path: string;
  rows: number;
  /** What `READER` gives to DuckDB, and what it threw. */
  samples: Iterator<Sample> | undefined;
  failure: unknown;
}

/** The table function. DuckDB keeps one for as long as the process lives, with everything that it refers to. */
const READER = "samples";

/** A table function cannot wait, so samples that arrive over time are written in parts, which DuckDB then joins. */
async function writeParts(
  connection: DuckDBConnection,
  samples: AsyncIterable<Sample>,
  temporary: string,
  writer: Writer,
): Promise<void> {
  const parts: string[] = [];
  const writePart = async (batch: readonly Sample[]): Promise<void> => {
    const part = `${temporary}.${parts.length}`;
    parts.push(part);
    await copyRows(connection, batch[Symbol.iterator](), part, writer);
  };
  try {
    let batch: Sample[] = [];
    let bytes = 0;
    for await (const sample of guarded(samples)) {
      batch.push(sample);
      bytes += SAMPLE_BYTES;
      for (const image of sample.images) bytes += image.bytes?.length ?? 0;
      if (bytes < PART_BYTES && batch.length < PART_ROWS) continue;
      await writePart(batch);
      batch = [];
      bytes = 0;
    }
    if (parts.length === 0) return await copyRows(connection, batch[Symbol.iterator](), temporary, writer);
    await writePart(batch);
    // One thread keeps the peak at one row group of pictures.
    await connection.run("SET threads = 1");
    await copy(connection, `SELECT * FROM ${parquetScan(parts)}`, temporary, writer.options);
  } finally {
    for (const part of parts) await rm(part, { force: true });
  }
}

async function* guarded(samples: AsyncIterable<Sample>): AsyncGenerator<Sample> {
  try {
    yield* samples;
  } catch (error) {
    throw new SourceFailure(error);
  }
}

async function copyRows(
  connection: DuckDBConnection,
  samples: Iterator<Sample>,
  file: string,
  writer: Writer,
): Promise<void> {
  writer.samples = samples;
  try {
    await copy(connection, `SELECT * FROM ${READER}()`, file, writer.options);
  } catch (error) {
    throw writer.failure === undefined ? error : new SourceFailure(writer.failure);
  } finally {
    writer.samples = undefined;
    samples.return?.();
  }
}

function registerReader(connection: DuckDBConnection, writer: Writer): void {
  const layout = layoutWith(writer.options);
  const nodes = SAMPLE_COLUMNS.map((column) => layout[column] as LayoutNode);
  connection.registerTableFunction(
    DuckDBTableFunction.create({
      name: READER,
      bindFunction: (bind) => {
        for (const [i, column] of SAMPLE_COLUMNS.entries())
          bind.addResultColumn(column, duckdbType(nodes[i] as LayoutNode));
      },
      // One thread keeps the rows in the iterator's order.
      initFunction: (init) => init.setMaxThreads(1),
      mainFunction: (info, chunk) => {
        try {
          fillChunk(chunk, nodes, writer);
        } catch (error) {
          writer.failure = error;
          info.setError("stopped");
        }
      },
    }),
  );
}

function fillChunk(chunk: DuckDBDataChunk, nodes: readonly LayoutNode[], writer: Writer): void {
  writer.options.signal?.throwIfAborted();
  const columns: DuckDBValue[][] = SAMPLE_COLUMNS.map(() => []);
  let count = 0;
  while (count < CHUNK_ROWS) {
    const next = writer.samples?.next();
    if (next === undefined || next.done === true) break;
    checkRow(next.value, writer);
    for (const [i, column] of SAMPLE_COLUMNS.entries()) {
      const value = next.value[column];
      columns[i]?.push(toDuckDB(value, nodes[i] as LayoutNode));
      hashValue(writer.hash, value, nodes[i] as LayoutNode);
    }
    writer.rows++;
    count++;
  }
  chunk.rowCount = count;
  if (count > 0) chunk.setColumns(columns);
}

async function copy(
  connection: DuckDBConnection,
  select: string,
  file: string,
  options: WriteSamplesOptions,
): Promise<void> {
  const settings = [
    "FORMAT parquet",
    `COMPRESSION ${options.compression ?? "snappy"}`,
    `ROW_GROUP_SIZE ${options.rowGroupSize ?? 256}`,
    `KV_METADATA {${identifier("huggingface")}: ${literal(huggingfaceFooter(layoutWith(options)))}}`,
  ];
  await connection.run(`COPY (${select}) TO ${literal(file)} (${settings.join(", ")})`);
}

function checkRow(sample: Sample, writer: Writer): void {
  const { verifiers, answerParameters = false, iouSchedules = false } = writer.options;
  const { toolParameters = false, rubrics = false, tags = false } = writer.options;
  const { type = null, choices = null, iou_schedule: schedule = null } = sample.reward_model.verifier_parm;
  const { look_at: lookAt = null, tool_reward: toolReward = null, rubric = null } = sample.reward_model.verifier_parm;
  const further = (field: string, value: unknown, option: string): DatasetError =>
    new DatasetError({
      code: "bad-value",
      file: writer.path,
      row: writer.rows,
      field,
      expected: "Orsta's layout, which does not have it",
      found: JSON.stringify(value),
      fix: `write with ${option}: true`,
    });
  if (!answerParameters && (type !== null || choices !== null))
    throw further(
      `reward_model.verifier_parm.${type === null ? "choices" : "type"}`,
      type ?? choices,
      "answerParameters",
    );
  if (!iouSchedules && schedule !== null)
    throw further("reward_model.verifier_parm.iou_schedule", schedule, "iouSchedules");
  if (!toolParameters && (lookAt !== null || toolReward !== null))
    throw further(
      `reward_model.verifier_parm.${lookAt === null ? "tool_reward" : "look_at"}`,
      lookAt ?? toolReward,
      "toolParameters",
    );
  if (!rubrics && rubric !== null) throw further("reward_model.verifier_parm.rubric", rubric, "rubrics");
  const found = sample.extra_info.tags ?? null;
  if (!tags && found !== null) throw further("extra_info.tags", found, "tags");
  const problem = checkSample(sample, {
    file: writer.path,
    row: writer.rows,
    as: "writer",
    ...(verifiers === undefined ? {} : { verifiers }),
  });
  if (problem !== null) throw problem;
}

function toDuckDB(value: unknown, node: LayoutNode): DuckDBValue {
  if (value === null || value === undefined) return null;
  if ("leaf" in node) return node.leaf === "bytes" ? blobValue(value as Uint8Array) : (value as DuckDBValue);
  if ("list" in node) return listValue((value as readonly unknown[]).map((item) => toDuckDB(item, node.list)));
  const record = value as Readonly<Record<string, unknown>>;
  const entries: Record<string, DuckDBValue> = {};
  for (const key of Object.keys(node.record)) entries[key] = toDuckDB(record[key], node.record[key] as LayoutNode);
  return structValue(entries);
}

/**
 * Hashes with length prefixes, so that different rows never give the same bytes. Numbers are hashed as the float32 on
 * disk.
 */
function hashValue(hash: Hash, value: unknown, node: LayoutNode): void {
  if (value === null || value === undefined) {
    hash.update("n;");
  } else if ("list" in node) {
    hash.update(`l${(value as readonly unknown[]).length};`);
    for (const item of value as readonly unknown[]) hashValue(hash, item, node.list);
  } else if ("record" in node) {
    for (const key of Object.keys(node.record)) {
      hashValue(hash, (value as Readonly<Record<string, unknown>>)[key], node.record[key] as LayoutNode);
    }
  } else if (node.leaf === "bytes") {
    hash.update(`b${(value as Uint8Array).length};`);
    hash.update(value as Uint8Array);
  } else {
    const text = node.leaf === "number" ? `${Math.fround(value as number)}` : String(value);
    hash.update(`t${Buffer.byteLength(text)};${text}`);
  }
}

function writeFailure(error: unknown, path: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof SourceFailure) return error.reason;
  if (error instanceof DatasetError || signal?.aborted === true) return error;
  const found = error instanceof Error && "code" in error ? `${error.message}` : duckdbMessage(error);
  return new DatasetError({
    code: "write-failed",
    file: path,
    expected: "a folder that can be written, with room for the file",
    found,
    fix: "free space or choose another folder. Nothing was left under this name",
    cause: error,
  });
}
