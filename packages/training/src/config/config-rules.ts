/** Rules for several keys together, which a schema of single keys cannot state. */
import { ConfigError } from "@v-triune/errors";
import { changedAlarmRules } from "@v-triune/monitor";
import { IouScheduleError } from "@v-triune/verifiers";
import { checkAdaptiveIou } from "@v-triune/verifiers/detection";
import type { ConfigSource } from "./config-source";
import { formatKeyPath, type KeyPath } from "./key-path";
import { LOSS_DEFAULTS } from "./default-config";
import type {
  DistillationConfig,
  IouScheduleConfig,
  LossName,
  TeacherServerConfig,
  TrainerEngineConfig,
  TrainingConfig,
} from "./training-config";

/** Losses that are defined with one aggregation only. */
const FIXED_AGGREGATION: readonly LossName[] = ["gmpo", "sapo"];

type Refuse = (path: KeyPath, what: string, expected: string, found: string, fix?: string) => never;

/** @throws ConfigError for the first rule that is broken */
export function checkTogether(config: TrainingConfig, source: ConfigSource): void {
  const refuse: Refuse = (path, what, expected, found, fix) => {
    throw new ConfigError({
      what,
      where: source.locate(path) ?? formatKeyPath(path),
      expected: `${formatKeyPath(path)}: ${expected}`,
      found,
      fix,
    });
  };
  const { model, rollout, update, reward, evaluation, optimizer, data, algorithm, backend } = config;
  const byTeacherAlone = algorithm.distillation !== null && !algorithm.distillation?.rewards;
  if (rollout.n < 2 && algorithm.advantage !== "reinforce++" && !byTeacherAlone) {
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
  checkIou(["reward", "iou"], reward.iou, refuse);
  if (config.training) checkTrainerEngine(config, config.training.engine, refuse);
  for (const [name, schedule] of Object.entries(reward.iou.bySource ?? {}))
    checkIou(["reward", "iou", "bySource", name], schedule, refuse);
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
  const trackio = config.monitor.trackio?.url;
  if (trackio !== undefined && /[?&]write_token=/.test(trackio)) {
    refuse(
      ["monitor", "trackio", "url"],
      "The address has the server's token, which run.json would keep.",
      "the address alone",
      trackio.replace(/(write_token=)[^&]*/, "$1.."),
      "set the token as TRACKIO_WRITE_TOKEN in the environment",
    );
  }
  if (model.dtype === "bfloat16") {
    if (backend === "cpu")
      refuse(
        ["model", "dtype"],
        "The backend cpu, plain JavaScript, can't keep weights in bfloat16.",
        "float32",
        "bfloat16",
        "or take backend: wasm, or tensorflow, which v-triune native install supplies",
      );
    if (model.adapter === null && Object.values(optimizer.groups).every((group) => !group.freeze))
      refuse(
        ["model", "dtype"],
        "What is trained stays in float32, and here everything is.",
        "float32, or an adapter, or a frozen group",
        "bfloat16",
      );
  }
  const [low, high] = data.sampling?.difficulty.band ?? [0, 1];
  if (low >= high) {
    refuse(
      ["data", "sampling", "difficulty", "band"],
      "The band of difficulty is upside down.",
      "the lower accuracy first, such as [0.3, 0.7]",
      `[${low}, ${high}]`,
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
      "An alarm override is invalid.",
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
  const { aggregation } = LOSS_DEFAULTS[algorithm.loss];
  if (FIXED_AGGREGATION.includes(algorithm.loss) && algorithm.aggregation !== aggregation) {
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
      "checkpoint.keepBest needs an evaluation, and the run has none.",
      "data.eval, or a metric of training such as critic/rewards/mean",
      best.metric,
    );
  }
  const { componentWeights } = algorithm;
  if (componentWeights && algorithm.advantage !== "gdpo") {
    refuse(
      ["algorithm", "componentWeights"],
      "Components of the reward have weights with one advantage only.",
      "null unless algorithm.advantage is gdpo",
      `algorithm.advantage: ${algorithm.advantage}`,
      "set algorithm.advantage: gdpo, or leave algorithm.componentWeights out",
    );
  }
  if (componentWeights?.accuracy === 0 && componentWeights.format === 0) {
    refuse(
      ["algorithm", "componentWeights"],
      "Neither accuracy nor format counts.",
      "a weight above 0 for at least one of them",
      "0 for both",
    );
  }
  if (algorithm.advantage === "gdpo" && algorithm.kl.coefficient > 0 && algorithm.kl.in === "reward") {
    refuse(
      ["algorithm", "kl", "in"],
      "gdpo normalizes the components of the reward; the KL is not a component.",
      "loss",
      "reward",
    );
  }
  if (algorithm.advantage === "gdpo" && reward.tools !== null) {
    refuse(
      ["reward", "tools"],
      "gdpo normalizes the components of the reward; those of tools are not among them.",
      "null with algorithm.advantage: gdpo",
      "weights",
      "take another advantage, such as grpo",
    );
  }
  if (config.training && rollout.turns !== null) {
    refuse(
      ["rollout", "turns"],
      "A model that lies on a training server answers in one turn.",
      "null with training.engine",
      "turns",
      "leave rollout.turns out, or train the model in this process",
    );
  }
  if (reward.tools !== null && rollout.turns === null) {
    refuse(
      ["reward", "tools"],
      "Answers of one turn call no tools that could be paid.",
      "null, or rollout.turns: {tools: [crop]}",
      "weights",
    );
  }
  const needsRewards = rollout.dynamicSampling.enabled
    ? (["rollout", "dynamicSampling", "enabled"] as const)
    : algorithm.perSource
      ? (["algorithm", "perSource"] as const)
      : undefined;
  if (algorithm.distillation) checkTeacher(config, algorithm.distillation, refuse);
  if (byTeacherAlone && needsRewards) {
    refuse(
      needsRewards,
      "Distillation without rewards has no groups to look at.",
      "false",
      "true",
      "or set algorithm.distillation.rewards: true",
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

function checkTeacher(config: TrainingConfig, distillation: DistillationConfig, refuse: Refuse): void {
  const { training } = config;
  const { teacher, divergence, clamp } = distillation;
  if (typeof teacher === "object") checkTeacherServer(config, distillation, teacher, refuse);
  if (divergence && clamp !== null)
    refuse(
      ["algorithm", "distillation", "clamp"],
      "A divergence has no difference of two log-probabilities that could be bounded.",
      "null",
      String(clamp),
      "or set algorithm.distillation.divergence: null",
    );
  if (training && (teacher === "self" || divergence))
    refuse(
      ["algorithm", "distillation", teacher === "self" ? "teacher" : "divergence"],
      teacher === "self"
        ? "A model on a server can't be copied as its own teacher."
        : "A server that trains the model does not say which tokens are the likeliest.",
      teacher === "self" ? "the folder of a model" : "null",
      teacher === "self" ? "self" : "a divergence",
      "or leave training.engine out (the local policy)",
    );
}

/** What a teacher on a server does not tell. */
function checkTeacherServer(
  { rollout }: TrainingConfig,
  { picture, divergence }: DistillationConfig,
  { kind, model }: TeacherServerConfig,
  refuse: Refuse,
): void {
  const key = ["algorithm", "distillation"] as const;
  if (picture === "look-at")
    refuse([...key, "picture"], "A teacher on a server sees the pictures of the samples.", "whole", picture);
  if (rollout.turns && rollout.turns.max > 1)
    refuse(
      ["rollout", "turns"],
      "A teacher on a server reads answers of one turn.",
      "null",
      `up to ${rollout.turns.max} turns`,
      "or take a folder as teacher",
    );
  if (rollout.temperature !== 1)
    refuse(
      ["rollout", "temperature"],
      "A teacher on a server tells the log-probabilities of temperature 1.",
      "1",
      String(rollout.temperature),
      "or take a folder as teacher",
    );
  if (kind === "tinker" && model === null)
    refuse([...key, "teacher", "model"], "A server of the Tinker API has many models.", "a model's name", "null");
  if (!divergence) return;
  if (kind === "tinker")
    refuse(
      [...key, "divergence"],
      "The Tinker API tells the log-probability of the written token alone.",
      "null",
      "a divergence",
      "or serve the teacher with vLLM or SGLang",
    );
  if (divergence.over === "policy")
    refuse(
      [...key, "divergence", "over"],
      "A teacher on a server tells only what its own likeliest tokens are.",
      "teacher",
      "policy",
      "or take a folder as teacher",
    );
}

/** What the Tinker API cannot express, said before the run. */
function checkTrainerEngine(config: TrainingConfig, engine: TrainerEngineConfig, refuse: Refuse): void {
  const { model, rollout, algorithm, optimizer, update } = config;
  const ways = "or leave training.engine out (the local policy), or take the run to a cluster: v-triune export verl";
  if (model.init !== "pretrained")
    refuse(
      ["model"],
      "A model on a server has its own weights.",
      "a folder with the tokenizer of training.engine.model",
      "random weights",
    );
  if (model.adapter !== null)
    refuse(
      ["model", "adapter"],
      "The adapter of a model on a server is made there.",
      "null",
      "an adapter",
      "set training.engine.adapter",
    );
  const { computeWith = "auto" } = update;
  if (computeWith !== "auto")
    refuse(
      ["update", "computeWith"],
      "What computes the updates of a model on a server is decided there.",
      "auto",
      computeWith,
      "leave update.computeWith out",
    );
  const wanted = engine.adapter ? (["language"] as const) : (["vision", "connector", "language"] as const);
  for (const name of ["vision", "connector", "language"] as const) {
    const { freeze, lr } = optimizer.groups[name];
    const isTrained = (wanted as readonly string[]).includes(name);
    if (freeze === isTrained)
      refuse(
        ["optimizer", "groups", name, "freeze"],
        engine.adapter
          ? "Over the Tinker API an adapter is trained on the language model alone; nothing else can be frozen or trained."
          : "Over the Tinker API a whole model is trained in all its parts; none can be frozen.",
        String(!isTrained),
        String(freeze),
        ways,
      );
    if (isTrained && lr !== optimizer.lr)
      refuse(
        ["optimizer", "groups", name, "lr"],
        "Over the Tinker API all parts of a model have one learning rate.",
        `optimizer.lr (${optimizer.lr})`,
        String(lr),
        ways,
      );
  }
  if (rollout.temperature !== 1)
    refuse(
      ["rollout", "temperature"],
      "The Tinker API gives log-probabilities at temperature 1 only, and those of the answers would be others.",
      "1",
      String(rollout.temperature),
      ways,
    );
  if (rollout.engine !== "local")
    refuse(
      ["rollout", "engine"],
      "A server that trains the model also answers with it.",
      "local, which then means that server",
      "other servers",
      "leave rollout.engine out",
    );
  if (rollout.asyncLevel !== 0)
    refuse(
      ["rollout", "asyncLevel"],
      "A server that trains the model cannot answer meanwhile with older weights.",
      "0",
      "1",
    );
  if (rollout.turns)
    refuse(
      ["rollout", "turns"],
      "Answers of several turns are not trained on a server yet.",
      "null",
      "turns",
      "leave training.engine out: the local policy trains them",
    );
  if (algorithm.entropyCoefficient !== 0)
    refuse(
      ["algorithm", "entropyCoefficient"],
      "The Tinker API has no gradient of an entropy.",
      "0",
      String(algorithm.entropyCoefficient),
      ways,
    );
  if (engine.objective === "server" && (algorithm.loss !== "ppo" || algorithm.dualClip !== null))
    refuse(
      ["training", "engine", "objective"],
      "The server's own objective is ppo without dual clip.",
      "own, or algorithm.loss: ppo with algorithm.dualClip: null",
      `server with ${algorithm.loss}${algorithm.dualClip === null ? "" : " and dual clip"}`,
    );
  if (engine.objective === "server" && algorithm.kl.coefficient > 0 && algorithm.kl.in === "loss")
    refuse(
      ["training", "engine", "objective"],
      "The server's own objective has no KL term.",
      "own, or algorithm.kl.in: reward",
      "server",
    );
}

/** @param path of the schedule: of the run, or of a source */
function checkIou(path: KeyPath, config: IouScheduleConfig, refuse: Refuse): void {
  if (config.schedule === "adaptive") {
    try {
      checkAdaptiveIou(config);
    } catch (error) {
      if (!(error instanceof IouScheduleError)) throw error;
      const [key = ""] = (error.where ?? "").split(/[[.]/);
      refuse([...path, key], error.what, error.expected ?? "", `${error.where ?? key}: ${error.found ?? ""}`);
    }
    return;
  }
  const { schedule, ...others } = config;
  const adaptiveKey = Object.keys(others).find((key) => key !== "bySource");
  if (adaptiveKey !== undefined) {
    refuse(
      [...path, adaptiveKey],
      "An IoU schedule of stages has keys of the adaptive one.",
      "only with schedule: adaptive",
      "a list of stages in schedule",
      `leave out ${adaptiveKey}, or set schedule: adaptive`,
    );
  }
  for (const [i, stage] of schedule.entries()) {
    if (i > 0 && stage.until <= schedule[i - 1]!.until) {
      refuse(
        [...path, "schedule", i, "until"],
        "The stages of the IoU schedule are out of order.",
        `more than ${schedule[i - 1]!.until}, the stage before`,
        String(stage.until),
      );
    }
  }
  if (schedule.at(-1)!.until !== 1) {
    refuse(
      [...path, "schedule", schedule.length - 1, "until"],
      "The IoU schedule ends before the run does.",
      "1 in the last stage",
      String(schedule.at(-1)!.until),
    );
  }
}
