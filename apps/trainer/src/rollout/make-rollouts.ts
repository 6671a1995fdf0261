/**
 * `v-triune rollout`: answers of a model to the samples of a corpus, judged, for the difficulty rule of curation.
 * Answers that are there from an earlier call are kept; those that are missing are asked for.
 */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { type SampleSet, openSampleSet } from "@v-triune/data-filters";
import { type RemoteEngineConfig, openRemoteEngine } from "@v-triune/engines";
import { asWriteError } from "@v-triune/errors";
import { createProcessor, familyOf, readModelConfig, type Processor } from "@v-triune/policy";
import { createLocalRewardSource, withAsyncVerifiers } from "@v-triune/rewards";
import { type JudgeSettings, createJudge, loadJudgeSettings } from "@v-triune/rewards/judge";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import {
  type BoxNaming,
  type JudgingContext,
  type PreparedPrompt,
  type PromptMaker,
  type Rollout,
  type RolloutEngine,
  collectRollouts,
  createLocalEngine,
  createRandom,
  isSampleError,
} from "@v-triune/rollouts";
import { DatasetError, type Sample } from "@v-triune/schema";
import { configuredPromptMaker, loadModel } from "@v-triune/training";
import type { BackendSetting } from "@v-triune/training/config";
import { type RunLock, takeRunLock } from "@v-triune/training/run-folder";
import { type BoxConvention, type IouEpsilon, createVerifierRegistry } from "@v-triune/verifiers";
import { conventionOfModel } from "@v-triune/verifiers/detection";
import { type AnswerCache, type CachedAnswer, openAnswerCache, sampleKey } from "./answer-cache";
import { withoutPictures } from "./without-pictures";
import { type WrittenRollouts, writeRolloutTable } from "./rollout-table";

export interface RolloutOptions {
  /** Parquet files in the Orsta layout, folders or globs. */
  readonly data: readonly string[];
  readonly folder: string;
  /** A model folder; with servers, its tokenizer and picture settings alone are used. */
  readonly model: string;
  /** Rollout servers; empty: the model answers here. */
  readonly servers: readonly string[];
  readonly kind: RemoteEngineConfig["kind"];
  /** The model's name at the servers. */
  readonly modelName: string | null;
  readonly apiKeyEnv: string | null;
  readonly n: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number | null;
  readonly maxNewTokens: number;
  readonly maxPromptTokens: number | null;
  /** IoU from which a box counts. */
  readonly epsilon: IouEpsilon;
  /** The convention in which answers have boxes. Default: the served model's by its name, else that of the model folder. */
  readonly boxes?: BoxConvention | undefined;
  /** Whether the sentences of the prompt pool are added to mathverify questions, as training adds them. */
  readonly pool: boolean;
  /** Whether gray pictures of the same size take the place of the samples' own: what can be solved without looking? */
  readonly blind?: boolean;
  readonly seed: number;
  /** Most samples of a source (a seeded choice); null: all. */
  readonly samplesPerSource: number | null;
  readonly backend: BackendSetting;
  /** A judge's settings, for samples whose verifier is `judge`. */
  readonly judge?: string | undefined;
  readonly signal?: AbortSignal;
  readonly listen?: (event: RolloutEvent) => void;
}

export type RolloutEvent =
  | { readonly type: "progress"; readonly done: number; readonly total: number; readonly found: number }
  | { readonly type: "bad-row"; readonly message: string }
  | { readonly type: "engine"; readonly message: string };

export interface RolloutResult extends WrittenRollouts {
  /** Answers that were there before. */
  readonly found: number;
  /** Answers that were made now. */
  readonly made: number;
  /** Answers that the judge could not decide, and why it could not the last one; they are not kept. */
  readonly unjudged?: { readonly count: number; readonly reason: string };
}

/** Prompts that are asked at once: few enough for their pictures to be small, enough to keep servers busy. */
const BATCH = 64;
/** Streams of the seed. */
const poolStream = 3_000_000;
const drawStream = 40_000_000;

