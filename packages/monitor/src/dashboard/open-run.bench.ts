/**
 * How long large runs take to open, to the last number: 5,000,000 lines of metrics.jsonl, and 18 sources × 60 metrics × 10,000 steps, then the
 * page's questions to it. Writes 2 GB to the temporary folder and removes them.
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatRecordLine } from "../metrics-file";
import type { MetricScope } from "../metric-record";
import { RunView } from "./run-view";

const folder = mkdtempSync(join(tmpdir(), "v-triune-open-run-"));
const METRICS = ["critic/rewards/mean", "response_length/mean", "correct/ratio", "response_length/clip_ratio"];
const names = (metrics: number): string[] => Array.from({ length: metrics }, (_, index) => METRICS[index] ?? `verifier/some_metric_${index}/mean`);
const STREAMS: readonly (readonly [MetricScope, string, string | undefined])[] = [
  ...Array.from({ length: 18 }, (_, index) => ["source", `source ${index}`, `task ${index % 8}`] as const),
  ...Array.from({ length: 8 }, (_, index) => ["task", `task ${index}`, `task ${index}`] as const),
  ["all", "all", undefined],
];

/** Numbers with all their digits, as means have them. */
function write(steps: number, metrics: number): number {
  const path = join(folder, "metrics.jsonl");
  const file = openSync(path, "w");
  let state = 1;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32 / 3;
  for (let step = 1; step <= steps; ) {
    const lines: string[] = [];
    for (let until = Math.min(steps, step + 500); step <= until; step += 1) {
      for (const [scope, name, task] of STREAMS) {
        lines.push(formatRecordLine({ step, split: "train", scope, name, ...(task === undefined ? {} : { task }), metrics: Object.fromEntries(names(metrics).map((metric) => [metric, random()])) }));
      }
    }
    writeSync(file, `${lines.join("\n")}\n`);
  }
  closeSync(file);
  return statSync(path).size;
}

async function open(title: string, size: number): Promise<RunView> {
  const started = performance.now();
  const run = new RunView("bench", folder);
  do await run.refresh();
  while (run.isBehind);
  const seconds = (performance.now() - started) / 1000;
  console.log(`${title}: ${(size / 1e9).toFixed(2)} GB in ${seconds.toFixed(2)} s, ${(size / 1e6 / seconds).toFixed(0)} MB/s; ${Math.round(process.memoryUsage().rss / 1e6)} MB of memory`);
  return run;
}

function time(title: string, ask: () => unknown): void {
  const started = performance.now();
  const bytes = JSON.stringify(ask()).length;
  console.log(`  ${title}: ${(performance.now() - started).toFixed(0)} ms, ${(bytes / 1e3).toFixed(0)} kB`);
}

try {
  const many = await open("5,000,000 lines of 4 numbers", write(Math.ceil(5e6 / STREAMS.length), 4));
  time("a chart of 18 lines", () => many.series(STREAMS.slice(0, 18).map(([scope, name]) => ({ split: "train", scope, name })), ["critic/rewards/mean"], 1_000));
  const wide = await open("18 sources and 8 tasks × 60 metrics × 10,000 steps", write(10_000, 60));
  time("the grid: 18 sources × 12 metrics", () => wide.grid("train", "source", names(12), 10, 60));
  time("a chart of 18 lines", () => wide.series(STREAMS.slice(0, 18).map(([scope, name]) => ({ split: "train", scope, name })), ["critic/rewards/mean"], 1_000));
  time("a source's 60 metrics", () => wide.series([{ split: "train", scope: "source", name: "source 3" }], names(60), 1_000));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
