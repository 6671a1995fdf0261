/**
 * From what a person wrote to a `TrainingConfig`: preset, then file, then overrides; validated; paths made absolute; defaults filled in.
 */
import { changedAlarmRules } from "@v-triune/monitor";
import { DEFAULT_IOU_SCHEDULE } from "@v-triune/verifiers";
import { resolve } from "node:path";
import { ArkErrors } from "arktype";
import { ConfigError } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { configError } from "./config-problems";
import { formatKeyPath, readConfigSource, type ConfigSource, type KeyPath, type PlacedOverride } from "./config-source";
import { presets } from "./presets";
import { trainingConfigSchema, type TrainingConfigInput } from "./training-config-schema";
import { DEFAULT_CORRECTION } from "./training-config";
import type {
  AggregationName,
  DataSetConfig,
  LossName,
  ModelConfig,
  ParameterGroupName,
  RolloutConfig,
  TrainingConfig,
} from "./training-config";

/** Rules that a schema of single keys can't state. */
function checkTogether(config: TrainingConfig, source: ConfigSource): void {
  const refuse = (path: KeyPath, what: string, expected: string, found: string, fix?: string): never => {
    throw new ConfigError({
      what,
      where: source.locate(path) ?? formatKeyPath(path),
      expected: `${formatKeyPath(path)}: ${expected}`,
      found,
      fix,
    });
  };
  const { rollout, update, reward, evaluation, optimizer, data, algorithm } = config;
  if (rollout.n < 2 && algorithm.advantage !== "reinforce++") {
    refuse(
      ["rollout", "n"],
      "A group of one rollout has no baseline to be compared with.",
      "at least 2",
      String(rollout.n),
    );
  }
  if (rollout.promptsPerStep % update.miniBatch !== 0) {
    refuse(
      ["update", "miniBatch"],
      "The prompts of a step can't be split into equal mini-batches.",
      `a divisor of rollout.promptsPerStep (${rollout.promptsPerStep})`,
      String(update.miniBatch),
      "leave update.miniBatch out for one on-policy update a step",
    );
  }
  const { schedule } = reward.iou;
  for (const [i, stage] of schedule.entries()) {
    if (i > 0 && stage.until <= schedule[i - 1]!.until) {
      refuse(
        ["reward", "iou", "schedule", i, "until"],
        "The stages of the IoU schedule are out of order.",
        `more than ${schedule[i - 1]!.until}, the stage before`,
        String(stage.until),
      );
    }
  }
  if (schedule.at(-1)!.until !== 1) {
    refuse(
      ["reward", "iou", "schedule", schedule.length - 1, "until"],
      "The IoU schedule ends before the run does.",
      "1 in the last stage",
      String(schedule.at(-1)!.until),
    );
  }
  if (evaluation.n > 1 && evaluation.temperature === 0) {
    refuse(
      ["evaluation", "n"],
      "Several greedy answers to a sample are all the same.",
      "1, or an evaluation.temperature above 0",
      String(evaluation.n),
    );
  }
  if (Object.values(optimizer.groups).every((group) => group.freeze)) {
    refuse(
      ["optimizer", "groups"],
      "Nothing is left to train: vision, connector and language are all frozen.",
      "freeze: false in at least one",
      "true in all three",
    );
  }
  if (data.train.length === 0)
    refuse(["data", "train"], "There is nothing to train on.", "at least one Parquet set", "an empty list");
  if (reward.overlong !== null && reward.overlong.buffer > rollout.maxNewTokens) {
    refuse(
      ["reward", "overlong", "buffer"],
      "The buffer before the length limit is longer than the limit.",
      `at most rollout.maxNewTokens (${rollout.maxNewTokens})`,
      String(reward.overlong.buffer),
    );
  }
  try {
    changedAlarmRules(config.monitor.alarms.rules);
  } catch (error) {
    refuse(
      ["monitor", "alarms", "rules"],
      "An alarm can't be changed so.",
      "the name of an alarm with its numbers, or false",
      (error as RangeError).message,
    );
  }
  const { correction } = rollout;
  if (correction.lower !== null && correction.lower > correction.threshold) {
    refuse(
      ["rollout", "correction", "lower"],
      "The bounds of the importance weights are upside down.",
      `at most rollout.correction.threshold (${correction.threshold})`,
      String(correction.lower),
    );
  }
  const { aggregation } = lossDefaults[algorithm.loss];
  if (fixedAggregation.includes(algorithm.loss) && algorithm.aggregation !== aggregation) {
    refuse(
      ["algorithm", "aggregation"],
      `The loss ${algorithm.loss} is defined with one aggregation only.`,
      aggregation,
      algorithm.aggregation,
      "leave algorithm.aggregation out",
    );
  }
  const best = config.checkpoint.keepBest;
  if (best !== null && best.metric.startsWith("acc/") && data.eval.length === 0) {
    refuse(
      ["checkpoint", "keepBest", "metric"],
      "The best checkpoint can't be told: the run does not evaluate.",
      "data.eval, or a metric of training such as critic/rewards/mean",
      best.metric,
    );
  }
  if (algorithm.clipLow > algorithm.clipHigh) {
    refuse(
      ["algorithm", "clipHigh"],
      "The clip range is upside down.",
      `at least algorithm.clipLow (${algorithm.clipLow})`,
      String(algorithm.clipHigh),
    );
  }
}

