/**
 * Rollouts as rows for the dashboard: those of a training run (`rollouts/step-000012.parquet`), and those of
 * `v-triune rollout` and of others, which name a source, an id and a response, as Parquet or JSON Lines.
 */
import { missingColumn } from "@v-triune/data-filters/browser";
import { type RolloutInMemory, shownConversation } from "@v-triune/monitor/browser";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import type { NamedFile } from "./file-kind";
import { openParquet, type ParquetFile } from "./parquet-file";
import { textLines } from "./text-lines";

/** Columns that no page shows; those of token ids and log-probabilities are most of a file. */
const UNSHOWN = new Set(["token_ids", "image_paths", "log_probs", "old_log_probs"]);
/** Columns without which a file holds no rollouts of training. */
const OF_TRAINING = ["step", "group_index", "sample_index", "data_source", "id", "prompt", "response", "reward"];
const OF_OTHERS = ["source", "id", "response"];

type Row = Readonly<Record<string, unknown>>;

/** What a file of rollouts holds. */
export interface ReadRollouts {
  readonly rollouts: readonly RolloutInMemory[];
  /** Lines that are no rollouts, and what is wrong with the first. */
  readonly bad: number;
  readonly firstBad: string | null;
}

/** Whether a Parquet file has the columns of rollouts, of training or of others. */
export function holdsRollouts({ columns }: ParquetFile): boolean {
  const names = new Set(columns.map(({ name }) => name));
  return [OF_TRAINING, OF_OTHERS].some((needed) => needed.every((name) => names.has(name)));
}

/** Bytes of the columns that are shown, not compressed: what the rollouts take in memory, about. */
export function rolloutBytes(file: ParquetFile): number {
  return file.bytes(shownColumns(file));
}

function shownColumns({ columns }: ParquetFile): string[] {
  return columns.map(({ name }) => name).filter((name) => !UNSHOWN.has(name));
}

/** @throws DatasetError for a damaged file, and for one with other columns */
export async function readParquetRollouts(file: ParquetFile): Promise<ReadRollouts> {
  if (!holdsRollouts(file)) {
    const names = file.columns.map(({ name }) => name);
    const isOfTraining = names.includes("group_index");
    const field = (isOfTraining ? OF_TRAINING : OF_OTHERS).find((name) => !names.includes(name))!;
    throw missingColumn({ file: file.path, field }, names);
  }
  const columns = shownColumns(file);
  const isOfTraining = columns.includes("group_index");
  const groups = new Groups();
  const rollouts: RolloutInMemory[] = [];
  for (const group of file.groups)
    for (const row of await file.read(columns, group))
      rollouts.push(...(isOfTraining ? [trainingRollout(row, columns)] : otherRollouts(row, groups)));
  return { rollouts, bad: 0, firstBad: null };
}

/** @throws DatasetError if no line is a rollout */
export async function readJsonRollouts(file: NamedFile): Promise<ReadRollouts> {
  const groups = new Groups();
  const rollouts: RolloutInMemory[] = [];
  let bad = 0;
  let firstBad: string | null = null;
  let line = 0;
  for await (const text of textLines(file)) {
    line += 1;
    if (text.trim() === "") continue;
    const found = otherRollouts(parsed(text), groups);
    rollouts.push(...found);
    if (found.length > 0) continue;
    bad += 1;
    firstBad ??= `line ${line}: ${text.length > 120 ? `${text.slice(0, 119)}…` : text}`;
  }
  if (rollouts.length === 0)
    throw new DatasetError({
      code: "wrong-layout",
      file: file.path,
      expected: "lines of JSON with source, id and response (or responses), or metrics of a run",
      found: firstBad ?? "no lines",
      fix: "choose a file of v-triune rollout, or metrics.jsonl of a run folder",
    });
  return { rollouts, bad, firstBad };
}

