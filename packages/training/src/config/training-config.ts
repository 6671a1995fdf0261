/**
 * The training configuration, fully resolved: every key is there, every path is absolute, every default is filled in.
 * Defaults are the paper's recipe (arXiv 2505.18129); names follow verl and TRL where they have one. What a person
 * writes is looser (`TrainingConfigInput` in training-config-schema.ts); `loadTrainingConfig` turns the one into the
 * other.
 *
 * Later parts of the recipe have their place here: a new advantage, loss or aggregation is one more literal in
 * `algorithm`, a sink one more key in `monitor`.
 */

import type { AlarmRuleChanges } from "@v-triune/monitor";
import type { BackendName } from "@v-triune/backend";
import type { RemoteEngineConfig } from "@v-triune/engines";
import type { DecoderName, UpdateKernels } from "@v-triune/policy";
import type { RejectionStatistic } from "@v-triune/grpo";
import type { BuiltInToolName, CallFormName } from "@v-triune/rollouts/tool-names";
import type { AdaptiveIouOptions, BoxConvention, IouEpsilon, IouStage } from "@v-triune/verifiers";

/** LoRA (arXiv 2106.09685): the model stays as it is, and low-rank additions to its linear layers are trained. */
export interface ModelAdapterConfig {
  readonly rank: number;
  /** The addition is scaled by alpha / rank. */
  readonly alpha: number;
  /** Ends of layer names, or a regular expression for whole names; null: q, k, v and o of the language model. */
  readonly targetModules: readonly string[] | string | null;
}

/** A folder in Hugging Face layout, or an architecture with random weights (tests, experiments in small). */
export type ModelConfig = (
  | { readonly init: "pretrained"; readonly path: string; readonly adapter: ModelAdapterConfig | null }
  | {
      readonly init: "random";
      readonly adapter: ModelAdapterConfig | null;
      /** A `config.json` (its absolute path) or its contents. */
      readonly config: string | Readonly<Record<string, unknown>>;
      /**
       * Absolute path of the folder that holds tokenizer.json, the chat template and the image processor's settings.
       */
      readonly tokenizer: string;
    }
) & {
  /** What matrices that are not trained are kept in (`VlmOptions.dtype`). Absent: float32. */
  readonly dtype?: "bfloat16";
};

/** One Parquet set in the Orsta layout. */
export interface DataSetConfig {
  /** Absolute path or glob. */
  readonly path: string;
  /** How often its samples are drawn relative to the other sets' samples; 1 is a uniform mix over samples. */
  readonly weight: number;
  /** Most samples that are used (a seeded choice); null uses all. */
  readonly cap: number | null;
}

/** Draws the samples more often that the policy answers rightly now and then (data/difficulty-sampler.ts). */
export interface DifficultyConfig {
  /** Least and largest mean accuracy of a sample that is drawn with weight 1. */
  readonly band: readonly [number, number];
  /** Weight of samples outside the band. */
  readonly outside: number;
  /** What a group's answers still count when the sample's next group is judged; 0: only the newest group counts. */
  readonly decay: number;
  /** Least share of the draws that each source has. */
  readonly floor: number;
}

export interface DataConfig {
  readonly train: readonly DataSetConfig[];
  /** How training samples are drawn; null: all in a seeded order, each epoch a new one. */
  readonly sampling: { readonly difficulty: DifficultyConfig } | null;
  /** Held-out sets; empty means that the run does not evaluate. */
  readonly eval: readonly DataSetConfig[];
}

export interface RunConfig {
  readonly name: string;
  /** Absolute path. Default `runs/<name>` under the current folder. */
  readonly folder: string;
  /** Seeds data order, prompt pool, sampling and random weights. */
  readonly seed: number;
  readonly steps: number;
}

