/**
 * policy_loss.json (verl) and trl_loss.json (TRL): loss, gradient and clip fractions of every case.
 */
import { countBatch } from "../losses/aggregation";
import { cispo } from "../losses/cispo";
import { dppo } from "../losses/dppo";
import { dro } from "../losses/dro";
import { gmpo } from "../losses/gmpo";
import { gspo } from "../losses/gspo";
import { evaluateObjective, type ObjectiveBatch, type ObjectiveConfig } from "../losses/objective";
import { policyGradient } from "../losses/policy-gradient";
import { ppoClip } from "../losses/ppo-clip";
import { sapo } from "../losses/sapo";
import { highEntropyTokens, offPolicySequences } from "../losses/token-selection";
import type { AggregationMode, PolicyLoss } from "../losses/token-loss";
import { vespo } from "../losses/vespo";
import { flatten, type Comparison, type GoldenNumbers } from "./comparison";
import { lossTolerance, readCases, type GoldenBatch, type GoldenCase } from "./loss-batches";

const FRACTION = { rtol: 0, atol: 1e-6 };

/** Compares every case of policy_loss.json. */
export function comparePolicyLosses(
  folder: string,
  batches: ReadonlyMap<string, GoldenBatch>,
  comparison: Comparison,
): void {
  for (const golden of readCases(folder, "policy_loss.json")) {
    if (golden.error !== undefined) continue;
    const batch = batches.get(golden.batch)!;
    const mode = golden["mode"] as string;
    const config = golden["config"] as Record<string, unknown>;
    const globals = (config["global_batch_info"] ?? {}) as Record<string, number>;
    const policyLoss = verlLoss(mode, config);
    const own = countBatch(batch.mask, batch.width, { countEmptySequences: policyLoss.countsEmptySequences ?? false });
    const weights = golden["rollout_is_weights"] as GoldenNumbers | null;
    const { rows, width, mask, logProbs, oldLogProbs, advantages } = batch;
    // verl's gradients are averaged over data-parallel ranks, so its losses carry the number of ranks.
    const ranks = globals["dp_size"] ?? 1;
    const result = evaluateObjective(
      {
        rows,
        width,
        mask,
        logProbs,
        oldLogProbs,
        advantages,
        ...(weights === null ? {} : { importanceWeights: flatten(weights) }),
      },
      {
        policyLoss,
        aggregation: golden["loss_agg_mode"] as AggregationMode,
        maxLength: globals["loss_scale_factor"] ?? batch.width,
      },
      {
        tokens: globals["batch_num_tokens"] ?? own.tokens,
        sequences: globals["global_batch_size"] ?? own.sequences,
      },
    );
    const where = `${golden.batch} ${golden["loss_agg_mode"] as string} ${JSON.stringify(config)}`;
    const tolerance = lossTolerance(golden.batch);
    comparison.close(`${mode} loss`, where, [result.loss * ranks], flatten(golden["loss"] as GoldenNumbers), tolerance);
    comparison.close(
      `${mode} gradient`,
      where,
      result.logProbGradient.map((g) => g * ranks),
      flatten(golden["grad_log_prob"] as GoldenNumbers),
      tolerance,
    );
    const metrics = golden["metrics"] as Record<string, number>;
    const { sums } = result;
    const share = (count: number) => count / Math.max(1, sums.tokens);
    const [clipped, outer] =
      mode === "geo_mean"
        ? [sums.clippedHigh, sums.clippedLow]
        : [sums.clippedLow + sums.clippedHigh, sums.clippedOuter];
    if (metrics["pg_clipfrac"] !== undefined) {
      comparison.close("clip fraction", `${mode} ${where}`, [share(clipped)], [metrics["pg_clipfrac"]], FRACTION);
    }
    if (metrics["pg_clipfrac_lower"] !== undefined) {
      comparison.close(
        "dual-clip fraction",
        `${mode} ${where}`,
        [share(outer)],
        [metrics["pg_clipfrac_lower"]],
        FRACTION,
      );
    }
    if (metrics["ppo_kl"] !== undefined && (BOUNDED_KL.has(mode) || logRatiosWithinBound(batch))) {
      comparison.close("ppo_kl", `${mode} ${where}`, [share(sums.oldMinusNew)], [metrics["ppo_kl"]], tolerance);
    }
  }
}

/** Modes whose ppo_kl verl bounds to ±20, as the objective's diagnostics do. */
const BOUNDED_KL = new Set(["vanilla", "cispo", "sapo", "dppo_tv", "dppo_kl"]);

function logRatiosWithinBound(batch: GoldenBatch): boolean {
  return batch.mask.every((m, i) => m === 0 || Math.abs(batch.logProbs[i]! - batch.oldLogProbs[i]!) <= 20);
}

function verlLoss(mode: string, config: Record<string, unknown>): PolicyLoss {
  const clipLow = (config["clip_ratio_low"] as number | undefined) ?? 0.2;
  const clipHigh = (config["clip_ratio_high"] as number | undefined) ?? 0.28;
  const outer = (config["clip_ratio_c"] as number | undefined) ?? 3;
  switch (mode) {
    case "vanilla":
      return ppoClip({ clipLow, clipHigh, dualClip: outer });
    case "gspo":
      return gspo({ clipLow, clipHigh });
    case "cispo":
      return cispo({ clipLow, clipHigh });
    case "gpg":
      return policyGradient();
    case "geo_mean":
      return gmpo({ clipLow, clipHigh });
    case "sapo":
      return sapo({
        tauPositive: (config["tau_pos"] as number | undefined) ?? 1,
        tauNegative: (config["tau_neg"] as number | undefined) ?? 1.05,
      });
    case "dppo_tv":
    case "dppo_kl":
      return dppo({ divergence: mode === "dppo_tv" ? "tv" : "kl", low: clipLow, high: clipHigh, truncation: outer });
    case "dro":
      return dro((config["policy_loss"] as { dro_beta: number }).dro_beta);
    default:
      throw new Error(`policy_loss.json has mode "${mode}", which this check does not know`);
  }
}

