import { resolveTrainingConfig } from "@v-triune/training";

const config = resolveTrainingConfig({
  model: "./Qwen2.5-VL-3B-Instruct",
  data: { train: "corpus/train_*.parquet" },
});
console.log(config.rollout.n, config.algorithm.clipHigh, config.optimizer.lr);
console.log(config.reward.iou.schedule.map(({ epsilon }) => epsilon).join(" "));
// 8 0.28 0.000001
// 0.85 0.95 0.99