/**
 * @throws DatasetError, ConfigError, EngineError; the signal's reason when it was stopped: what was answered is kept
 */
export async function makeRollouts(options: RolloutOptions): Promise<RolloutResult> {
  const { listen = () => {}, signal } = options;
  const processor = createProcessor(options.model);
  const registry = createVerifierRegistry(builtinVerifiers());
  const judging = options.judge === undefined ? undefined : await loadJudgeSettings(options.judge);
  const judges = judging === undefined ? [] : [createJudge(judging, options.judge)];
  const set = await openSampleSet(
    options.data.map((path) => resolve(path)),
    { verifiers: [...registry.names, ...judges.map(({ name }) => name)] },
  );
  try {
    mkdirSync(join(options.folder, "cache"), { recursive: true });
  } catch (error) {
    throw asWriteError(error, options.folder);
  }
  let cache: AnswerCache | undefined;
  let lock: RunLock | undefined;
  let engine: AnsweringEngine | undefined;
  try {
    if (set.length === 0)
      throw new DatasetError({
        code: "bad-value",
        file: options.data.join(", "),
        expected: "at least one sample",
        found: "none",
      });
    lock = await takeRunLock(join(options.folder, "cache"), {
      what: "Another v-triune rollout writes into this folder.",
      other: "choose another folder with -o",
    });
    cache = await openAnswerCache(options.folder, settingsOf(options, judging));
    const rows = chosenRows(set, options.samplesPerSource, options.seed);
    const makePrompt = await configuredPromptMaker(
      { promptPool: { enabled: options.pool, file: null }, rollout: options },
      processor,
      readModelConfig(options.model).text.maxPositionEmbeddings,
    );
    const rewards = withAsyncVerifiers(createLocalRewardSource(registry), judges);
    const context: JudgingContext = {
      epsilon: options.epsilon,
      training: false,
      ratios: { accuracyRatio: null, formatRatio: null },
    };
    const keys = new Set<string>();
    const unjudged: Rollout[] = [];
    const tally = { done: 0, found: 0, total: rows.length * options.n };
    const progress = (): void => listen({ type: "progress", ...tally });
    for (let from = 0; from < rows.length; from += BATCH) {
      signal?.throwIfAborted();
      const missing = new Map<number, AskedPrompt[]>();
      const indexes = rows.slice(from, from + BATCH);
      for (const [at, row] of (await set.read(indexes)).entries()) {
        const index = indexes[at] as number;
        const asked = await ask(row, index, { set, options, makePrompt, cache, listen });
        // A duplicated row (a corpus file with _x2) is asked once.
        if (asked === undefined || keys.has(asked.key)) {
          tally.total -= options.n;
          continue;
        }
        keys.add(asked.key);
        tally.found += options.n - asked.missing.length;
        tally.done += options.n - asked.missing.length;
        const { prompt } = asked;
        if (prompt)
          missing.set(asked.missing.length, [...(missing.get(asked.missing.length) ?? []), { ...asked, prompt }]);
      }
      progress();
      for (const [n, group] of missing) {
        engine ??= await openEngine(options, processor);
        await collectRollouts(
          group.map(({ prompt }) => prompt),
          {
            rewards,
            processor,
            engine: engine.engine,
            context: { ...context, boxes: engine.boxes },
            request: {
              n,
              temperature: options.temperature,
              topP: options.topP,
              topK: options.topK,
              maxNewTokens: options.maxNewTokens,
              seed: createRandom(options.seed, drawStream + from + n).int(0, 0x7fffffff),
              ...(signal ? { signal } : {}),
            },
            onRollout: (rollout) => {
              // What the judge could not decide now is asked for again by the same command.
              if (isUnjudged(rollout)) unjudged.push(rollout);
              else cache?.add(cached(rollout, group[rollout.promptIndex] as AskedPrompt, options.epsilon));
              tally.done += 1;
              progress();
            },
          },
        );
        cache.flush();
      }
    }
    const written = await writeRolloutTable(options.folder, keys, options.n, options.blind === true);
    return {
      ...written,
      found: tally.found,
      made: tally.done - tally.found - unjudged.length,
      ...unjudgedOf(unjudged),
    };
  } finally {
    engine?.close();
    cache?.close();
    await lock?.release();
    set.close();
  }
}

