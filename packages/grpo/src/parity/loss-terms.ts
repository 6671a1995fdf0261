/**
 * kl.json, agg_loss.json, tis.json, entropy.json, masked.json: the parts that losses are made of.
 */
import * as tf from "@tensorflow/tfjs-core";
import { aggregationWeights, countBatch } from "../losses/aggregation";
import { klTerm, penalizeRewards, type KlEstimator } from "../losses/kl-penalty";
import { selectedLogProbs, tokenEntropies } from "../losses/selected-log-probs";
import type { AggregationMode } from "../losses/token-loss";
import { valueLoss } from "../losses/value-loss";
import { maskedMean, maskedSum, maskedVariance, maskedWhiten } from "../masked-statistics";
import { importanceWeights } from "../rollout-correction/importance-weights";
import { rejectionMask, type RejectionStatistic } from "../rollout-correction/rejection";
import { flatten, type Comparison, type GoldenNumbers } from "./comparison";
import { lossTolerance, readCases, type GoldenBatch } from "./loss-batches";

const ALIASES: Readonly<Record<string, KlEstimator>> = {
  kl: "k1",
  mse: "k2",
  low_var_kl: "k3",
  "low_var_kl+": "k3+",
  "kl+": "k1+",
};

/** Compares kl.json. */
export function compareKl(folder: string, batches: ReadonlyMap<string, GoldenBatch>, comparison: Comparison): void {
  for (const golden of readCases(folder, "kl.json")) {
    const batch = batches.get(golden.batch)!;
    const type = golden["type"] as string;
    const tolerance = lossTolerance(golden.batch);
    if (type === "reward_penalty") {
      const found = penalizeRewards(
        batch.tokenRewards,
        batch.oldLogProbs,
        batch.refLogProbs,
        golden["kl_ratio"] as number,
      );
      comparison.close("KL in the reward", golden.batch, found, flatten(golden["rewards"] as GoldenNumbers), tolerance);
      continue;
    }
    const terms = batch.logProbs.map((lp, i) =>
      klTerm(ALIASES[type] ?? (type as KlEstimator), lp, batch.refLogProbs[i]!),
    );
    const weights = aggregationWeights("token-mean", batch.mask, batch.width, countBatch(batch.mask, batch.width));
    const mean = terms.reduce((sum, term, i) => sum + term.value * weights[i]!, 0);
    const gradient = terms.map((term, i) => term.gradient * weights[i]!);
    comparison.close(
      `kl ${type}`,
      golden.batch,
      terms.map((term) => term.value),
      flatten(golden["kl"] as GoldenNumbers),
      tolerance,
    );
    comparison.close(
      `kl ${type} mean`,
      golden.batch,
      [mean],
      flatten(golden["token_mean"] as GoldenNumbers),
      tolerance,
    );
    const expected = flatten(golden["grad_log_prob_of_token_mean"] as GoldenNumbers);
    comparison.close(`kl ${type} gradient`, golden.batch, gradient, expected, tolerance);
  }
}

/**
 * Compares agg_loss.json. Everything masked: verl divides 0 by 0, this package gives 0, and that is what is checked.
 */
