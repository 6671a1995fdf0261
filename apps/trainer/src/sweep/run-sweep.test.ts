/** A sweep of two tiny runs through the command itself: interrupted, gone on with, called again. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { tinyRun } from "../testing/tiny-run";
import type { Launcher } from "./child-run";
import { type SweepEvent, runSweep } from "./run-sweep";
import { readSweepFile } from "./sweep-file";
import type { SweepResults } from "./sweep-results";

const folder = mkdtempSync(join(tmpdir(), "v-triune-sweep-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const launcher: Launcher = [
  process.execPath,
  "--conditions=@v-triune/source",
  "--import",
  tsx,
  fileURLToPath(new URL("../main.ts", import.meta.url)),
];
const out = join(folder, "sweep");
const finals = (name: string) => readFileSync(join(out, "runs", name, "checkpoints/step-000004/model.safetensors"));

describe("a sweep", () => {
  it("goes on where it was interrupted, skips what is finished, and reports a run that fails", async () => {
    const { run, optimizer, ...config } = await tinyRun(folder, "base", 4);
    writeFileSync(
      join(folder, "base.json"),
      JSON.stringify({ ...config, run: { steps: run.steps }, optimizer: { lr: optimizer.lr } }),
    );
    const file = join(folder, "sweep.yaml");
    writeFileSync(
      file,
      "base: base.json\ngrid:\n  case:\n    slow: {optimizer.lr: 1e-4}\n    fast: {optimizer.lr: 1e-2}\n" +
        "    lost: {data.train: nowhere.parquet}\nseeds: [3]\n",
    );
    const sweep = readSweepFile(file);

    const controller = new AbortController();
    const seen: SweepEvent[] = [];
    const first = await runSweep({
      sweep: { ...sweep, axes: [{ name: "case", cases: sweep.axes[0]!.cases.slice(0, 2) }] },
      folder: out,
      jobs: 1,
      launcher,
      signal: controller.signal,
      listen: (event) => {
        seen.push(event);
        if (event.type === "run-event" && event.event.type === "step" && event.event.summary.step === 2)
          controller.abort();
      },
    });
    expect(first.interrupted).toBe(true);
    expect(first.results.runs.map(({ name, status }) => [name, status])).toEqual([
      ["slow_seed-3", "unfinished"],
      ["fast_seed-3", "unfinished"],
    ]);
    expect(first.results.runs[0]?.steps).toBeGreaterThanOrEqual(2);
    expect(seen.filter(({ type }) => type === "run-started")).toHaveLength(1);

    const second = await runSweep({ sweep, folder: out, jobs: 2, launcher });
    expect(second.interrupted).toBe(false);
    expect(second.results.runs.map(({ name, status, steps }) => [name, status, steps])).toEqual([
      ["slow_seed-3", "finished", 4],
      ["fast_seed-3", "finished", 4],
      ["lost_seed-3", "failed", 0],
    ]);
    expect(second.results.runs[2]?.problem).toMatch(/nowhere\.parquet/);
    const [slow] = second.results.runs;
    expect(slow?.curves["critic/rewards/mean"]?.map(([step]) => step)).toEqual([1, 2, 3, 4]);
    expect(slow?.curves["eval/mean"]?.map(([step]) => step)).toEqual([0, 4]);
    expect(slow?.gradients.find(({ group }) => group === "language")?.layers).toHaveLength(2);
    expect(finals("slow_seed-3").equals(finals("fast_seed-3"))).toBe(false);

    const saved = statSync(join(out, "runs/fast_seed-3/checkpoints/step-000004/model.safetensors")).mtimeMs;
    const started: string[] = [];
    const third = await runSweep({
      sweep,
      folder: out,
      jobs: 1,
      launcher,
      listen: (event) => event.type === "run-started" && started.push(event.name),
    });
    expect(started).toEqual(["lost_seed-3"]);
    expect(statSync(join(out, "runs/fast_seed-3/checkpoints/step-000004/model.safetensors")).mtimeMs).toBe(saved);
    const written = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as SweepResults;
    expect(written).toEqual(JSON.parse(JSON.stringify(third.results)));
    expect(readFileSync(join(out, "results.csv"), "utf8").split("\n")).toHaveLength(5);

    await expect(
      runSweep({ sweep: { ...sweep, overrides: ["rollout.n=5"] }, folder: out, jobs: 1, launcher }),
    ).rejects.toThrow(/no longer that of the run[\s\S]*rollout\.n: 3 -> 5/);
  }, 120_000);
});