/** A sample with the answers that it lacks. */
interface Asked {
  readonly key: string;
  readonly id: string;
  readonly missing: readonly number[];
  /** Not made where nothing is missing: a picture that is not asked about is not decoded. */
  readonly prompt?: PreparedPrompt;
}

type AskedPrompt = Asked & { readonly prompt: PreparedPrompt };

interface AskContext {
  readonly set: SampleSet;
  readonly options: RolloutOptions;
  readonly makePrompt: PromptMaker;
  readonly cache: AnswerCache;
  readonly listen: (event: RolloutEvent) => void;
}

async function ask(
  row: Sample | DatasetError,
  index: number,
  { set, options, makePrompt, cache, listen }: AskContext,
): Promise<Asked | undefined> {
  try {
    if (row instanceof DatasetError) throw row;
    const { file, row: place } = set.placeOf(index);
    const id = row.extra_info.id ?? `${file}:${place}`;
    const key = sampleKey(row);
    const there = cache.has(key);
    const missing = Array.from({ length: options.n }, (_, sample) => sample).filter((sample) => !there.has(sample));
    if (missing.length === 0) return { key, id, missing };
    return {
      key,
      id,
      missing,
      prompt: await makePrompt(
        options.blind === true ? await withoutPictures(row) : row,
        `${row.data_source}/${id}`,
        createRandom(options.seed, poolStream + index),
      ),
    };
  } catch (error) {
    if (!(error instanceof DatasetError) && !isSampleError(error)) throw error;
    listen({ type: "bad-row", message: error.message });
    return undefined;
  }
}

const isUnjudged = ({ result }: Rollout): boolean =>
  result.status === "error" && ["judge", "server", "timeout"].includes(result.code ?? "");

function unjudgedOf(rollouts: readonly Rollout[]): Pick<RolloutResult, "unjudged"> {
  const reason = rollouts.at(-1)?.result.reason;
  return reason === undefined ? {} : { unjudged: { count: rollouts.length, reason } };
}

function cached(
  { result, response, generatedTokens, truncated, sampleIndex, prompt }: Rollout,
  { key, id, missing }: Asked,
  epsilon: IouEpsilon,
): CachedAnswer {
  const scored = result.status === "scored" ? result : undefined;
  const threshold = prompt.sample.reward_model.verifier === "detection" ? (epsilon === "average" ? 0.5 : epsilon) : 1;
  return {
    key,
    source: prompt.sample.data_source,
    id,
    sample: missing[sampleIndex] as number,
    response,
    status: result.status,
    reason: result.reason ?? null,
    accuracy: scored?.accuracy ?? null,
    correct: scored ? scored.accuracy >= threshold : null,
    format: scored?.format ?? null,
    reward: scored?.reward ?? null,
    tokens: generatedTokens,
    truncated,
  };
}

function chosenRows(set: SampleSet, samplesPerSource: number | null, seed: number): number[] {
  const rows = Array.from({ length: set.length }, (_, row) => row);
  if (samplesPerSource === null) return rows;
  const bySource = new Map<string, number[]>();
  for (const row of rows) {
    const all = bySource.get(set.sourceOf(row));
    if (all) all.push(row);
    else bySource.set(set.sourceOf(row), [row]);
  }
  return [...bySource.values()]
    .flatMap((all) => createRandom(seed, poolStream - 1).sample(all, samplesPerSource))
    .sort((a, b) => a - b);
}

/** What answers, and the convention of its boxes. */
interface AnsweringEngine {
  readonly engine: RolloutEngine;
  readonly boxes: BoxNaming;
  close(): void;
}

