/** Fills in a configuration as it is written: defaults, absolute paths, short forms. */
import { isBuiltInTool } from "@v-triune/rollouts/tool-names";
import type { ConfigSource } from "./config-source";
import type { KeyPath } from "./key-path";
import { DEFAULT_ADAPTIVE_IOU } from "@v-triune/verifiers";
import {
  ADAPTER_DEFAULTS,
  DATA_SET_DEFAULTS,
  DEFAULTS,
  DIFFICULTY_DEFAULTS,
  DISTILLATION_DEFAULTS,
  DIVERGENCE_DEFAULTS,
  ENGINE_DEFAULTS,
  KEEP_BEST_DEFAULTS,
  LOSS_DEFAULTS,
  OVERLONG_DEFAULTS,
  TEACHER_SERVER_DEFAULTS,
  TOOL_REWARD_DEFAULTS,
  TRAINER_ENGINE_DEFAULTS,
  TURNS_DEFAULTS,
} from "./default-config";
import type { TrainingConfigInput } from "./training-config-schema";
import type {
  DataSetConfig,
  DistillationConfig,
  IouConfig,
  IouScheduleConfig,
  ModelConfig,
  ParameterGroupName,
  RolloutConfig,
  ToolConfig,
  TrainingConfig,
  TurnsConfig,
} from "./training-config";

type DataSetsInput = TrainingConfigInput["data"]["train"];

/** A path of the configuration, by the key that it is the value of, in full. */
type PathAt = (key: KeyPath, path: string) => string;

function dataSets(input: DataSetsInput, key: KeyPath, pathAt: PathAt): DataSetConfig[] {
  const list = Array.isArray(input) ? input : [input];
  return list.map((item, i) => {
    const set: Exclude<typeof item, string> = typeof item === "string" ? { path: item } : item;
    return { ...DATA_SET_DEFAULTS, ...set, path: pathAt([...key, i, "path"], set.path) };
  });
}

function modelConfig(input: TrainingConfigInput["model"], pathAt: PathAt): ModelConfig {
  const absolute = (path: string, ...key: string[]): string => pathAt(["model", ...key], path);
  if (typeof input === "string") return { init: "pretrained", path: absolute(input), adapter: null };
  const { rank, alpha, targetModules } = { ...ADAPTER_DEFAULTS, ...input.adapter };
  const adapter = input.adapter == null ? null : { rank, alpha: alpha ?? 2 * rank, targetModules };
  const dtype = input.dtype === "bfloat16" ? { dtype: input.dtype } : {};
  if (input.init !== "random") return { init: "pretrained", path: absolute(input.path, "path"), adapter, ...dtype };
  return {
    init: "random",
    adapter,
    ...dtype,
    config:
      typeof input.config === "string" ? absolute(input.config, "config") : (input.config as Record<string, unknown>),
    tokenizer: absolute(input.tokenizer, "tokenizer"),
  };
}

type AbsolutePath = (path: string | null | undefined, ...key: string[]) => string | null;

function engineConfig(
  given: NonNullable<TrainingConfigInput["rollout"]>["engine"] = DEFAULTS.rollout.engine,
  absolute: AbsolutePath,
): RolloutConfig["engine"] {
  if (given === "local") return given;
  const input: Exclude<typeof given, string> = typeof given === "string" ? { servers: given } : given;
  const { kind, ...engine } = { ...ENGINE_DEFAULTS, ...input };
  const weights = { ...ENGINE_DEFAULTS.weights, ...input.weights };
  return {
    kind,
    ...engine,
    servers: [input.servers].flat(),
    // serverFolder is a path on the servers' machine: it starts from nothing here.
    weights: { ...weights, folder: absolute(weights.folder, "rollout", "engine", "weights", "folder") },
  };
}

function turnsConfig(input: NonNullable<TrainingConfigInput["rollout"]>["turns"], pathAt: PathAt): TurnsConfig | null {
  if (input == null) return null;
  const tools = [input.tools ?? []].flat().map((tool, i): ToolConfig => {
    const module = (path: string) => ({ module: pathAt(["rollout", "turns", "tools", i], path) });
    if (typeof tool === "object") return "module" in tool ? module(tool.module) : tool;
    return isBuiltInTool(tool) ? { name: tool } : module(tool);
  });
  return { ...TURNS_DEFAULTS, ...input, tools };
}

function trainerEngine(
  given: NonNullable<TrainingConfigInput["training"]>["engine"],
): Pick<TrainingConfig, "training"> {
  // Without a server nothing is written, so that runs of earlier versions stay as they are.
  if (given === undefined || given === "local") return {};
  const { adapter, ...engine } = { ...TRAINER_ENGINE_DEFAULTS, ...given };
  return {
    training: {
      engine: { ...engine, adapter: adapter === null ? null : { ...TRAINER_ENGINE_DEFAULTS.adapter, ...adapter } },
    },
  };
}

function teacherConfig(
  given: NonNullable<NonNullable<TrainingConfigInput["algorithm"]>["distillation"]>["teacher"],
  absolute: AbsolutePath,
): DistillationConfig["teacher"] {
  if (typeof given === "object") return { ...TEACHER_SERVER_DEFAULTS, ...given };
  return given === "self" ? given : absolute(given, "algorithm", "distillation", "teacher")!;
}

type IouInput = NonNullable<NonNullable<TrainingConfigInput["reward"]>["iou"]>;