function parsed(line: string): Row {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Numbers the samples of a file, and their answers. */
class Groups {
  readonly #groups = new Map<string, { readonly group: number; answers: number }>();

  next(key: string): { readonly group: number; readonly sample: number } {
    let known = this.#groups.get(key);
    if (known === undefined) this.#groups.set(key, (known = { group: this.#groups.size, answers: 0 }));
    return { group: known.group, sample: known.answers++ };
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => {
  const found = typeof value === "bigint" ? Number(value) : value;
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};
const whole = (value: unknown): number => Math.trunc(number(value) ?? 0);
const numbers = (value: unknown): Record<string, number> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).flatMap(([name, one]) => {
      const found = number(one);
      return found === null ? [] : [[name, found]];
    }),
  );
const sizes = (value: unknown): [number, number][] =>
  (Array.isArray(value) ? (value as unknown[]) : []).flatMap((size) =>
    Array.isArray(size) ? [[whole(size[0]), whole(size[1])] as [number, number]] : [],
  );

function trainingRollout(row: Row, columns: readonly string[]): RolloutInMemory {
  return {
    step: whole(row["step"]),
    group: whole(row["group_index"]),
    sample: whole(row["sample_index"]),
    dataSource: text(row["data_source"]),
    task: text(row["task"]),
    id: text(row["id"]),
    prompt: text(row["prompt"]),
    response: text(row["response"]),
    groundTruth: text(row["ground_truth"]),
    boxes: columns.includes("boxes") ? textOrNull(row["boxes"]) : undefined,
    imageSizes: sizes(row["image_sizes"]),
    promptTokens: whole(row["prompt_tokens"]),
    responseTokens: whole(row["response_tokens"]),
    strippedTokens: whole(row["stripped_tokens"]),
    truncated: row["truncated"] === true,
    status: text(row["status"]),
    reason: textOrNull(row["reason"]),
    accuracy: number(row["accuracy"]),
    format: number(row["format"]),
    reward: number(row["reward"]),
    additions: numbers(row["additions"]),
    advantage: number(row["advantage"]),
    metrics: numbers(row["metrics"]),
    turnByTurn: shownConversation(row["conversation"], pictureTexts(row["observation_images"])),
  };
}

/** Bytes of a picture that a tool returned which the page still shows. */
const LARGEST_PICTURE = 4_000_000;

/** Pictures that tools returned, as JSON of base64. */
function pictureTexts(pictures: unknown): string | undefined {
  if (!Array.isArray(pictures)) return undefined;
  return JSON.stringify(
    (pictures as unknown[]).map((bytes) =>
      bytes instanceof Uint8Array && bytes.length < LARGEST_PICTURE ? base64(bytes) : null,
    ),
  );
}

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let from = 0; from < bytes.length; from += 8192)
    parts.push(String.fromCharCode(...bytes.subarray(from, from + 8192)));
  return btoa(parts.join(""));
}

/** The answers of a row that names a source, an id, and a response or several; none for another row. */
function otherRollouts(row: Row, groups: Groups): RolloutInMemory[] {
  const { source = row["data_source"], id, response, responses } = row;
  if (typeof source !== "string" || (typeof id !== "string" && typeof id !== "number")) return [];
  const answers: unknown[] = typeof response === "string" ? [response] : Array.isArray(responses) ? responses : [];
  return answers
    .filter((answer) => typeof answer === "string")
    .map((answer) => {
      const accuracy = number(row["accuracy"]);
      const status = text(row["status"]);
      return {
        step: 0,
        ...groups.next(`${source}/${id}`),
        dataSource: source,
        task: text(row["task"]),
        id: `${source}/${id}`,
        prompt: text(row["prompt"]),
        response: answer,
        groundTruth: text(row["ground_truth"]),
        boxes: null,
        imageSizes: [],
        promptTokens: 0,
        responseTokens: whole(row["tokens"]),
        strippedTokens: 0,
        truncated: row["truncated"] === true,
        status: status === "" ? (accuracy === null ? "skipped" : "scored") : status,
        reason: textOrNull(row["reason"]) ?? (accuracy === null && status === "" ? "the file states no verdict" : null),
        accuracy,
        format: number(row["format"]),
        reward: number(row["reward"]) ?? accuracy,
        additions: {},
        advantage: null,
        metrics: {},
      };
    });
}

/** @throws DatasetError as `openParquet` and `readParquetRollouts` do */
export async function readRollouts(file: NamedFile): Promise<ReadRollouts> {
  return /\.jsonl?$/i.test(file.path)
    ? await readJsonRollouts(file)
    : await readParquetRollouts(await openParquet(file));
}
