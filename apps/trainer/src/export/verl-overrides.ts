/**
 * A run's configuration in verl's words: Hydra overrides of `ppo_trainer` (verl 0.9.1), and what verl has no word for.
 * Values that only the cluster knows (nodes, GPUs, the reward server) are shell variables with defaults.
 */
import { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO } from "@v-triune/schema/reward-defaults";
import type { AdvantageName, KlEstimatorName, LossName, TrainingConfig } from "@v-triune/training/config";

export interface VerlJob {
  /** Overrides as a shell takes them. */
  readonly overrides: readonly string[];
  /** Training steps with one IoU threshold, one after the other: verl tells its reward function no step. */
  readonly stages: readonly { readonly until: number; readonly epsilon: number | "average" }[];
  /** What is different there, a sentence each. */
  readonly notes: readonly string[];
}

export interface VerlJobData {
  /** Rows of the training file. */
  readonly rows: number;
  /** Tokens of the longest prompt, pictures included. */
  readonly longestPrompt: number;
  /** The model's folder as verl is to load it. */
  readonly model: string;
  readonly hasEvaluation: boolean;
}

const advantages: Readonly<Record<AdvantageName, string>> = {
  grpo: "grpo",
  "dr-grpo": "grpo",
  rloo: "rloo",
  gdpo: "gdpo",
  "reinforce++": "reinforce_plus_plus",
  "reinforce++-baseline": "reinforce_plus_plus_baseline",
};
const losses: Readonly<Record<LossName, string>> = {
  ppo: "vanilla",
  gspo: "gspo",
  cispo: "cispo",
  gmpo: "geo_mean",
  sapo: "sapo",
};
const estimators: Readonly<Record<KlEstimatorName, string>> = {
  k1: "kl",
  k2: "mse",
  mse: "mse",
  k3: "low_var_kl",
  abs: "abs",
};

/** What switches a limit off that verl can't do without. */
const never = 1e9;

/** The layers that `targetModules: null` stands for. */
const ATTENTION_PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj"];

