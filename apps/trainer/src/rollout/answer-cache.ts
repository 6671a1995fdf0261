/**
 * The answers of `v-triune rollout` as they come, one JSON line each: what a later run of the same command need not ask
 * again. A line is written when its answer is judged, so that a kill loses what was in flight and nothing else.
 *
 *     FOLDER/cache/settings.json    model and sampling that the answers are of
 *     FOLDER/cache/answers.jsonl
 */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { ConfigError, asWriteError } from "@v-triune/errors";
import type { Sample } from "@v-triune/schema";
import { writeFileAtomic } from "@v-triune/training/run-folder";

/** One answer with its verdict. */
export interface CachedAnswer {
  /** Of the sample as it was asked and judged. */
  readonly key: string;
  readonly source: string;
  readonly id: string;
  /** Which of the sample's answers, from 0. */
  readonly sample: number;
  readonly response: string;
  readonly status: "scored" | "skipped" | "error";
  /** Why there is no score. */
  readonly reason: string | null;
  readonly accuracy: number | null;
  /** An accuracy of 1; for boxes, of the threshold or more. */
  readonly correct: boolean | null;
  readonly format: number | null;
  readonly reward: number | null;
  readonly tokens: number;
  /** Cut at the length limit. */
  readonly truncated: boolean;
}

/** Two samples of one key are asked and judged alike. */
export function sampleKey({
  prompt,
  images,
  reward_model: reward,
  extra_info: extra,
  data_source: source,
}: Sample): string {
  const hash = createHash("sha256").update(JSON.stringify([source, extra.id, prompt, reward]));
  for (const { bytes, path } of images) hash.update(bytes ?? (path as string));
  return hash.digest("hex").slice(0, 20);
}

export interface AnswerCache {
  /** Which answers of a sample are there. */
  has(key: string): ReadonlySet<number>;
  readonly count: number;
  add(answer: CachedAnswer): void;
  /** On to the disk. */
  flush(): void;
  close(): void;
}

/**
 * Opens or begins the cache of a folder.
 *
 * @param settings what decides the answers; has to be that of the answers that are there
 * @throws ConfigError when the folder holds answers of another model or sampling
 */
export async function openAnswerCache(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<AnswerCache> {
  const cache = join(folder, "cache");
  const file = join(cache, "answers.jsonl");
  mkdirSync(cache, { recursive: true });
  await checkSettings(join(cache, "settings.json"), settings);
  const there = new Map<string, Set<number>>();
  let count = 0;
  const note = ({ key, sample }: Pick<CachedAnswer, "key" | "sample">): void => {
    const samples = there.get(key) ?? new Set();
    there.set(key, samples.add(sample));
    count += 1;
  };
  const handle = openSync(file, "a+");
  let whole = 0;
  for await (const [line, bytes] of linesOf(file)) {
    const answer = parsed(line);
    // A line that was cut by a kill is the last one.
    if (answer === undefined) break;
    note(answer);
    whole += bytes;
  }
  ftruncateSync(handle, whole);
  return {
    get count() {
      return count;
    },
    has: (key) => there.get(key) ?? new Set(),
    add(answer) {
      try {
        appendFileSync(handle, `${JSON.stringify(answer)}\n`);
      } catch (error) {
        throw asWriteError(error, file);
      }
      note(answer);
    },
    flush: () => fsyncSync(handle),
    close: () => closeSync(handle),
  };
}

/** Where the answers of a folder are. */
export const answersFile = (folder: string): string => join(folder, "cache", "answers.jsonl");

async function checkSettings(file: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const given = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>;
  if (!existsSync(file)) return writeFileAtomic(file, `${JSON.stringify(given, null, 2)}\n`);
  const saved = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const differences = [...new Set([...Object.keys(saved), ...Object.keys(given)])].filter(
    (key) => !isDeepStrictEqual(saved[key], given[key]),
  );
  if (differences.length === 0) return;
  throw new ConfigError({
    what: "The folder holds answers of another model, or of other sampling.",
    where: file,
    expected: differences.map((key) => `${key} ${JSON.stringify(saved[key])}`).join(", "),
    found: differences.map((key) => `${key} ${JSON.stringify(given[key])}`).join(", "),
    fix: "choose another folder with -o, or ask with the settings of before",
  });
}

async function* linesOf(file: string): AsyncGenerator<[string, number]> {
  const stream = createReadStream(file, "utf8");
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity }))
    yield [line, Buffer.byteLength(line) + 1];
}

function parsed(line: string): CachedAnswer | undefined {
  try {
    const value = JSON.parse(line) as CachedAnswer;
    return typeof value.key === "string" && Number.isInteger(value.sample) ? value : undefined;
  } catch {
    return undefined;
  }
}