export interface RolloutConfig {
  /** Prompts of a step; each is answered `n` times (verl: data.train_batch_size). */
  readonly promptsPerStep: number;
  /** Group size G (verl: rollout.n). */
  readonly n: number;
  readonly temperature: number;
  readonly topP: number;
  /** null: all tokens. */
  readonly topK: number | null;
  /** Of an answer, in all its turns together. */
  readonly maxNewTokens: number;
  /** Prompts longer than this many tokens (pictures included) are skipped and counted; null: no limit. */
  readonly maxPromptTokens: number | null;
  /**
   * DAPO's dynamic sampling (arXiv 2503.14476 §3.2; verl: filter_groups): groups whose rewards are all equal are
   * replaced by groups of further prompts, in at most `maxRounds` rounds of generation a step, the first included. What
   * is missing then is made up by groups without signal.
   */
  readonly dynamicSampling: { readonly enabled: boolean; readonly maxRounds: number };
  /** The policy in this process, or servers. */
  readonly engine: "local" | RemoteEngineConfig;
  /**
   * What generates in this process: "kernels", our own; "backend", TensorFlow.js ops; "auto", the kernels where they are
   * native, and in WebAssembly (with a packed copy of the language model) for what fits into 4 GiB, except for larger
   * models on a GPU. On wasm the kernels always do.
   */
  readonly decodeWith: DecoderName;
  /**
   * 1: a step's rollouts are made while the step before trains, with the weights that that one began with, so that
   * servers need not wait for the update; one step off-policy, corrected by `correction` (verl: one_step_off_policy).
   * 0: with the newest weights.
   */
  readonly asyncLevel: 0 | 1;
  /**
   * For rollouts of servers that give log-probabilities, and with asyncLevel: 1; those of the newest policy in this
   * process need none.
   */
  readonly correction: CorrectionConfig;
  /** null: an answer is one turn. */
  readonly turns: TurnsConfig | null;
}

/** A tool of this package with its options, or the absolute path of a module whose default export is one or several. */
export type ToolConfig =
  | {
      readonly name: "crop";
      /** In which convention calls have boxes. Default: that of the call form, or else of the model. */
      readonly boxes?: BoxConvention;
      readonly minSide?: number;
      readonly maxRatio?: number;
      readonly square?: boolean;
      readonly notes?: boolean;
      readonly from?: "stored" | "seen" | "blank";
    }
  | { readonly name: Exclude<BuiltInToolName, "crop"> }
  | { readonly module: string };

/** Answers of several turns: the model calls tools, is shown what they return, and goes on (docs/turns.md). */
export interface TurnsConfig {
  /** Most turns that the model has, the answer included. */
  readonly max: number;
  readonly tools: readonly ToolConfig[];
  /** How the model writes calls and is shown what comes back. */
  readonly form: CallFormName;
  /**
   * What an answer is that calls a tool in its last turn: `mask`, it teaches nothing, and its reward still counts in its
   * group (Mini-o3, arXiv 2509.07969); `penalize`, it is trained with the reward of an answer that is missing.
   */
  readonly overTurn: "mask" | "penalize";
  /**
   * How tools are offered: `auto`, by the chat template where it knows tools, else by a system message; `none`, as the
   * prompts say it themselves; or a sentence that ends the prompt's last message.
   */
  readonly offer: string;
  /** Most tokens that all observations of an answer have, pictures included. */
  readonly maxShownTokens: number;
  /** Most pixels, as the model sees them, of all pictures that tools return to an answer; null: no limit. */
  readonly maxShownPixels: number | null;
  /** Seconds that a call may take. */
  readonly deadline: number;
  /** Most calls of a turn that are made; the others are one fault. null: all are made. */
  readonly maxCalls: number | null;
  /** MB of memory that the tools of a module may use. */
  readonly memoryMb: number;
}

/**
 * What is done about the difference between the servers' probabilities and the trainer's (verl:
 * algorithm.rollout_correction; TRL: vllm_importance_sampling_correction): truncated importance sampling by token or
 * whole answer, and answers that differ too much left out.
 */
