import { expect, it } from "vitest";
import { mismatchMetrics } from "./rollout-mismatch";

it("measures what verl 0.9.1 measures", () => {
  const metrics = mismatchMetrics([
    { old: [-0.5, -1.25, -3, -0.1], rollout: [-0.6, -1, -3.5, -0.15] },
    { old: [-2, -0.75], rollout: [-1.5, -0.8] },
    { old: [], rollout: [] },
  ]);
  const verl: Record<string, number> = {
    kl: 0.008333333319444443,
    k3_kl: 0.04862763730426434,
    chi2_token: 0.1874060852967543,
    chi2_seq: 0.3160552941165333,
    training_ppl: 3.65847776904858,
    rollout_ppl: 3.43682180863997,
    ppl_ratio: 1.0785800665225853,
    log_ppl_diff: 0.062499999562500075,
    log_ppl_abs_diff: 0.16249999931250014,
  };
  for (const [name, value] of Object.entries(verl)) expect(metrics[`rollout_corr/${name}`], name).toBeCloseTo(value, 6);
  expect(metrics["training/rollout_probs_diff_mean"]).toBeCloseTo(0.05227421000365276, 12);
  expect(metrics["training/rollout_probs_diff_max"]).toBeCloseTo(0.08779487691181712, 12);
  expect(metrics["training/rollout_probs_diff_std"]).toBeCloseTo(0.0287318447369748, 12);
  expect(mismatchMetrics([])).toEqual({});
});