/** Objects are merged key by key, everything else is replaced. */
function merge(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(under[key], value);
  return merged;
}

type DataSetsInput = TrainingConfigInput["data"]["train"];

function dataSets(input: DataSetsInput, key: KeyPath, source: ConfigSource): DataSetConfig[] {
  const list = Array.isArray(input) ? input : [input];
  return list.map((item, i) => {
    const set: Exclude<typeof item, string> = typeof item === "string" ? { path: item } : item;
    return {
      path: resolve(source.baseFolder([...key, i, "path"]), set.path),
      weight: set.weight ?? 1,
      cap: set.cap ?? null,
    };
  });
}

function modelConfig(input: TrainingConfigInput["model"], source: ConfigSource): ModelConfig {
  const absolute = (path: string, ...key: string[]): string => resolve(source.baseFolder(["model", ...key]), path);
  if (typeof input === "string") return { init: "pretrained", path: absolute(input), adapter: null };
  const { rank = 16, alpha, targetModules = null } = input.adapter ?? {};
  const adapter = input.adapter == null ? null : { rank, alpha: alpha ?? 2 * rank, targetModules };
  if (input.init !== "random") return { init: "pretrained", path: absolute(input.path, "path"), adapter };
  return {
    init: "random",
    adapter,
    config:
      typeof input.config === "string" ? absolute(input.config, "config") : (input.config as Record<string, unknown>),
    tokenizer: absolute(input.tokenizer, "tokenizer"),
  };
}

function engineConfig(
  given: NonNullable<TrainingConfigInput["rollout"]>["engine"],
  absolute: (path: string | null | undefined, ...key: string[]) => string | null,
): RolloutConfig["engine"] {
  if (given === undefined || given === "local") return "local";
  const input: Exclude<typeof given, string> = typeof given === "string" ? { servers: given } : given;
  return {
    kind: input.kind ?? "auto",
    servers: [input.servers].flat(),
    model: input.model ?? null,
    apiKeyEnv: input.apiKeyEnv ?? null,
    parallel: input.parallel ?? null,
    timeout: input.timeout ?? 1800,
    retries: input.retries ?? 5,
    promptTokens: input.promptTokens ?? "error",
    staleWeights: input.staleWeights ?? "error",
    weights: {
      sync: input.weights?.sync ?? "auto",
      folder: absolute(input.weights?.folder, "rollout", "engine", "weights", "folder"),
      // A path on the servers' machine: nothing here to start from.
      serverFolder: input.weights?.serverFolder ?? null,
    },
  };
}