export interface CorrectionConfig {
  /** verl: rollout_is; TRL: vllm_importance_sampling_mode. */
  readonly importance: "token" | "sequence" | "none";
  /** Largest weight (verl: rollout_is_threshold; TRL: vllm_importance_sampling_cap). */
  readonly threshold: number;
  /** With it, weights outside lower..threshold become 0 instead of being cut (IcePop). */
  readonly lower: number | null;
  /** Divides by the batch mean (verl: rollout_is_batch_normalize). */
  readonly normalise: boolean;
  /** verl: rollout_rs and rollout_rs_threshold; null: nothing is left out. */
  readonly rejection: {
    readonly statistic: RejectionStatistic;
    readonly upper: number;
    readonly lower: number | null;
  } | null;
}

/**
 * The IoU from which a box counts as found: by share of the steps, as in the paper, or rising as the answers get better
 * (adaptive-iou.ts of @v-triune/verifiers).
 */
export type IouScheduleConfig =
  | { readonly schedule: readonly IouStage<IouEpsilon>[] }
  | (AdaptiveIouOptions & { readonly schedule: "adaptive" });

/** A sample's own `verifier_parm.iou_schedule` goes before its source's schedule, and that before the run's. */
export type IouConfig = IouScheduleConfig & {
  readonly bySource: Readonly<Record<string, IouScheduleConfig>> | null;
};

/** Rewards for how an answer used its tools (sampling/tool-rewards.ts): weights, 0 for a term that is not paid. */
export interface ToolRewardConfig {
  /** For a right answer that used a tool. */
  readonly whenRight: number;
  /** For using a tool while less than `curiosityTarget` of the group does, by how much less. */
  readonly curiosity: number;
  readonly curiosityTarget: number;
  /** For crops that hold a gold box: by IoU, or by the share of the box in the crop. */
  readonly faithfulness: number;
  readonly faithfulnessBy: "iou" | "containment";
  /** For each call after the first, taken off. */
  readonly callCost: number;
}

export interface RewardConfig {
  /** (α_acc·R_acc + α_fmt·R_fmt) / (α_acc + α_fmt) when true, the bare sum when false. */
  readonly normalised: boolean;
  readonly iou: IouConfig;
  /** The convention in which answers have boxes and points; null: that of the model's family (docs/detection-reward.md). */
  readonly boxes: BoxConvention | null;
  /** What a box costs that repeats another one of its answer: null, nothing, as in the paper; "charge", a factor of 0.6. */
  readonly repeatedBoxes: "charge" | null;
  /** Replaces every sample's own accuracy ratio; null leaves the samples' own. */
  readonly accuracyRatio: number | null;
  /** Replaces every sample's own format ratio; null leaves the samples' own. */
  readonly formatRatio: number | null;
  /**
   * DAPO's soft overlong punishment (arXiv 2503.14476 eq. 13; verl: overlong_buffer), in training only: the last
   * `buffer` tokens before rollout.maxNewTokens cost up to `penalty`; null: none.
   */
  readonly overlong: { readonly buffer: number; readonly penalty: number } | null;
  /** null: only the verifier's reward, and what samples say themselves (`verifier_parm.tool_reward`). */
  readonly tools: ToolRewardConfig | null;
  /** Absolute path of a judge's settings (docs/judges.md), for samples whose verifier is `judge`; null: there is none. */
  readonly judge: string | null;
  /** Reward servers that judge; empty: this process does. */
  readonly servers: readonly string[];
  /** The environment variable that holds their token. */
  readonly tokenEnv: string | null;
}

export type AdvantageName = "grpo" | "dr-grpo" | "rloo" | "gdpo" | "reinforce++" | "reinforce++-baseline";
/** The components of a reward (update/reward-components.ts); the last five are detection's parts of accuracy. */
export type ComponentName =
  | "accuracy"
  | "format"
  | "overlong"
  | "iou_max_label_first"
  | "iou_max_iou_first"
  | "map"
  | "map50"
  | "map75";