function iouConfig({ bySource, ...run }: IouInput | typeof DEFAULTS.reward.iou): IouConfig {
  const schedule = ({ schedule, ...adaptive }: Omit<IouInput, "bySource"> | typeof run): IouScheduleConfig =>
    // With stages there is nothing else; config-rules.ts says so.
    schedule === "adaptive"
      ? { schedule, ...DEFAULT_ADAPTIVE_IOU, ...adaptive }
      : { schedule: schedule.map(({ until, epsilon }) => ({ until, epsilon })), ...adaptive };
  const sources = Object.entries(bySource ?? {}).map(([name, own]) => [name, schedule(own)] as const);
  return { ...schedule(run), bySource: bySource == null ? null : Object.fromEntries(sources) };
}

/**
 * @param cwd the folder in which `runs/` is
 * @param resolve a path that starts from a folder, in full
 */
export function resolveInput(
  input: TrainingConfigInput,
  source: ConfigSource,
  cwd: string,
  resolve: (folder: string, path: string) => string,
): TrainingConfig {
  const pathAt: PathAt = (key, path) => resolve(source.baseFolder(key), path);
  const absolute: AbsolutePath = (path, ...key) => (path == null ? null : pathAt(key, path));
  const { optimizer = {}, checkpoint = {}, monitor = {} } = input;
  const run = { name: source.title ?? "run", ...DEFAULTS.run, ...input.run };
  const rollout = { ...DEFAULTS.rollout, ...input.rollout };
  const reward = { ...DEFAULTS.reward, ...input.reward };
  const algorithm = { ...DEFAULTS.algorithm, ...input.algorithm };
  const ofLoss = LOSS_DEFAULTS[algorithm.loss];
  const { lr } = { ...DEFAULTS.optimizer, ...optimizer };
  const group = (name: ParameterGroupName) => ({ lr, ...DEFAULTS.optimizer.groups[name], ...optimizer.groups?.[name] });
  const { rejection } = { ...DEFAULTS.rollout.correction, ...rollout.correction };
  return {
    preset: input.preset ?? DEFAULTS.preset,
    model: modelConfig(input.model, pathAt),
    data: {
      train: dataSets(input.data.train, ["data", "train"], pathAt),
      eval: input.data.eval == null ? [] : dataSets(input.data.eval, ["data", "eval"], pathAt),
      sampling:
        input.data.sampling == null
          ? null
          : { difficulty: { ...DIFFICULTY_DEFAULTS, ...input.data.sampling.difficulty } },
    },
    run: { ...run, folder: absolute(input.run?.folder, "run", "folder") ?? resolve(cwd, `runs/${run.name}`) },
    rollout: {
      ...rollout,
      dynamicSampling: { ...DEFAULTS.rollout.dynamicSampling, ...rollout.dynamicSampling },
      engine: engineConfig(rollout.engine, absolute),
      correction: {
        ...DEFAULTS.rollout.correction,
        ...rollout.correction,
        rejection: rejection === null ? null : { lower: null, ...rejection },
      },
      turns: turnsConfig(rollout.turns, pathAt),
    },
    reward: {
      ...reward,
      iou: iouConfig(reward.iou),
      overlong:
        reward.overlong === null
          ? null
          : {
              buffer: reward.overlong.buffer ?? Math.ceil(rollout.maxNewTokens / OVERLONG_DEFAULTS.limitPerBuffer),
              penalty: reward.overlong.penalty ?? OVERLONG_DEFAULTS.penalty,
            },
      tools: reward.tools === null ? null : { ...TOOL_REWARD_DEFAULTS, ...reward.tools },
      judge: absolute(reward.judge, "reward", "judge"),
      servers: [reward.servers].flat(),
    },
    algorithm: {
      ...ofLoss,
      ...algorithm,
      tau: { ...DEFAULTS.algorithm.tau, ...algorithm.tau },
      kl: { ...DEFAULTS.algorithm.kl, ...algorithm.kl },
      distillation:
        algorithm.distillation === null
          ? null
          : {
              ...DISTILLATION_DEFAULTS,
              ...algorithm.distillation,
              teacher: teacherConfig(algorithm.distillation.teacher, absolute),
              divergence: algorithm.distillation.divergence
                ? { ...DIVERGENCE_DEFAULTS, ...algorithm.distillation.divergence }
                : null,
            },
    },
    optimizer: {
      ...DEFAULTS.optimizer,
      ...optimizer,
      groups: { vision: group("vision"), connector: group("connector"), language: group("language") },
    },
    update: { miniBatch: rollout.promptsPerStep, ...DEFAULTS.update, ...input.update },
    ...trainerEngine(input.training?.engine),
    promptPool: {
      ...DEFAULTS.promptPool,
      ...input.promptPool,
      file: absolute(input.promptPool?.file, "promptPool", "file"),
    },
    evaluation: { ...DEFAULTS.evaluation, maxNewTokens: rollout.maxNewTokens, ...input.evaluation },
    checkpoint: {
      ...DEFAULTS.checkpoint,
      ...checkpoint,
      keepBest: checkpoint.keepBest == null ? null : { ...KEEP_BEST_DEFAULTS, ...checkpoint.keepBest },
    },
    monitor: {
      ...DEFAULTS.monitor,
      ...monitor,
      prometheus: absolute(monitor.prometheus, "monitor", "prometheus"),
      rollouts: { ...DEFAULTS.monitor.rollouts, ...monitor.rollouts },
      alarms: { ...DEFAULTS.monitor.alarms, ...monitor.alarms },
    },
    backend: input.backend ?? DEFAULTS.backend,
    workers: input.workers ?? DEFAULTS.workers,
    strict: input.strict ?? DEFAULTS.strict,
  };
}