function resolveInput(input: TrainingConfigInput, source: ConfigSource, cwd: string): TrainingConfig {
  const absolute = (path: string | null | undefined, ...key: string[]): string | null =>
    path == null ? null : resolve(source.baseFolder(key), path);
  const lr = input.optimizer?.lr ?? 1e-6;
  const group = (name: ParameterGroupName, freeze: boolean) => ({
    lr: input.optimizer?.groups?.[name]?.lr ?? lr,
    freeze: input.optimizer?.groups?.[name]?.freeze ?? freeze,
  });
  const name = input.run?.name ?? source.title ?? "run";
  const promptsPerStep = input.rollout?.promptsPerStep ?? 1024;
  const maxNewTokens = input.rollout?.maxNewTokens ?? 2048;
  const loss = input.algorithm?.loss ?? "ppo";
  const {
    rollout = {},
    reward = {},
    algorithm = {},
    optimizer = {},
    update = {},
    promptPool = {},
    evaluation = {},
    checkpoint = {},
    monitor = {},
  } = input;
  return {
    preset: input.preset ?? "v-triune-on-policy",
    model: modelConfig(input.model, source),
    data: {
      train: dataSets(input.data.train, ["data", "train"], source),
      eval: input.data.eval == null ? [] : dataSets(input.data.eval, ["data", "eval"], source),
    },
    run: {
      name,
      folder:
        input.run?.folder === undefined ? resolve(cwd, "runs", name) : absolute(input.run.folder, "run", "folder")!,
      seed: input.run?.seed ?? 42,
      steps: input.run?.steps ?? 135,
    },
    rollout: {
      promptsPerStep,
      n: rollout.n ?? 8,
      temperature: rollout.temperature ?? 1,
      topP: rollout.topP ?? 1,
      topK: rollout.topK ?? null,
      maxNewTokens,
      maxPromptTokens: rollout.maxPromptTokens ?? null,
      dynamicSampling: {
        enabled: rollout.dynamicSampling?.enabled ?? false,
        maxRounds: rollout.dynamicSampling?.maxRounds ?? 10,
      },
      engine: engineConfig(rollout.engine, absolute),
      asyncLevel: rollout.asyncLevel ?? 0,
      correction: {
        ...DEFAULT_CORRECTION,
        ...rollout.correction,
        rejection: rollout.correction?.rejection == null ? null : { lower: null, ...rollout.correction.rejection },
      },
    },
    reward: {
      normalised: reward.normalised ?? true,
      iou: {
        schedule: (reward.iou?.schedule ?? DEFAULT_IOU_SCHEDULE).map(({ until, epsilon }) => ({ until, epsilon })),
      },
      accuracyRatio: reward.accuracyRatio ?? null,
      formatRatio: reward.formatRatio ?? null,
      // A fifth of the limit, as in DAPO's run (4096 of 20480).
      overlong:
        reward.overlong == null
          ? null
          : { buffer: reward.overlong.buffer ?? Math.ceil(maxNewTokens / 5), penalty: reward.overlong.penalty ?? 1 },
      servers: [reward.servers ?? []].flat(),
      tokenEnv: reward.tokenEnv ?? null,
    },
    algorithm: {
      advantage: algorithm.advantage ?? "grpo",
      perSource: algorithm.perSource ?? false,
      loss,
      clipLow: algorithm.clipLow ?? lossDefaults[loss].clipLow,
      clipHigh: algorithm.clipHigh ?? lossDefaults[loss].clipHigh,
      dualClip: algorithm.dualClip === undefined ? (loss === "ppo" ? 3 : null) : algorithm.dualClip,
      tau: { positive: algorithm.tau?.positive ?? 1, negative: algorithm.tau?.negative ?? 1.05 },
      aggregation: algorithm.aggregation ?? lossDefaults[loss].aggregation,
      kl: {
        coefficient: algorithm.kl?.coefficient ?? 0,
        estimator: algorithm.kl?.estimator ?? "k3",
        in: algorithm.kl?.in ?? "loss",
      },
      maskTruncated: algorithm.maskTruncated ?? false,
      entropyCoefficient: algorithm.entropyCoefficient ?? 0,
    },
    optimizer: {
      lr,
      betas: [optimizer.betas?.[0] ?? 0.9, optimizer.betas?.[1] ?? 0.999],
      eps: optimizer.eps ?? 1e-8,
      weightDecay: optimizer.weightDecay ?? 0.01,
      warmupRatio: optimizer.warmupRatio ?? 0.05,
      schedule: optimizer.schedule ?? "constant",
      maxGradNorm: optimizer.maxGradNorm === undefined ? 1 : optimizer.maxGradNorm,
      groups: {
        vision: group("vision", true),
        connector: group("connector", true),
        language: group("language", false),
      },
    },
    update: {
      miniBatch: update.miniBatch ?? promptsPerStep,
      microBatchTokens: update.microBatchTokens ?? 16_384,
      epochs: update.epochs ?? 1,
    },
    promptPool: { enabled: promptPool.enabled ?? true, file: absolute(promptPool.file, "promptPool", "file") },
    evaluation: {
      every: evaluation.every === undefined ? 5 : evaluation.every,
      samplesPerSource: evaluation.samplesPerSource ?? null,
      epsilon: evaluation.epsilon ?? 0.5,
      n: evaluation.n ?? 1,
      temperature: evaluation.temperature ?? 0,
      maxNewTokens: evaluation.maxNewTokens ?? maxNewTokens,
    },
    checkpoint: {
      every: checkpoint.every === undefined ? 20 : checkpoint.every,
      keep: checkpoint.keep === undefined ? 3 : checkpoint.keep,
      keepBest:
        checkpoint.keepBest == null
          ? null
          : { metric: checkpoint.keepBest.metric ?? "acc/source_mean", mode: checkpoint.keepBest.mode ?? "max" },
    },
    monitor: {
      tensorboard: monitor.tensorboard ?? false,
      csv: monitor.csv ?? false,
      prometheus: absolute(monitor.prometheus, "monitor", "prometheus"),
      mlflow: monitor.mlflow ?? null,
      rollouts: {
        every: monitor.rollouts?.every === undefined ? 1 : monitor.rollouts.every,
        keep: monitor.rollouts?.keep ?? null,
      },
      alarms: {
        enabled: monitor.alarms?.enabled ?? true,
        onAlarm: monitor.alarms?.onAlarm ?? "tell",
        webhook: monitor.alarms?.webhook ?? null,
        rules: monitor.alarms?.rules ?? {},
      },
    },
    backend: input.backend ?? "auto",
    workers: input.workers ?? "auto",
    strict: input.strict ?? false,
  };
}