export function compareAggregation(
  folder: string,
  batches: ReadonlyMap<string, GoldenBatch>,
  comparison: Comparison,
): void {
  for (const golden of readCases(folder, "agg_loss.json")) {
    const values = flatten(golden["loss_mat"] as GoldenNumbers);
    const width = (golden["loss_mat"] as readonly (readonly number[])[])[0]!.length;
    const mask = batches.get(golden.batch)?.mask ?? flatten(golden["response_mask"] as GoldenNumbers);
    const args = golden["args"] as Record<string, number>;
    const own = countBatch(mask, width);
    const mode = golden["loss_agg_mode"] as AggregationMode;
    const weights = aggregationWeights(
      mode,
      mask,
      width,
      { tokens: args["batch_num_tokens"] ?? own.tokens, sequences: args["global_batch_size"] ?? own.sequences },
      args["loss_scale_factor"] ?? width,
    ).map((w) => w * (args["dp_size"] ?? 1));
    const loss = values.reduce((sum, value, i) => sum + value * weights[i]!, 0);
    const where = `${golden.batch} ${mode} ${JSON.stringify(args)}`;
    const empty = own.tokens === 0;
    const expected = empty ? [0] : flatten(golden["loss"] as GoldenNumbers);
    comparison.close(
      empty ? `aggregation of nothing` : `aggregation ${mode}`,
      where,
      [loss],
      expected,
      lossTolerance(golden.batch),
    );
    if (golden["grad_loss_mat"] !== undefined) {
      const gradient = flatten(golden["grad_loss_mat"] as GoldenNumbers);
      comparison.close(`aggregation ${mode} gradient`, where, weights, gradient, lossTolerance(golden.batch));
    }
  }
}

/** Compares tis.json: importance weights, rejection masks and all metrics of both. */
export function compareRolloutCorrection(
  folder: string,
  batches: ReadonlyMap<string, GoldenBatch>,
  comparison: Comparison,
): void {
  for (const golden of readCases(folder, "tis.json")) {
    if (golden.error !== undefined) continue;
    const batch = batches.get(golden.batch)!;
    const logRatios = batch.oldLogProbs.map((lp, i) => lp - batch.rolloutLogProbs[i]!);
    const tolerance = lossTolerance(golden.batch);
    const rule = golden["rollout_rs"] as RejectionStatistic | undefined;
    const spec = bounds((rule ? golden["threshold"] : golden["rollout_is_threshold"]) as string | number);
    const found = rule
      ? rejectionMask(logRatios, batch.mask, batch.width, [{ statistic: rule, ...spec }])
      : importanceWeights(logRatios, batch.mask, batch.width, {
          level: golden["rollout_is"] as "token" | "sequence",
          normalize: golden["rollout_is_batch_normalize"] as boolean,
          ...spec,
        });
    const label = rule ? `rejection ${rule}` : `importance ${golden["rollout_is"] as string}`;
    const where = `${golden.batch} ${JSON.stringify(spec)}`;
    const values = "mask" in found ? found.mask : found.weights;
    comparison.close(label, where, values, flatten(golden[rule ? "mask" : "weights"] as GoldenNumbers), tolerance);
    for (const [key, expected] of Object.entries(golden["metrics"] as Record<string, GoldenNumbers>)) {
      const value = found.metrics[key] ?? NaN;
      // A variance as a difference of squares: verl's float32 leaves up to sqrt(1e-7 · mean²) where it should be 0.
      const looser = key.endsWith("_std")
        ? { rtol: 1e-3, atol: 1e-3 }
        : { rtol: Math.max(tolerance.rtol, 1e-5), atol: 2e-6 };
      comparison.close(`${label} metrics`, `${where} ${key}`, [value], flatten(expected), looser);
    }
  }
}

function bounds(spec: string | number): { upper: number; lower?: number } {
  if (typeof spec === "number") return { upper: spec };
  const [lower, upper] = spec.split("_").map(Number);
  return { lower: lower!, upper: upper! };
}