export type LossName = "ppo" | "gspo" | "cispo" | "gmpo" | "sapo";
export type AggregationName =
  | "token-mean"
  | "token-sum"
  | "seq-mean-token-sum"
  | "seq-mean-token-mean"
  | "seq-mean-token-sum-norm";
export type KlEstimatorName = "k1" | "k2" | "k3" | "mse" | "abs";

/** A divergence over the likeliest tokens (divergence.ts of @v-triune/grpo). */
export interface TeacherDivergenceConfig {
  /** Whose likeliest tokens: the policy's, or the teacher's. A teacher on a server tells only its own. */
  readonly over: "policy" | "teacher";
  /** How many tokens of each position. */
  readonly topK: number;
  /** 0: KL(teacher ‖ policy); 1: KL(policy ‖ teacher); between: the generalized Jensen-Shannon divergence. */
  readonly alpha: number;
  /** Whether all other tokens count as one more; if not, the K alone are compared. */
  readonly tail: boolean;
}

/** A teacher's model on a server. It must have the tokens of the model that is trained. */
export interface TeacherServerConfig {
  /** tinker: any server of the Tinker API, which tells the log-probability of the written token alone. */
  readonly kind: "vllm" | "sglang" | "tinker";
  readonly url: string;
  /** The model's name there; null: the first that vLLM lists, the one that SGLang has. */
  readonly model: string | null;
  /** `env:NAME`: the environment variable that holds the key; null: none. */
  readonly apiKey: string | null;
  /** Seconds that one request may take; a Tinker server says itself that it is at work. */
  readonly timeout: number;
}

/** A teacher that judges each token of the policy's own answers (update/distillation.ts). */
export interface DistillationConfig {
  /**
   * Absolute path of a model folder in Hugging Face layout, with the tokenizer of the model that is trained; `self`: a
   * second copy of the policy; or a server.
   */
  readonly teacher: string | TeacherServerConfig;
  /** Of teacher self: the share of the way to the policy that its weights go after each step. 0: they stay, 1: all of it. */
  readonly updateRate: number;
  /**
   * What the teacher sees: the picture as the policy does, or of the first picture only what the sample says to look at
   * (`verifier_parm.look_at`). A sample that does not say is not taught.
   */
  readonly picture: "whole" | "look-at";
  /** What is compared: null, the log-probability of the written token; else distributions, as a term of the loss. */
  readonly divergence: TeacherDivergenceConfig | null;
  readonly weight: number;
  /** Whether the rewards count besides; if not, none are needed. */
  readonly rewards: boolean;
  /** Bound on the difference of two log-probabilities; null: none. */
  readonly clamp: number | null;
}

export interface AlgorithmConfig {
  /**
   * grpo: (r - mean) / std in the group; dr-grpo: r - mean (arXiv 2503.20783); rloo: against the mean of the others
   * (arXiv 2402.14740); gdpo: each component of the reward normalized in the group, then their sum in the batch (arXiv
   * 2601.05242); reinforce++: whitened over the batch, without or with the group's mean as baseline (arXiv
   * 2501.03262).
   */
  readonly advantage: AdvantageName;
  /** Of gdpo: factors on the weights that the sample's own ratios give its components, 1 where none is named; null: all 1. */
  readonly componentWeights: Readonly<Partial<Record<ComponentName, number>>> | null;
  /** Brings each source's advantages to root mean square 1, so that no source drowns another. */
  readonly perSource: boolean;
  /**
   * ppo, gspo (arXiv 2507.18071), cispo (2506.13585), gmpo (2507.20673), sapo (2511.20347, which takes tau and no clip
   * range).
   */
  readonly loss: LossName;
  readonly clipLow: number;
  /** Larger than clipLow is DAPO's clip-higher. */
  readonly clipHigh: number;
  /** The c of dual clip (arXiv 1912.09729), > 1; null switches it off. */
  readonly dualClip: number | null;
  /** sapo's temperatures for positive and negative advantages. */
  readonly tau: { readonly positive: number; readonly negative: number };
  readonly aggregation: AggregationName;
  /** KL to the initial weights, as a loss term or taken off the reward; coefficient 0 needs no reference model. */
  readonly kl: { readonly coefficient: number; readonly estimator: KlEstimatorName; readonly in: "loss" | "reward" };
  /** null: no teacher. */
  readonly distillation: DistillationConfig | null;
  /**
   * Answers cut at the length limit teach nothing; their rewards still count in their groups (TRL:
   * mask_truncated_completions).
   */
  readonly maskTruncated: boolean;
  readonly entropyCoefficient: number;
}

