/**
 * What monitoring takes from a training step: aggregation, the sinks' queue and the rows of the rollout store, on the
 * thread that trains, and how long the files take after that. A step of the demonstration (112 rollouts of 14 tokens)
 * and one of the paper's (8,192 of 600).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStepMetrics, type RolloutRecord } from "@v-triune/monitor";
import { openRunMonitor } from "./run-monitor";
import type { StoredRollout } from "./rollout-store";

const metrics = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`metric_${index}`, index / 31]));
const health = Object.fromEntries(
  Array.from({ length: 60 }, (_, index) => [`actor/grad_norm/layer/${index}`, index / 61]),
);

function record(index: number, tokens: number): RolloutRecord {
  const accuracy = (index % 5) / 4;
  return {
    dataSource: `source ${(index >> 3) % 18}`,
    task: `task ${((index >> 3) % 18) % 8}`,
    group: index >> 3,
    verdict: { status: "scored", accuracy, format: 1, metrics },
    reward: accuracy,
    response: "The bars rise from left to right. ".repeat(tokens / 8),
    responseTokens: tokens + (index % 7),
    promptTokens: 300,
    truncated: false,
  };
}

function stored(step: number, index: number, tokens: number): StoredRollout {
  const { dataSource, task, response } = record(index, tokens);
  return {
    step,
    group: index >> 3,
    sample: index & 7,
    dataSource,
    task,
    id: `${dataSource}/${index}`,
    prompt: "How many are there?".repeat(8),
    response,
    groundTruth: "\\boxed{3}",
    imagePaths: [],
    imageSizes: [[280, 280]],
    boxes: null,
    promptTokens: 300,
    responseTokens: tokens,
    strippedTokens: 0,
    truncated: false,
    status: "scored",
    reason: null,
    accuracy: 1,
    format: 1,
    reward: 1,
    additions: {},
    advantage: 0.5,
    metrics,
    tokenIds: new Int32Array(tokens).fill(1234),
  };
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

for (const [rollouts, tokens, steps] of [
  [112, 14, 40],
  [8_192, 600, 4],
] as const) {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-monitor-bench-"));
  const description = {
    format: 1,
    name: "bench",
    seed: 1,
    backend: "",
    versions: {},
    createdAt: "",
    config: {},
  } as never;
  const monitor = openRunMonitor({
    config: {
      tensorboard: true,
      csv: false,
      prometheus: null,
      mlflow: null,
      trackio: null,
      rollouts: { every: 1, keep: null },
      alarms: { enabled: true, onAlarm: "tell", webhook: null, rules: {} },
    },
    folder: { path: folder, metricsPath: join(folder, "metrics.jsonl"), description },
    onProblem: (message) => console.log(message),
    onAlarm: () => undefined,
  });
  const records = Array.from({ length: rollouts }, (_, index) => record(index, tokens));
  const aggregation = createStepMetrics();
  const onThread: number[] = [];
  const onDisk: number[] = [];
  const busy: number[] = [];
  for (let step = 1; step <= steps; step += 1) {
    const started = performance.now();
    const before = performance.eventLoopUtilization();
    for (const one of records) aggregation.add(one);
    monitor.write(aggregation.finish(step, health));
    monitor.writeRollouts(
      step,
      records.map((_, index) => stored(step, index, tokens)),
    );
    onThread.push(performance.now() - started);
    await monitor.flush();
    onDisk.push(performance.now() - started);
    busy.push(performance.eventLoopUtilization(before).active);
  }
  await monitor.close();
  rmSync(folder, { recursive: true, force: true });
  console.log(
    `${rollouts} rollouts: ${middle(onThread).toFixed(1)} ms before the step goes on; ${middle(busy).toFixed(1)} ` +
      `ms of its thread in all, on disk after ${middle(onDisk).toFixed(0)} ms`,
  );
}
