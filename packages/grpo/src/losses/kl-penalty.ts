/**
 * Estimators of KL(π_θ ‖ π_ref) from the sampled tokens, and their derivative (Schulman 2020, "Approximating KL
 * divergence"). d = log π_θ - log π_ref:
 *
 *   k1   d                    unbiased, noisy; its derivative is the score, not the KL's
 *   abs  |d|
 *   k2   d² / 2               ("mse")
 *   k3   exp(-d) + d - 1      low variance, never negative; -d bounded to ±20, the value to 10
 *   k1+, abs+, k3+            the value of k1, abs, k3 with the derivative of k2 (straight-through): an unbiased gradient
 *
 * Same numbers as verl 0.9.1 (`kl_penalty`); TRL 1.16's k3 is not bounded (`bounded: false`).
 */

/** An estimator by verl's short name; `mse` is k2, `low_var_kl` k3, `kl` k1. */
export type KlEstimator = "k1" | "k2" | "k3" | "abs" | "k1+" | "k3+" | "abs+";

/** Value and derivative (by log π_θ) of an estimator at one token. */
export interface KlTerm {
  readonly value: number;
  readonly gradient: number;
}

/**
 * One token's KL estimate.
 * @param bounded keep k3 within verl's bounds. Default true
 */
export function klTerm(estimator: KlEstimator, logProb: number, refLogProb: number, bounded = true): KlTerm {
  const d = logProb - refLogProb;
  switch (estimator) {
    case "k1":
      return { value: d, gradient: 1 };
    case "abs":
      return { value: Math.abs(d), gradient: Math.sign(d) };
    case "k2":
      return { value: 0.5 * d * d, gradient: d };
    case "k3":
      return k3(d, bounded);
    case "k1+":
      return { value: d, gradient: d };
    case "abs+":
      return { value: Math.abs(d), gradient: d };
    case "k3+":
      return { value: k3(d, bounded).value, gradient: d };
  }
}

function k3(d: number, bounded: boolean): KlTerm {
  const exponent = bounded ? Math.min(Math.max(-d, -20), 20) : -d;
  // expm1 keeps the digits of small differences; what rounding leaves below 0 is 0.
  const value = Math.max(0, Math.expm1(exponent) - exponent);
  const passes = !bounded || (exponent === -d && value <= 10);
  return { value: bounded ? Math.min(value, 10) : value, gradient: passes ? -Math.expm1(exponent) : 0 };
}

/**
 * KL in the reward instead of the loss (the classic RLHF form): r_t - β (log π_old - log π_ref), flat [B · T].
 * Same numbers as verl 0.9.1 (`compute_rewards`).
 */
export function penalizeRewards(
  tokenRewards: ArrayLike<number>,
  oldLogProbs: ArrayLike<number>,
  refLogProbs: ArrayLike<number>,
  coefficient: number,
): Float64Array {
  return Float64Array.from(
    { length: tokenRewards.length },
    (_, i) => tokenRewards[i]! - coefficient * (oldLogProbs[i]! - refLogProbs[i]!),
  );
}