export type ParameterGroupName = "vision" | "connector" | "language";

export interface ParameterGroupConfig {
  readonly lr: number;
  readonly freeze: boolean;
}

export interface OptimizerConfig {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Share of all updates over which the learning rate rises linearly from 0. */
  readonly warmupRatio: number;
  readonly schedule: "constant" | "linear" | "cosine";
  /** Global L2 norm; null: no clipping (the norm is still logged). */
  readonly maxGradNorm: number | null;
  /** At least one group is not frozen. */
  readonly groups: Readonly<Record<ParameterGroupName, ParameterGroupConfig>>;
}

export interface UpdateConfig {
  /** Prompts of one optimizer update (verl: ppo_mini_batch_size); equal to promptsPerStep is on-policy. Divides it. */
  readonly miniBatch: number;
  /**
   * Most tokens of one forward and backward pass, prompt and completion, padding included. Memory, not the result,
   * depends on it.
   */
  readonly microBatchTokens: number;
  /** Passes over a rollout batch. */
  readonly epochs: number;
  /**
   * true: keeps only the input of each layer for the backward pass and computes the layer again there (arXiv 1604.06174):
   * far less memory for about a third more time, and the same numbers bit for bit. "mlp": so with the part of each layer
   * after attention, which keeps the most (selective recomputation, arXiv 2205.05198), for about a fifth more time.
   * "auto": where the model would not fit into this machine's memory otherwise, "mlp" where that is enough.
   */
  readonly gradientCheckpointing: boolean | "mlp" | "auto";
  /**
   * What computes updates, AdamW included: "kernels", our own ops beside native TensorFlow, which are faster and round
   * otherwise; "backend", TensorFlow.js ops; "auto", the kernels where `v-triune native install` compiled them. On wasm
   * our kernels always do. Absent in a run.json of an earlier version.
   */
  readonly computeWith?: UpdateKernels;
}

export interface PromptPoolConfig {
  readonly enabled: boolean;
  /** A YAML or JSON file with your own sentences; null: the built-in ones. */
  readonly file: string | null;
}

/** A server of the Tinker API on which the model lies and is trained (docs/tinker.md). */
export interface TrainerEngineConfig {
  readonly url: string;
  /** `env:NAME`: the environment variable that holds the key; null: none. */
  readonly apiKey: string | null;
  /** The model's name there. `model.path` is the folder with its config.json and tokenizer here. */
  readonly model: string;
  /** null: the whole model is trained, where the server can. */
  readonly adapter: { readonly rank: number } | null;
  /**
   * own: losses are computed here, exactly as without a server. server: where π_old is known, the server's own ppo, in one pass
   * in place of two.
   */
  readonly objective: "own" | "server";
}

export interface EvaluationConfig {
  /** Steps between evaluations, which also happen before the first and after the last step; null: only those two. */
  readonly every: number | null;
  /** Most samples of one source (a seeded choice); null: all. */
  readonly samplesPerSource: number | null;
  /** The IoU threshold of evaluation, its own and not the training step's. */
  readonly epsilon: IouEpsilon;
  /** Answers per sample; 1 is greedy unless a temperature is given. */
  readonly n: number;
  /** 0 is greedy; n > 1 needs more than 0. */
  readonly temperature: number;
  readonly maxNewTokens: number;
}

