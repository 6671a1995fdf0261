/**
 * How long large runs take to open, to the last number: 5,000,000 lines of metrics.jsonl, and 18 sources × 60 metrics ×
 * 10,000 steps, then the page's questions to it. Writes 2 GB to the temporary folder and removes them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LARGE_RUN_STREAMS, metricNames, writeLargeMetrics } from "../testing/large-run";
import { RunView } from "./run-view";

const folder = mkdtempSync(join(tmpdir(), "v-triune-open-run-"));
async function open(title: string, size: number): Promise<RunView> {
  const started = performance.now();
  const run = new RunView("bench", folder);
  do await run.refresh();
  while (run.isBehind);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${title}: ${(size / 1e9).toFixed(2)} GB in ${seconds.toFixed(2)} s, ${(size / 1e6 / seconds).toFixed(0)} ` +
      `MB/s; ${Math.round(process.memoryUsage().rss / 1e6)} MB of memory`,
  );
  return run;
}

function time(title: string, ask: () => unknown): void {
  const started = performance.now();
  const bytes = JSON.stringify(ask()).length;
  console.log(`  ${title}: ${(performance.now() - started).toFixed(0)} ms, ${(bytes / 1e3).toFixed(0)} kB`);
}

try {
  const many = await open(
    "5,000,000 lines of 4 numbers",
    writeLargeMetrics(folder, Math.ceil(5e6 / LARGE_RUN_STREAMS.length), 4),
  );
  time("a chart of 18 lines", () =>
    many.series(
      LARGE_RUN_STREAMS.slice(0, 18).map(([scope, name]) => ({ split: "train", scope, name })),
      ["critic/rewards/mean"],
      1_000,
    ),
  );
  const wide = await open("18 sources and 8 tasks × 60 metrics × 10,000 steps", writeLargeMetrics(folder, 10_000, 60));
  time("the grid: 18 sources × 12 metrics", () => wide.grid("train", "source", metricNames(12), 10, 60));
  time("a chart of 18 lines", () =>
    wide.series(
      LARGE_RUN_STREAMS.slice(0, 18).map(([scope, name]) => ({ split: "train", scope, name })),
      ["critic/rewards/mean"],
      1_000,
    ),
  );
  time("a source's 60 metrics", () =>
    wide.series([{ split: "train", scope: "source", name: "source 3" }], metricNames(60), 1_000),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