/** Compares entropy.json: values and gradients of the tfjs operation on the selected backend. */
export function compareEntropy(folder: string, comparison: Comparison): void {
  readCases(folder, "entropy.json").forEach((golden, number) => {
    const rows = (golden["logits"] as readonly (readonly GoldenNumbers[])[]).flat();
    const labels = Int32Array.from(flatten(golden["labels"] as GoldenNumbers));
    const mask = flatten(golden["response_mask"] as GoldenNumbers);
    const vocabulary = flatten(rows[0]!).length;
    const tolerance = { rtol: 1e-5, atol: 2e-6 };
    // verl takes the entropy as logsumexp(z) - Σ p z with z unshifted: at logits of 60 its float32 is off by 60 ·
    // 1.2e-7.
    const spread = Math.max(
      ...flatten(rows)
        .filter((z) => z > -1e6)
        .map(Math.abs),
    );
    const unshifted = { rtol: 1e-5, atol: 2e-6 + 2.4e-7 * spread };
    tf.tidy(() => {
      const logits = tf.tensor2d(flatten(rows), [rows.length, vocabulary]);
      const weights = aggregationWeights("token-mean", mask, mask.length, countBatch(mask, mask.length));
      const entropies = tokenEntropies(logits).dataSync();
      const gradient = tf.grad((x: tf.Tensor) => tokenEntropies(x as tf.Tensor2D))(
        logits,
        tf.tensor1d(Float32Array.from(weights)),
      );
      const logProbs = selectedLogProbs(logits, labels).dataSync();
      const mean = [...entropies].reduce((sum, entropy, i) => sum + entropy * weights[i]!, 0);
      const where = `case ${number}`;
      comparison.close("log-probabilities", where, logProbs, flatten(golden["log_probs"] as GoldenNumbers), tolerance);
      comparison.close("entropy", where, entropies, flatten(golden["entropy"] as GoldenNumbers), unshifted);
      comparison.close(
        "entropy mean",
        where,
        [mean],
        flatten(golden["entropy_loss_token_mean"] as GoldenNumbers),
        unshifted,
      );
      comparison.close(
        "entropy gradient",
        where,
        gradient.dataSync(),
        flatten(golden["grad_logits"] as GoldenNumbers),
        tolerance,
      );
    });
  });
}

interface ValueLossGolden {
  readonly cliprange_value: number;
  readonly loss: number;
  readonly clipfrac: number;
  readonly grad_vpreds: GoldenNumbers;
}

/** Compares masked.json: statistics and the value loss. */
export function compareMasked(folder: string, batches: ReadonlyMap<string, GoldenBatch>, comparison: Comparison): void {
  for (const golden of readCases(folder, "masked.json")) {
    const batch = batches.get(golden.batch)!;
    const { logProbs: values, mask, width } = batch;
    const tolerance = lossTolerance(golden.batch);
    const check = (name: string, found: ArrayLike<number>, expected: unknown) => {
      if (expected !== null && expected !== undefined && !isError(expected)) {
        comparison.close(name, golden.batch, found, flatten(expected as GoldenNumbers), tolerance);
      }
    };
    check("masked mean", [maskedMean(values, mask)], golden["masked_mean"]);
    check("masked sum", [maskedSum(values, mask)], golden["masked_sum"]);
    if (!isError(golden["masked_var"])) {
      check("masked variance", [maskedVariance(values, mask)], golden["masked_var"]);
      check("masked whiten", maskedWhiten(values, mask), golden["masked_whiten"]);
      check("masked whiten", maskedWhiten(values, mask, { shiftMean: false }), golden["masked_whiten_no_shift"]);
    }
    const expected = golden["value_loss"] as unknown as ValueLossGolden;
    const predicted = values.map((v, i) => Math.fround(v + Math.fround(0.4 * batch.advantages[i]!)));
    const found = valueLoss(batch, predicted, values, batch.refLogProbs, expected.cliprange_value);
    const weights = aggregationWeights("token-mean", mask, width, countBatch(mask, width));
    check("value loss", [found.values.reduce((sum, v, i) => sum + v * weights[i]!, 0)], expected.loss);
    check(
      "value loss gradient",
      found.gradient.map((g, i) => g * weights[i]!),
      expected.grad_vpreds,
    );
    check(
      "value clip fraction",
      [
        maskedMean(
          found.clipped.map((c) => (c ? 1 : 0)),
          mask,
        ),
      ],
      expected.clipfrac,
    );
  }
}

function isError(value: unknown): boolean {
  return typeof value === "string" && value.includes(":");
}