/** A metric of the run as a whole that tells the best checkpoint. */
export interface BestCheckpointConfig {
  /** A name of docs/metrics.md; `@n` may be left out. */
  readonly metric: string;
  readonly mode: "max" | "min";
}

export interface CheckpointConfig {
  /** Steps between checkpoints; null: only the last step's and that of an interrupted run. */
  readonly every: number | null;
  /** How many are kept, newest first; null: all. */
  readonly keep: number | null;
  /** The best one stays besides; null: only the newest. */
  readonly keepBest: BestCheckpointConfig | null;
}

/** metrics.jsonl and the console table are always written; these are further places for the same records. */
export interface MonitorConfig {
  /** `events.out.tfevents.*` in the run folder. */
  readonly tensorboard: boolean;
  /** `metrics.csv` in the run folder. */
  readonly csv: boolean;
  /** A text file for node_exporter's textfile collector; null: none. */
  readonly prometheus: string | null;
  readonly mlflow: { readonly url: string; readonly experiment: string } | null;
  /** The address of a trackio server; the token is in TRACKIO_WRITE_TOKEN. null: none. */
  readonly trackio: { readonly url: string; readonly project: string } | null;
  readonly rollouts: {
    /** Every how many steps the rollouts go to `rollouts/step-*.parquet`; null: never. */
    readonly every: number | null;
    /** How many steps' files are kept, newest first; null: all. */
    readonly keep: number | null;
  };
  readonly alarms: {
    readonly enabled: boolean;
    /** `stop` saves a checkpoint and ends the run at the first alarm of severity "stop". */
    readonly onAlarm: "tell" | "stop";
    /** Where alarms are posted to; null: nowhere. */
    readonly webhook: string | null;
    /** By a rule's name: its numbers where they differ, or false for one that is off. */
    readonly rules: AlarmRuleChanges;
  };
}

/** Threads that compute on a backend that has one only (wasm): "auto" takes one for each physical core. */
export type WorkersSetting = "auto" | number;

/**
 * "auto" takes the fastest that works here; the others are as `v-triune doctor` lists them, and are taken or refused.
 */
export type BackendSetting = "auto" | BackendName;

/** All of them, written out so that help and complaints need not load TensorFlow.js. */
export const BACKEND_SETTINGS = [
  "auto",
  "tensorflow-gpu",
  "tensorflow",
  "webgpu",
  "wasm",
  "cpu",
] as const satisfies readonly BackendSetting[];

export const PRESETS = ["v-triune-on-policy", "v-triune-off-policy", "dapo", "dr-grpo", "gspo"] as const;

export type PresetName = (typeof PRESETS)[number];

export interface TrainingConfig {
  /** The preset that the values started from, for the record. */
  readonly preset: PresetName;
  readonly model: ModelConfig;
  readonly data: DataConfig;
  readonly run: RunConfig;
  readonly rollout: RolloutConfig;
  readonly reward: RewardConfig;
  readonly algorithm: AlgorithmConfig;
  readonly optimizer: OptimizerConfig;
  readonly update: UpdateConfig;
  /** Absent: the model lies and is trained in this process. */
  readonly training?: { readonly engine: TrainerEngineConfig };
  readonly promptPool: PromptPoolConfig;
  readonly evaluation: EvaluationConfig;
  readonly checkpoint: CheckpointConfig;
  readonly monitor: MonitorConfig;
  readonly backend: BackendSetting;
  /** The numbers of a run do not depend on it; memory does. */
  readonly workers: WorkersSetting;
  /** A bad row ends the run instead of being skipped and counted. */
  readonly strict: boolean;
}