/** What each loss is published with: its ratios differ by orders of magnitude, so no clip range suits all. */
const lossDefaults = {
  ppo: { clipLow: 0.2, clipHigh: 0.28, aggregation: "token-mean" },
  gspo: { clipLow: 3e-4, clipHigh: 4e-4, aggregation: "seq-mean-token-mean" },
  cispo: { clipLow: 0.2, clipHigh: 0.28, aggregation: "token-mean" },
  gmpo: { clipLow: 0.4, clipHigh: 0.4, aggregation: "seq-mean-token-mean" },
  sapo: { clipLow: 0.2, clipHigh: 0.28, aggregation: "seq-mean-token-mean" },
} as const satisfies Record<LossName, { clipLow: number; clipHigh: number; aggregation: AggregationName }>;

const fixedAggregation: readonly LossName[] = ["gmpo", "sapo"];

function fromSource(source: ConfigSource, cwd: string): TrainingConfig {
  const preset = isRecord(source.value) ? source.value["preset"] : undefined;
  const base = typeof preset === "string" && preset in presets ? presets[preset as keyof typeof presets] : {};
  const input = trainingConfigSchema(merge(base, source.value));
  if (input instanceof ArkErrors) throw configError(trainingConfigSchema, input, source);
  const config = resolveInput(input, source, cwd);
  checkTogether(config, source);
  return config;
}

/**
 * Loads a training configuration.
 *
 * @param path a .yaml, .json or .ts file, or a folder that holds a v-triune.yaml; undefined to take everything from the overrides
 * @param overrides `key.path=value` each, as given to --set; relative paths in them start from `cwd`, those in a file from the file's folder
 * @throws ConfigError naming the key, its line and what it may be
 */
export async function loadTrainingConfig(
  path: string | undefined,
  overrides: readonly (string | PlacedOverride)[] = [],
  cwd: string = process.cwd(),
): Promise<TrainingConfig> {
  return fromSource(await readConfigSource(path, overrides, cwd), cwd);
}

/**
 * A configuration with overrides, as they are given to --set.
 *
 * @throws ConfigError as `loadTrainingConfig`
 */
export async function overrideTrainingConfig(
  config: TrainingConfig,
  overrides: readonly string[],
  cwd: string = process.cwd(),
): Promise<TrainingConfig> {
  const source = await readConfigSource(undefined, overrides, cwd);
  return fromSource({ ...source, value: merge(config, source.value) }, cwd);
}

/**
 * Fills in a configuration written in code.
 *
 * @param cwd what relative paths start from
 * @throws ConfigError as `loadTrainingConfig`
 */
export function resolveTrainingConfig(input: TrainingConfigInput, cwd: string = process.cwd()): TrainingConfig {
  return fromSource({ value: input, locate: () => undefined, baseFolder: () => cwd, title: undefined }, cwd);
}
