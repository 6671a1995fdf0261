/** What the aggregation of a step costs: 8,192 rollouts of 18 sources with 30 numbers of their verifier each. */
import { createStepMetrics, type RolloutRecord } from "./step-metrics";

/**
 * A step of the paper's size: 1,024 prompts of 18 sources, 8 rollouts each, 30 numbers a verdict, 1,500 characters a
 * response.
 */
const rollouts: RolloutRecord[] = Array.from({ length: 8192 }, (_, i) => ({
  dataSource: `source ${(i >> 3) % 18}`,
  task: `task ${((i >> 3) % 18) % 8}`,
  group: i >> 3,
  verdict: {
    status: "scored",
    accuracy: (i % 5) / 4,
    format: 1,
    metrics: Object.fromEntries(Array.from({ length: 30 }, (__, m) => [`metric_${m}`, ((i * 31 + m) % 101) / 100])),
  },
  reward: (i % 5) / 4,
  response: `${"The bars rise from left to right, so the third one is the tallest of them. ".repeat(20)}${i % 3 === 0 ? "Wait, let me check again." : ""}`,
  responseTokens: 300 + (i % 700),
  truncated: i % 50 === 0,
}));

const metrics = createStepMetrics();
const times = Array.from({ length: 30 }, () => {
  const started = performance.now();
  for (const rollout of rollouts) metrics.add(rollout);
  metrics.finish(1);
  return performance.now() - started;
}).sort((a, b) => a - b);
console.log(
  `add and finish: ${times[0]!.toFixed(1)} ms at best, ${times[15]!.toFixed(1)} ms in the middle, ` +
    `${times.at(-1)!.toFixed(1)} ms at worst of 30`,
);
