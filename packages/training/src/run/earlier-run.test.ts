/**
 * Run folders of earlier versions resume. `testing/earlier-run` was written by the trainer before it became packages: a
 * run of three steps, interrupted after two, and what the same run left behind when it was not interrupted.
 */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDashboard } from "@v-triune/monitor/dashboard";
import { runFolderConfig } from "../run-folder";
import { runTraining } from "./run-training";

const fixture = join(import.meta.dirname, "../testing/earlier-run");
const folder = mkdtempSync(join(tmpdir(), "v-triune-earlier-"));
const run = join(folder, "run");
beforeAll(() => {
  cpSync(fixture, folder, { recursive: true });
  // The paths of the machine that made it.
  const path = join(run, "run.json");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("EARLIER_RUN", folder));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without times, which differ from run to run. */
const numbersOf = (path: string): unknown[] =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly metrics: Readonly<Record<string, number>> })
    .map((record) => ({
      ...record,
      metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
    }));

it("shows a run of an earlier version, resumes it, and ends with the bytes of the uninterrupted one", async () => {
  const dashboard = await startDashboard({ folder: run, port: 0 });
  try {
    const shown = async (path: string): Promise<unknown> => (await fetch(new URL(path, dashboard.url))).json();
    expect(await shown("/api/run?run=run")).toMatchObject({
      step: 2,
      steps: 3,
      badLines: 0,
      versions: { "v-triune": "0.1.0" },
      rolloutSteps: [1, 2],
      checkpointSteps: [2],
    });
    // 4 prompts of 3 answers.
    expect(await shown("/api/rollouts?run=run&step=2&limit=200")).toMatchObject({ total: 12 });
  } finally {
    await dashboard.close();
  }

  const result = await runTraining(await runFolderConfig(run), { resume: true });
  expect(result).toMatchObject({ step: 3, interrupted: false });
  const hashes = JSON.parse(readFileSync(join(fixture, "uninterrupted-hashes.json"), "utf8")) as Record<string, string>;
  for (const [name, hash] of Object.entries(hashes)) {
    const bytes = readFileSync(join(run, "checkpoints/step-000003", name));
    expect(createHash("sha256").update(bytes).digest("hex"), name).toBe(hash);
  }
  // Every record and number that the earlier version wrote; later versions may measure more.
  const earlier = numbersOf(join(fixture, "uninterrupted-metrics.jsonl"));
  const now = numbersOf(join(run, "metrics.jsonl"));
  expect(now).toHaveLength(earlier.length);
  expect(now).toMatchObject(earlier);
});