async function openEngine(options: RolloutOptions, processor: Processor): Promise<AnsweringEngine> {
  const config = readModelConfig(options.model);
  const ofFolder: BoxNaming = { override: options.boxes ?? null, model: familyOf(config).boxConvention };
  if (options.servers.length === 0) {
    await selectBackend({ prefer: options.backend });
    const { policy } = await loadModel({ init: "pretrained", path: options.model, adapter: null }, options.seed, {
      freeze: ["vision", "connector", "language"],
    });
    return { engine: createLocalEngine(policy), boxes: ofFolder, close: () => policy.dispose() };
  }
  const tell = (message: string): void => options.listen?.({ type: "engine", message });
  const engine = await openRemoteEngine({
    config: {
      kind: options.kind,
      servers: options.servers,
      model: options.modelName,
      apiKeyEnv: options.apiKeyEnv,
      parallel: null,
      timeout: 1800,
      retries: 5,
      promptTokens: "error",
      // Nothing is trained: the servers keep what they serve.
      staleWeights: "allow",
      weights: { sync: "none", folder: null, serverFolder: null },
    },
    processor,
    endTokenIds: config.eosTokenIds,
    temperature: options.temperature,
    adapter: false,
    modelFolder: async () => options.model,
    signal: options.signal,
    onReport: tell,
    onPause: tell,
    onResume: tell,
    onWarning: tell,
  });
  return { engine, boxes: boxesOfServed(engine.options.model, ofFolder, tell), close: () => {} };
}

/** The convention of a served model by its name; where the name does not say it, that of the model folder. */
function boxesOfServed(name: string, ofFolder: BoxNaming, tell: (message: string) => void): BoxNaming {
  const model = conventionOfModel(name);
  if (model !== undefined) return { ...ofFolder, model };
  if (ofFolder.override === null)
    tell(
      `The name "${name}" does not say in which convention boxes are; they are read as ${ofFolder.model}, as the model folder's family writes them (--boxes changes it).`,
    );
  return ofFolder;
}

/** What decides the answers, besides the samples: `n` and where the servers are do not. */
function settingsOf(options: RolloutOptions, judging: JudgeSettings | undefined): Record<string, unknown> {
  const {
    temperature,
    topP,
    topK,
    maxNewTokens,
    maxPromptTokens,
    epsilon,
    boxes,
    pool,
    seed,
    modelName,
    blind = false,
  } = options;
  const model =
    options.servers.length === 0
      ? modelFingerprint(options.model)
      : { served: modelName ?? "the first one listed", tokenizer: modelFingerprint(options.model, false) };
  return {
    model,
    temperature,
    topP,
    topK,
    maxNewTokens,
    maxPromptTokens,
    epsilon,
    ...(boxes && { boxes }),
    pool,
    seed,
    ...(blind ? { blind } : {}),
    ...(judging && { judge: decidingSettings(judging) }),
  };
}

/** What a verdict depends on; limits and prices may change. */
function decidingSettings({ model, mode, rubric, template, votes, temperature }: JudgeSettings) {
  return { model, mode, rubric, template, votes, temperature };
}

/** Tells models apart by their settings and by size, beginning and end of each file of weights. */
function modelFingerprint(folder: string, weights = true): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) {
    if (/^(config|tokenizer|preprocessor_config|processor_config)\.json$/.test(name))
      hash.update(readFileSync(join(folder, name)));
    if (!weights || !name.endsWith(".safetensors")) continue;
    const { size } = statSync(join(folder, name));
    hash.update(`${name} ${size} `);
    const file = openSync(join(folder, name), "r");
    const part = Buffer.alloc(Math.min(size, 2 ** 20));
    for (const at of [0, size - part.length]) hash.update(part.subarray(0, readSync(file, part, 0, part.length, at)));
    closeSync(file);
  }
  return hash.digest("hex").slice(0, 16);
}
