/**
 * A training run without files: samples come from the caller, numbers and rollouts go back to it. Steps, order of the
 * samples, seeds and arithmetic are those of `runTraining` with one thread, so the same configuration, samples and model
 * give the same numbers.
 */
import { ConfigError } from "@v-triune/errors";
import { type Learner, createLearner } from "@v-triune/grpo";
import { type Alarm, type MetricRecord, changedAlarmRules, createAlarmWatch, createRunTrends } from "@v-triune/monitor";
import {
  type ImageInput,
  type Processor,
  safetensorsBytes,
  type TokenizedRollout,
  type VlmPolicy,
} from "@v-triune/policy";
import { type RewardSource, createLocalRewardSource } from "@v-triune/rewards";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import {
  type PreparedPrompt,
  type Rollout,
  builtInPromptPool,
  createPromptMaker,
  createRandom,
} from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { type FileFingerprint, stateText } from "../checkpoint/checkpoint-state";
import { MOMENTS_FILE, momentEntries } from "../checkpoint/moment-entries";
import type { TrainingConfig } from "../config/training-config";
import { withIouThresholds } from "../data/adapt-iou-thresholds";
import { promptLimit } from "../data/prompt-limit";
import type { TrainingData } from "../data/run-data";
import { createSampleOrder } from "../data/sample-order";
import { EVALUATION_BATCH, evaluationOptions } from "../evaluation/evaluation-options";
import { type Evaluated, measureAnswers } from "../evaluation/measure-answers";
import { modelBoxes } from "../model/model-boxes";
import { ComputeHere } from "../parallel/compute-here";
import { reportStep } from "../reporting/report-step";
import type { StoredRollout } from "../reporting/rollout-store";
import { storedRollout } from "../reporting/stored-rollout";
import { sampleRollouts, updateWeights } from "../run/sample-to-gradient";
import type { StepSummary } from "../training-event";
import { learnerConfig } from "../update/learner-config";

/** A sample with its pictures, which need not be encoded. */
export interface MemorySample {
  readonly sample: Sample;
  /** In the order of the sample's `images`, whose bytes and paths are not read. */
  readonly pictures: readonly ImageInput[];
}

export interface TrainingInMemoryOptions {
  /** Of one thread, without servers, teacher, reference model and difficulty sampling; what it says of files is not used. */
  readonly config: TrainingConfig;
  /** Loaded with `frozenGroups(config)` frozen. The run trains it and does not dispose it. */
  readonly policy: VlmPolicy;
  readonly processor: Processor;
  /** Number of training samples. */
  readonly length: number;
  /** A training sample by its row, from 0. */
  readonly sampleAt: (row: number) => MemorySample | Promise<MemorySample>;
  /** Names that `data_source` can have. */
  readonly sources: readonly string[];
  /** Default: the built-in verifiers, in this thread. */
  readonly rewards?: RewardSource;
}

/** What one step leaves behind. */
export interface StepInMemory {
  readonly summary: StepSummary;
  /** What metrics.jsonl of a run has of the step. */
  readonly records: readonly MetricRecord[];
  readonly rollouts: readonly StoredRollout[];
  /** The sample of each group of `rollouts`. */
  readonly samples: readonly MemorySample[];
  readonly alarms: readonly Alarm[];
}

/** An answer of an evaluation, with what was asked. */
export interface EvaluatedAnswer extends MemorySample {
  readonly rollout: StoredRollout;
}

export interface EvaluationInMemory extends Evaluated {
  readonly answers: readonly EvaluatedAnswer[];
  readonly alarms: readonly Alarm[];
}