export function verlJob(config: TrainingConfig, data: VerlJobData): VerlJob {
  const { rollout, reward, algorithm, optimizer, update, evaluation, checkpoint, run, model } = config;
  const { steps } = run;
  const notes: string[] = [];
  const actor = (key: string, value: unknown): string => `actor_rollout_ref.actor.${key}=${hydra(value)}`;
  const sampler = (key: string, value: unknown): string => `actor_rollout_ref.rollout.${key}=${hydra(value)}`;
  const { kl } = algorithm;
  const { correction } = rollout;
  const { groups } = optimizer;
  if (groups.language.freeze) notes.push("verl always trains the language model; here it was frozen.");
  if (model.adapter === null && (groups.vision.freeze || groups.connector.freeze))
    notes.push(
      "verl 0.9.1 has a key for a frozen vision tower (actor.freeze_vision_tower), but nothing reads it: there the " +
        "tower and the connector are trained, here they are frozen in part or whole. An adapter leaves them as they " +
        "are (model.adapter).",
    );
  if (
    new Set(
      Object.values(groups)
        .filter(({ freeze }) => !freeze)
        .map(({ lr }) => lr),
    ).size > 1
  )
    notes.push(`verl has one learning rate, ${optimizer.lr}; here the groups have their own.`);
  if (algorithm.perSource) notes.push("Advantages by source (algorithm.perSource) are not in verl.");
  if (algorithm.maskTruncated) notes.push("verl learns from answers that were cut off (algorithm.maskTruncated).");
  if (optimizer.schedule === "linear") notes.push("verl has no linear schedule; the cosine takes its place.");
  if (algorithm.loss === "ppo" && algorithm.dualClip === null)
    notes.push("verl's PPO loss always has a dual clip; it is set where it never acts.");
  if (rollout.asyncLevel === 1)
    notes.push(
      "verl's usual trainer has no rollout.asyncLevel: 1 (its recipe one_step_off_policy has); each step takes the " +
        "newest weights.",
    );
  if (config.data.sampling)
    notes.push("verl draws every sample once per epoch; data.sampling.difficulty is not carried over.");
  if (config.promptPool.enabled)
    notes.push(
      "The prompt pool's sentences were drawn once a row when the data were written; here they are drawn again " +
        "each time.",
    );
  if (rollout.topK !== null && rollout.topK < 1) notes.push("rollout.topK is left out.");
  if (correction.rejection !== null || correction.lower !== null)
    notes.push("rollout.correction.rejection and lower are not carried over.");
  // In all families the connector is the tower's mergers.
  const frozenTower = groups.vision.freeze
    ? groups.connector.freeze
      ? ".*visual\\..*"
      : ".*visual\\.(?!.*merger).*"
    : groups.connector.freeze
      ? ".*visual\\..*merger.*"
      : null;
  const factors = algorithm.componentWeights ?? {};
  const componentWeights = [
    (reward.accuracyRatio ?? DEFAULT_ACCURACY_RATIO) * (factors.accuracy ?? 1),
    (reward.formatRatio ?? DEFAULT_FORMAT_RATIO) * (factors.format ?? 1),
  ].join(",");
  if (algorithm.advantage === "gdpo")
    notes.push(
      `verl's gdpo has one weight for accuracy and one for format (${componentWeights}) instead of each sample's own ` +
        "ratios, and does not split the accuracy of boxes.",
    );
  const stages = stagesOf(reward.iou.schedule, steps);
  if (stages.length > 1)
    notes.push(
      "The IoU threshold rises in stages: launch.sh runs verl once for each and resumes it from its checkpoint.",
    );
  if (stages.length > 1 && optimizer.schedule !== "constant")
    notes.push("The learning rate's schedule is that of each stage, not of the whole run.");
  const overlong =
    reward.overlong === null
      ? []
      : [
          "reward.reward_manager.name=dapo",
          "+reward.reward_kwargs.overlong_buffer_cfg.enable=True",
          `+reward.reward_kwargs.overlong_buffer_cfg.len=${reward.overlong.buffer}`,
          `+reward.reward_kwargs.overlong_buffer_cfg.penalty_factor=${reward.overlong.penalty}`,
          "+reward.reward_kwargs.overlong_buffer_cfg.log=True",
          `+reward.reward_kwargs.max_resp_len=${rollout.maxNewTokens}`,
        ];
  const overrides = [
    "data.train_files='[\"'\"$job\"'/data/train.parquet\"]'",
    `data.val_files='["'"$job"'/data/${data.hasEvaluation ? "eval" : "train"}.parquet"]'`,
    "data.image_key=images",
    `data.train_batch_size=${rollout.promptsPerStep}`,
    `data.max_prompt_length=${rollout.maxPromptTokens ?? Math.ceil(data.longestPrompt / 64) * 64}`,
    `data.max_response_length=${rollout.maxNewTokens}`,
    "data.filter_overlong_prompts=True",
    "data.truncation=error",
    "data.shuffle=True",
    `data.seed=${run.seed}`,
    'reward.custom_reward_function.path="$job/reward.py"',
    "reward.custom_reward_function.name=compute_score",
    '+reward.custom_reward_function.reward_kwargs.url="${V_TRIUNE_REWARD_URL:-http://127.0.0.1:8000}"',
    ...overlong,
    `actor_rollout_ref.model.path=${data.model}`,
    "actor_rollout_ref.model.enable_gradient_checkpointing=True",
    ...(model.adapter === null
      ? []
      : [
          `actor_rollout_ref.model.lora_rank=${model.adapter.rank}`,
          `actor_rollout_ref.model.lora_alpha=${model.adapter.alpha}`,
          `actor_rollout_ref.model.target_modules=${hydra(model.adapter.targetModules ?? ATTENTION_PROJECTIONS)}`,
          // Ends of names such as gate_proj are also in the tower of Qwen2.5-VL.
          ...(frozenTower === null ? [] : [`actor_rollout_ref.model.exclude_modules='${frozenTower}'`]),
        ]),
    actor("freeze_vision_tower", groups.vision.freeze),
    actor("ppo_mini_batch_size", update.miniBatch),
    actor("ppo_epochs", update.epochs),
    actor("use_dynamic_bsz", true),
    actor("ppo_max_token_len_per_gpu", update.microBatchTokens),
    actor("policy_loss.loss_mode", losses[algorithm.loss]),
    actor("clip_ratio", algorithm.clipLow),
    actor("clip_ratio_low", algorithm.clipLow),
    actor("clip_ratio_high", algorithm.clipHigh),
    actor("clip_ratio_c", algorithm.dualClip ?? never),
    actor("tau_pos", algorithm.tau.positive),
    actor("tau_neg", algorithm.tau.negative),
    actor("loss_agg_mode", algorithm.aggregation),
    ...(algorithm.aggregation === "seq-mean-token-sum-norm" ? [actor("loss_scale_factor", rollout.maxNewTokens)] : []),
    actor("entropy_coeff", algorithm.entropyCoefficient),
    actor("use_kl_loss", kl.coefficient > 0 && kl.in === "loss"),
    actor("kl_loss_coef", kl.in === "loss" ? kl.coefficient : 0),
    actor("kl_loss_type", estimators[kl.estimator]),
    actor("optim.lr", optimizer.lr),
    actor("optim.betas", optimizer.betas),
    actor("optim.weight_decay", optimizer.weightDecay),
    // verl's schedule counts training steps, not updates.
    actor("optim.lr_warmup_steps", Math.round(optimizer.warmupRatio * steps)),
    actor("optim.lr_scheduler_type", optimizer.schedule === "constant" ? "constant" : "cosine"),
    actor("optim.clip_grad", optimizer.maxGradNorm ?? never),
    "actor_rollout_ref.rollout.name=${ROLLOUT:-vllm}",
    sampler("n", rollout.n),
    sampler("temperature", rollout.temperature),
    sampler("top_p", rollout.topP),
    sampler("top_k", rollout.topK ?? -1),
    sampler("log_prob_use_dynamic_bsz", true),
    sampler("log_prob_max_token_len_per_gpu", update.microBatchTokens),
    sampler("val_kwargs.n", evaluation.n),
    sampler("val_kwargs.temperature", evaluation.temperature),
    sampler("val_kwargs.do_sample", evaluation.temperature > 0),
    sampler("val_kwargs.top_p", 1),
    "actor_rollout_ref.ref.log_prob_use_dynamic_bsz=True",
    `actor_rollout_ref.ref.log_prob_max_token_len_per_gpu=${update.microBatchTokens}`,
    `algorithm.adv_estimator=${advantages[algorithm.advantage]}`,
    ...(algorithm.advantage === "gdpo"
      ? ["+algorithm.gdpo_reward_keys=[accuracy,format]", `+algorithm.gdpo_reward_weights=[${componentWeights}]`]
      : []),
    `algorithm.norm_adv_by_std_in_grpo=${hydra(algorithm.advantage !== "dr-grpo")}`,
    `algorithm.use_kl_in_reward=${hydra(kl.coefficient > 0 && kl.in === "reward")}`,
    ...(kl.coefficient > 0 && kl.in === "reward"
      ? [`algorithm.kl_penalty=${estimators[kl.estimator]}`, `algorithm.kl_ctrl.kl_coef=${kl.coefficient}`]
      : []),
    `algorithm.filter_groups.enable=${hydra(rollout.dynamicSampling.enabled)}`,
    ...(rollout.dynamicSampling.enabled
      ? [
          "algorithm.filter_groups.metric=score",
          `algorithm.filter_groups.max_num_gen_batches=${rollout.dynamicSampling.maxRounds}`,
        ]
      : []),
    `algorithm.rollout_correction.rollout_is=${correction.importance === "none" ? "null" : correction.importance}`,
    `algorithm.rollout_correction.rollout_is_threshold=${correction.threshold}`,
    `algorithm.rollout_correction.rollout_is_batch_normalize=${hydra(correction.normalise)}`,
    `trainer.total_epochs=${Math.ceil((steps * rollout.promptsPerStep) / Math.max(1, data.rows)) + 1}`,
    `trainer.save_freq=${checkpoint.every ?? steps}`,
    `trainer.test_freq=${data.hasEvaluation ? (evaluation.every ?? steps) : -1}`,
    `trainer.val_before_train=${hydra(data.hasEvaluation)}`,
    "trainer.project_name=v-triune",
    `trainer.experiment_name=${shellWord(run.name)}`,
    'trainer.default_local_dir="$job/checkpoints"',
    ...(checkpoint.keep === null ? [] : [`trainer.max_actor_ckpt_to_keep=${checkpoint.keep}`]),
    "trainer.resume_mode=auto",
    'trainer.logger=\'["console","tensorboard"]\'',
    'trainer.nnodes="${NNODES:-1}"',
    'trainer.n_gpus_per_node="${GPUS_PER_NODE:-8}"',
  ];
  return { overrides, stages, notes };
}

/** The last step of each threshold; thresholds that no step has are left out. */
/** @param schedule of stages; export-verl.ts refuses others */
function stagesOf(schedule: TrainingConfig["reward"]["iou"]["schedule"], steps: number): VerlJob["stages"] {
  if (schedule === "adaptive") return [];
  const stages = schedule.map(({ until, epsilon }) => ({ until: Math.floor(until * steps + 1e-9), epsilon }));
  return stages.filter(({ until }, index) => until > (stages[index - 1]?.until ?? 0));
}

/** A value as Hydra's override grammar takes it, in quotes for the shell where it needs them. */
function hydra(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value))
    return `'[${value.map((item) => (typeof item === "string" ? JSON.stringify(item) : String(item))).join(",")}]'`;
  return shellWord(String(value));
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
