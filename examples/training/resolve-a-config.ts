import { resolveTrainingConfig } from "@v-triune/training";

const config = resolveTrainingConfig({
  model: "./Qwen2.5-VL-3B-Instruct",
  data: { train: "corpus/train_*.parquet" },
});
console.log(config.rollout.n, config.algorithm.clipHigh, config.optimizer.lr);
console.log(config.reward.iou.schedule);
// 8 0.28 0.000001
// [
//   { until: 0.1, epsilon: 0.85 },
//   { until: 0.25, epsilon: 0.95 },
//   { until: 1, epsilon: 0.99 }
// ]