interface TrlOptions {
  readonly loss_type: string;
  readonly importance_sampling_level: "token" | "sequence";
  readonly beta: number;
  readonly epsilon: number;
  readonly epsilon_high: number;
  readonly delta?: number;
  readonly use_vllm_is?: boolean;
  readonly top_entropy_quantile?: number;
  readonly off_policy_mask_threshold?: number;
  readonly entropy_coef?: number;
  readonly max_completion_length?: number;
}

/** Compares every case of trl_loss.json. */
export function compareTrlLosses(
  folder: string,
  batches: ReadonlyMap<string, GoldenBatch>,
  comparison: Comparison,
): void {
  for (const golden of readCases(folder, "trl_loss.json")) {
    if (golden.error !== undefined) continue;
    const options = golden["options"] as TrlOptions;
    const batch = batches.get(golden.batch)!;
    const objective = trlObjective(options);
    const result = evaluateObjective(
      trlBatch(batch, options),
      objective,
      countBatch(batch.mask, batch.width, { countEmptySequences: objective.countEmptySequences ?? false }),
    );
    const label = `trl ${options.importance_sampling_level === "sequence" && options.loss_type === "grpo" ? "gspo" : options.loss_type}`;
    const where = `${golden.batch} ${JSON.stringify(options)}`;
    const tolerance = lossTolerance(golden.batch);
    comparison.close(`${label} loss`, where, [result.loss], flatten(golden["loss"] as GoldenNumbers), tolerance);
    const gradient = flatten(golden["grad_log_prob"] as GoldenNumbers);
    comparison.close(`${label} gradient`, where, result.logProbGradient, gradient, tolerance);
    if (options.importance_sampling_level === "token") compareTrlFractions(golden, result.sums, where, comparison);
  }
}

function compareTrlFractions(
  golden: GoldenCase,
  sums: { readonly tokens: number; readonly clippedLow: number; readonly clippedHigh: number },
  where: string,
  comparison: Comparison,
): void {
  const metrics = golden["metrics"] as Record<string, GoldenNumbers>;
  const pairs: [string, number][] = [
    ["clip_ratio/low_mean", sums.clippedLow],
    ["clip_ratio/high_mean", sums.clippedHigh],
  ];
  for (const [key, count] of pairs) {
    if (metrics[key] === undefined) continue;
    comparison.close(`trl ${key}`, where, [count / Math.max(1, sums.tokens)], flatten(metrics[key]), FRACTION);
  }
}

function trlObjective(options: TrlOptions): ObjectiveConfig {
  const kl = options.beta === 0 ? {} : { kl: { coefficient: options.beta, estimator: "k3" as const, bounded: false } };
  const entropy = options.entropy_coef ? { entropyCoefficient: options.entropy_coef } : {};
  const { epsilon: clipLow, epsilon_high: clipHigh } = options;
  const surrogate =
    options.importance_sampling_level === "sequence"
      ? gspo({ clipLow, clipHigh })
      : ppoClip({ clipLow, clipHigh, dualClip: options.delta ?? null, logRatioBound: Infinity });
  const common = { ...kl, ...entropy };
  switch (options.loss_type) {
    case "grpo":
      return { ...common, policyLoss: surrogate, aggregation: "seq-mean-token-mean", countEmptySequences: true };
    case "bnpo":
    case "dapo":
      return { ...common, policyLoss: surrogate, aggregation: "token-mean" };
    case "dr_grpo":
      return {
        ...common,
        policyLoss: surrogate,
        aggregation: "seq-mean-token-sum-norm",
        countEmptySequences: true,
        maxLength: options.max_completion_length ?? 16,
      };
    case "luspo":
      return { ...common, policyLoss: surrogate, aggregation: "seq-mean-token-sum", countEmptySequences: true };
    case "cispo":
      return { ...common, policyLoss: cispo({ clipLow: Infinity, clipHigh: clipHigh - 1 }), aggregation: "token-mean" };
    case "sapo":
      return { ...common, policyLoss: sapo(), countEmptySequences: true };
    case "vespo":
      return { ...common, policyLoss: vespo(), aggregation: "token-mean" };
    default:
      throw new Error(`trl_loss.json has loss_type "${options.loss_type}", which this check does not know`);
  }
}

function trlBatch(batch: GoldenBatch, options: TrlOptions): ObjectiveBatch {
  // TRL has one advantage per row: the file takes the first of each.
  const advantages = batch.advantages.map((_, i) => batch.advantages[Math.floor(i / batch.width) * batch.width]!);
  const { rows, width, mask, logProbs, oldLogProbs, refLogProbs, rolloutLogProbs, entropies } = batch;
  let policyWeights: Float64Array | undefined;
  if (options.top_entropy_quantile !== undefined)
    policyWeights = highEntropyTokens(entropies, mask, options.top_entropy_quantile);
  if (options.off_policy_mask_threshold !== undefined) {
    policyWeights = offPolicySequences({ ...batch, advantages }, rolloutLogProbs, options.off_policy_mask_threshold);
  }
  return {
    rows,
    width,
    mask,
    logProbs,
    oldLogProbs,
    advantages,
    refLogProbs,
    entropies,
    ...(policyWeights ? { policyWeights } : {}),
    ...(options.use_vllm_is
      ? { importanceWeights: mask.map((m, i) => Math.min(Math.exp((oldLogProbs[i]! - rolloutLogProbs[i]!) * m), 2)) }
      : {}),
  };
}
