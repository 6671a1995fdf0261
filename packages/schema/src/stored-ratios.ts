import type { Sample } from "./sample";

/**
 * A sample as it is after a Parquet file: the layout keeps ratios as float32, so 0.9 is read back as
 * 0.8999999761581421. Samples that never were in a file give the numbers of those that were only after this.
 */
export function withStoredRatios(sample: Sample): Sample {
  const { reward_model: reward } = sample;
  const ratios = Object.entries(reward.verifier_parm.det_reward_ratio).map(([name, value]) => [
    name,
    value === null ? null : Math.fround(value),
  ]);
  return {
    ...sample,
    reward_model: {
      ...reward,
      accuracy_ratio: Math.fround(reward.accuracy_ratio),
      format_ratio: Math.fround(reward.format_ratio),
      verifier_parm: {
        ...reward.verifier_parm,
        det_reward_ratio: Object.fromEntries(ratios) as typeof reward.verifier_parm.det_reward_ratio,
      },
    },
  };
}
