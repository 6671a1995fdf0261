/**
 * Files of rollouts: answers of a model to the rows of a run. They are what the difficulty filter decides by.
 *
 * A record is one of
 * - `{source, id, response}` or `{source, id, responses: [..]}`, to be judged by the verifiers;
 * - `{source, id, accuracy}` (0..1), judged elsewhere; a null accuracy is judged here;
 * - a line of an OpenAI batch output, as vLLM writes it: `{custom_id: "source/id", response: {body: {choices: [..]}}}`.
 *
 * `blind: true` marks an answer that was given without the pictures (`v-triune rollout --blind`).
 * A response whose verdict is stated is kept as far as it says the answer: it shows on what a model's answers agree.
 * `source` is a source's key or the `data_source` of its samples. `custom_id` may end in `#n`. Other columns are
 * ignored.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { answerScope } from "@v-triune/verifiers/answer";
import { fileRecords, textOf, type TableRecord } from "../adapters/table-records";
import { parquetFiles } from "../samples/parquet-files";

/** One answer to one row, as a file states it. */
export interface StatedRollout {
  readonly source: string;
  readonly id: string;
  /** The whole response if it is to be judged, else the part that says its answer. */
  readonly response: string | null;
  /** The verdict of someone else; null if the response is to be judged. */
  readonly accuracy: number | null;
  /** The model that answered, if the record names it. */
  readonly model: string | null;
  /** Whether the model answered without the pictures; null if the file does not say. */
  readonly blind: boolean | null;
}

/**
 * Reads the rollouts of files, folders of them, and globs.
 *
 * @throws DatasetError for a file that is missing or damaged, and for a record that has another form
 */
export async function* readRollouts(
  connection: DuckDBConnection,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StatedRollout> {
  const fail = (error: DatasetError): never => {
    throw error;
  };
  const context = { folder: "", connection, settings: {}, spool: () => ({ name: "", file: "" }), bad: fail, signal };
  for (const file of await rolloutFiles(connection, paths)) {
    for await (const record of fileRecords(context, file)) {
      signal?.throwIfAborted();
      yield* rolloutsOf(record);
    }
  }
}

/** As for corpora, but JSON Lines in a folder count, too. */
async function rolloutFiles(connection: DuckDBConnection, paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const lines =
      existsSync(path) && statSync(path).isDirectory()
        ? readdirSync(path)
            .filter((name) => /\.jsonl?$/.test(name))
            .sort()
        : [];
    if (lines.length > 0) files.push(...lines.map((name) => join(path, name)));
    if (lines.length === 0 || readdirSync(path).some((name) => name.endsWith(".parquet")))
      files.push(...(await parquetFiles(connection, path)));
  }
  return files;
}

function rolloutsOf(record: TableRecord): StatedRollout[] {
  const { value } = record;
  const wrong = (field: string, expected: string): DatasetError =>
    new DatasetError({
      code: "wrong-layout",
      file: record.file,
      row: record.row,
      field,
      expected,
      found: Object.keys(value).slice(0, 8).join(", "),
      fix: "write {source, id, response}, {source, id, accuracy} or an OpenAI batch output with custom_id source/id",
    });
  const custom = textOf(value.custom_id);
  const whole = custom ?? textOf(value.id) ?? textOf(value.sample_id);
  if (whole === null || whole === undefined) throw wrong("id", "an id or a custom_id");
  const stated = custom === null ? (textOf(value.source) ?? textOf(value.data_source)) : null;
  const source = stated ?? whole.slice(0, Math.max(0, whole.indexOf("/")));
  const id = stated === null ? whole.slice(whole.indexOf("/") + 1) : whole;
  if (source === "") throw wrong("source", "a source, or an id of the form source/id");
  const blind = typeof value.blind === "boolean" ? value.blind : null;
  const row = { source, id, response: null, accuracy: null, model: modelOf(value), blind };
  const accuracy = value.accuracy ?? (typeof value.correct === "boolean" ? Number(value.correct) : null);
  if (typeof accuracy === "number")
    return [{ ...row, accuracy, response: typeof value.response === "string" ? said(value.response) : null }];
  const responses = responsesOf(value);
  if (responses === null) throw wrong("response", "response, responses or accuracy");
  return responses.map((response) => ({ ...row, response }));
}

/** Characters that are kept of what a response says behind its thought: the answer is at the end. */
const MOST_SAID = 8000;

/** The part of a response that says its answer. */
function said(response: string): string {
  const { start, end, isOnlyThought } = answerScope(response);
  return isOnlyThought ? "" : response.slice(Math.max(start, end - MOST_SAID), end);
}

/** `model`, also of an engine's batch output. */
function modelOf(value: Readonly<Record<string, unknown>>): string | null {
  const body = isRecord(value.response) ? value.response.body : undefined;
  return textOf(isRecord(body) ? body.model : value.model) ?? null;
}

function responsesOf(value: Readonly<Record<string, unknown>>): string[] | null {
  const texts = (list: readonly unknown[]): string[] => list.map(textOf).filter((text) => text !== null);
  if (typeof value.response === "string") return [value.response];
  if (Array.isArray(value.responses)) return texts(value.responses);
  const body = isRecord(value.response) ? value.response.body : undefined;
  if (!isRecord(body) || !Array.isArray(body.choices)) return null;
  return texts(
    body.choices.map((choice: unknown) =>
      isRecord(choice) ? (isRecord(choice.message) ? choice.message.content : choice.text) : null,
    ),
  );
}