export interface CallOff {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface TrainingInMemory {
  /** Steps made so far. */
  readonly step: number;
  /**
   * Makes the next step.
   *
   * @throws the signal's reason when it is called off while answers are generated: weights and place in the data are
   *   then those before the step
   * @throws TrainingDivergedError when a number stops being finite
   */
  next(options?: CallOff): Promise<StepInMemory>;
  /** Asks the policy as it is, as the configuration's evaluation says (greedily by default). */
  evaluate(samples: readonly MemorySample[], options?: CallOff): Promise<EvaluationInMemory>;
  /**
   * What a checkpoint of `v-triune train` holds after the last step, as files by name: weights, AdamW's moments,
   * state.json. Files of the model besides (tokenizer, picture settings) are the caller's to add: `others`.
   *
   * @throws ConfigError where the platform computes no SHA-256: on a page that came over http, not from this machine
   */
  checkpoint(others?: ReadonlyMap<string, Uint8Array>): Promise<Map<string, Uint8Array>>;
  dispose(): void;
}

/** Streams of the run's seed for the prompt pool, one a position. */
const promptStream = 3_000_000;

/** @throws ConfigError for an IoU schedule of a source that the data do not have, and for answers of several turns */
export function openTrainingInMemory(options: TrainingInMemoryOptions): TrainingInMemory {
  const { config, policy, processor } = options;
  if (config.rollout.turns)
    throw new ConfigError({
      what: "Answers of several turns need Node: tools cut pictures there.",
      where: "rollout.turns",
      expected: "null in a browser",
      fix: "leave rollout.turns out, or train with v-triune train",
    });
  const boxes = modelBoxes(config, { policy });
  const verifiers = createVerifierRegistry(builtinVerifiers());
  const rewards = options.rewards ?? createLocalRewardSource(verifiers, { normalized: config.reward.normalised });
  const prompts = preparedPrompts(options);
  const data = withIouThresholds(trainingData(options, prompts.train), config.reward.iou);
  const learner: Learner<TokenizedRollout> = createLearner(learnerConfig(config, policy));
  const compute = new ComputeHere({ policy, learner, backend: "wasm" });
  const trends = createRunTrends();
  const watch = createAlarmWatch(changedAlarmRules(config.monitor.alarms.rules));
  const { patchSize } = processor.imageProcessor.settings;
  let made = 0;
  return {
    get step() {
      return made;
    },
    async next({ signal = new AbortController().signal, onProgress } = {}) {
      const step = made + 1;
      const [place, started] = [data.place, performance.now()];
      const rollouts = await sampleRollouts(
        step,
        made,
        { config, data, engine: compute.engine, rewards, processor, boxes },
        { signal, ...(onProgress ? { onProgress } : {}) },
      ).catch((error: unknown) => {
        data.place = place;
        throw error;
      });
      const parts = { config, compute, referenceLogProbs: undefined, foreignLogProbs: false };
      const update = await updateWeights(step, rollouts.collected, parts);
      const records: MetricRecord[] = [];
      const stored: StoredRollout[] = [];
      const { summary } = reportStep(rollouts, update, (performance.now() - started) / 1000, {
        config,
        patchSize,
        boxes,
        losses: 0,
        monitor: {
          write: (written) => void records.push(...trends.add(written)),
          wantsRollouts: () => true,
          writeRollouts: (_, rows) => void stored.push(...rows),
        },
      });
      made = step;
      const groups = new Map(rollouts.collected.rollouts.map(({ promptIndex, prompt }) => [promptIndex, prompt]));
      const samples = [...groups].sort(([a], [b]) => a - b).map(([, prompt]) => prompts.sampleOf(prompt));
      return { summary, records, rollouts: stored, samples, alarms: watch.check(records) };
    },
    async evaluate(samples, { signal, onProgress } = {}) {
      const asked = evaluationOptions(config, made, boxes);
      const answers: EvaluatedAnswer[] = [];
      const judged = { advantage: null, klPenalty: null };
      const evaluated = await measureAnswers({
        ...asked,
        request: { ...asked.request, ...(signal ? { signal } : {}) },
        engine: compute.engine,
        rewards,
        processor,
        batches: prompts.evaluation(samples),
        total: samples.length,
        onRollout: (rollout: Rollout) =>
          answers.push({
            ...prompts.sampleOf(rollout.prompt),
            rollout: storedRollout(made, rollout, judged, { patchSize, boxes }),
          }),
        ...(onProgress ? { onProgress } : {}),
      });
      const records = trends.add(evaluated!.records);
      return { scores: evaluated!.scores, records, answers, alarms: watch.check(records) };
    },
    async checkpoint(others = new Map()) {
      const { optimizer } = learner.exportState();
      const files = new Map([
        ...others,
        ...(await policy.toFiles()),
        [MOMENTS_FILE, await safetensorsBytes(MOMENTS_FILE, momentEntries(optimizer.moments))],
      ]);
      const names = [...files.keys()].sort();
      const fingerprints = await Promise.all(
        names.map(async (name) => [name, await fingerprint(files.get(name)!)] as const),
      );
      const state = stateText(made, data.place, optimizer.step, Object.fromEntries(fingerprints));
      return files.set("state.json", new TextEncoder().encode(state));
    },
    dispose() {
      learner.dispose();
    },
  };
}

async function fingerprint(bytes: Uint8Array): Promise<FileFingerprint> {
  const { subtle } = globalThis.crypto as { readonly subtle?: (typeof globalThis.crypto)["subtle"] };
  if (!subtle)
    throw new ConfigError({
      what: "A checkpoint cannot be made on this page: it has no SHA-256.",
      expected: "a page from https, or from this machine",
      fix: "open the page over https, or serve it on localhost",
    });
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { bytes: bytes.length, sha256 };
}

/** Prompts that remember which sample they were made of. */
function preparedPrompts({ config, policy, processor }: TrainingInMemoryOptions) {
  const pictures = new WeakMap<Sample, readonly ImageInput[]>();
  const makerOf = (maxNewTokens: number) =>
    createPromptMaker({
      processor,
      pool: config.promptPool.enabled ? builtInPromptPool : null,
      picturesOf: (sample) => pictures.get(sample)!,
      maxPromptTokens: promptLimit({ ...config.rollout, maxNewTokens }, policy.config.text.maxPositionEmbeddings),
    });
  const [train, evaluate] = [makerOf(config.rollout.maxNewTokens), makerOf(config.evaluation.maxNewTokens)];
  const prepare = (make: typeof train, given: MemorySample, row: number, stream: number): Promise<PreparedPrompt> => {
    pictures.set(given.sample, given.pictures);
    const { data_source: source, extra_info: info } = given.sample;
    return make(given.sample, `${source}/${info.id ?? row}`, createRandom(config.run.seed, promptStream + stream));
  };
  return {
    train: (given: MemorySample, row: number, position: number) => prepare(train, given, row, position),
    async *evaluation(samples: readonly MemorySample[]): AsyncGenerator<PreparedPrompt[]> {
      for (let from = 0; from < samples.length; from += EVALUATION_BATCH) {
        const prompts: PreparedPrompt[] = [];
        for (const [at, given] of samples.slice(from, from + EVALUATION_BATCH).entries())
          prompts.push(await prepare(evaluate, given, from + at, from + at));
        yield prompts;
      }
    },
    sampleOf: ({ sample }: PreparedPrompt): MemorySample => ({ sample, pictures: pictures.get(sample)! }),
  };
}

/** The training samples in the run's order. */
function trainingData(
  { config, length, sampleAt, sources }: TrainingInMemoryOptions,
  prepare: (given: MemorySample, row: number, position: number) => Promise<PreparedPrompt>,
): TrainingData {
  const order = createSampleOrder([{ first: 0, length, weight: 1, cap: null }], config.run.seed);
  return {
    length,
    sources,
    place: { position: 0 },
    observe: () => undefined,
    async next(count) {
      const { position } = this.place;
      const prompts: PreparedPrompt[] = [];
      for (let at = position; at < position + count; at++) {
        const row = order.at(at);
        prompts.push(await prepare(await sampleAt(row), row, at));
      }
      this.place = { position: position + count };
      return prompts;
    },
    close: () => undefined,
  };
}
