/**
 * On-policy distillation: a teacher says of each token that the policy wrote how likely it finds it, and the policy learns
 * by that (reverse KL by the sampled token, the estimator k1):
 *
 *     d_t = log π_teacher(t) - log π(t)       clamped to ±clamp
 *     A_t = weight · d_t                      or A + weight · d_t, with `rewards`
 *
 * Under the policy, the mean of -d_t is KL(π ‖ π_teacher) at the token; there is no discount, so that a token answers for
 * itself alone. The loss is `algorithm.loss`, as for any advantage.
 *
 * Source: K. Lu, "On-Policy Distillation" (Thinking Machines, 2025), in the form of verl 0.9.1 (trainer/distillation/losses.py,
 * `loss_mode: k1` with `use_policy_gradient`; without task rewards unless `rewards`). Deviation: log π is that of the weights
 * before the step's first update, also where a step has several; verl takes the one of each update.
 */
import type { DistillationConfig } from "../config/training-config";
import type { BatchLogProbs } from "./batch-log-probs";

export type Advantage = number | Float64Array | null;

/**
 * Advantages with the teacher's part.
 *
 * @param advantages by the rewards, one number per answer or per token; null for an answer without a score
 * @returns one number per token; null for an answer without a score where `rewards` count, and for one that nobody
 *   teaches where they do not
 */
export function distilledAdvantages(
  advantages: readonly Advantage[],
  { old = [], teacher = [] }: Pick<BatchLogProbs, "old" | "teacher">,
  { weight, rewards, clamp }: Pick<DistillationConfig, "weight" | "rewards" | "clamp">,
): Advantage[] {
  return advantages.map((advantage, index) => {
    const byTeacher = teacher[index];
    if (rewards && (advantage === null || !byTeacher)) return advantage;
    if (!byTeacher) return null;
    return Float64Array.from(old[index]!, (logProb, t) => {
      const gap = byTeacher[t]! - logProb;
      const bounded = clamp === null ? gap : Math.max(-clamp, Math.min(clamp, gap));
      const byRewards = !rewards || advantage === null ? 0 : typeof advantage === "number" ? advantage : advantage[t]!;
      return byRewards + weight * bounded;
    });
  });
}

/**
 * Advantages beside a divergence, which is a term of the loss: those of the rewards where these count, else 0, so that only
 * the divergence moves the policy.
 *
 * @returns null for an answer without a score where rewards count, and for one that nobody teaches where they do not
 */
export function advantagesBesideDivergence(
  advantages: readonly Advantage[],
  { candidates = [] }: Pick<BatchLogProbs, "candidates">,
  { rewards }: Pick<DistillationConfig, "rewards">,
): Advantage[] {
  return advantages.map((advantage, index) => (rewards ? advantage : candidates[index] ? 0 : null));
}

/**
 * How far the policy is from its teacher, over the tokens of the answers.
 *
 * @param masks 0 for tokens that an answer was shown. Default: none
 */
export function distillationMetrics(
  { old, teacher, candidates }: Pick<BatchLogProbs, "old" | "teacher" | "candidates">,
  masks: readonly (ArrayLike<number> | undefined)[] = [],
): Record<string, number> {
  const answers = teacher ?? candidates;
  if (!answers) return {};
  const taught = {
    "distillation/taught": answers.filter((values) => values !== undefined).length / Math.max(1, answers.length),
  };
  if (!old || !teacher) return taught;
  let [sum, size, tokens] = [0, 0, 0];
  for (const [index, logProbs] of old.entries())
    for (const [t, logProb] of logProbs.entries()) {
      const byTeacher = teacher[index]?.[t];
      if (masks[index]?.[t] === 0 || byTeacher === undefined) continue;
      const gap = logProb - byTeacher;
      sum += gap;
      size += Math.abs(gap);
      tokens += 1;
    }
  if (tokens === 0) return taught;
  return { ...taught, "distillation/kl": sum / tokens, "distillation/abs_loss": size / tokens };
}
