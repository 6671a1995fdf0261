import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoSourceNames, writeDemoModelFolder } from "@v-triune/demo-tasks";
import { RunFolderError } from "@v-triune/training/run-folder";
import { afterAll, describe, expect, it, vi } from "vitest";
import { type DemoSummary, demoBaseModelFolder, demoModelFolder, formatDemoSummary, runDemo } from "./run-demo";

const folder = mkdtempSync(join(tmpdir(), "v-triune-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const summary: DemoSummary = {
  seed: 1,
  steps: 40,
  seconds: 60,
  backend: "test",
  before: { mean: 0.35, bySource: { demo_count: 0.3, demo_detect: 0.4 } },
  after: { mean: 0.7, bySource: { demo_count: 0.8, demo_detect: 0.6 } },
};

describe("the demonstration", () => {
  it("trains the committed checkpoint and writes summary.json", async () => {
    const out = join(folder, "run");
    const lines: string[] = [];
    const result = await runDemo({
      seed: 3,
      steps: 2,
      samplesPerSource: 2,
      backend: "wasm",
      out,
      print: (text) => lines.push(text),
    });
    const written = JSON.parse(readFileSync(join(out, "summary.json"), "utf8")) as DemoSummary;
    expect(written).toEqual(result);
    expect(written).toMatchObject({ seed: 3, steps: 2 });
    for (const scores of [written.before, written.after]) {
      expect(Object.keys(scores.bySource).sort()).toEqual([...demoSourceNames].sort());
      for (const score of Object.values(scores.bySource)) expect(score).toBeGreaterThanOrEqual(0);
    }
    expect(readdirSync(join(out, "run"))).toEqual(
      expect.arrayContaining(["metrics.jsonl", "run.json", "checkpoints", "rollouts"]),
    );
    expect(lines.join("\n")).toContain("careless annotator");
    await expect(runDemo({ steps: 1, out })).rejects.toThrow(RunFolderError);
  });

  it("starts from the base model with zero, which seldom answers in the asked form", async () => {
    const lines: string[] = [];
    const out = join(folder, "zero");
    const result = await runDemo({
      steps: 1,
      samplesPerSource: 4,
      backend: "wasm",
      out,
      zero: true,
      print: (text) => lines.push(text),
    });
    expect(JSON.parse(readFileSync(join(out, "run/run.json"), "utf8"))).toMatchObject({
      config: { model: { path: expect.stringContaining("demo-base-model") }, optimizer: { lr: 2e-4 } },
    });
    expect(result!.format!.before).toBeLessThan(0.2);
    expect(lines.join("\n")).toContain("Answers in the asked form:");
  });

  it("keeps its dashboard after the run, which shows the evaluation before and after", async () => {
    const lines: string[] = [];
    let url = "";
    let shown: { state: string; steps: number[] } | undefined;
    await runDemo({
      steps: 1,
      samplesPerSource: 1,
      backend: "wasm",
      out: join(folder, "watched"),
      dashboard: true,
      print: (text) => lines.push(text),
      keepDashboard: async () => {
        url = /stays at (\S+)/.exec(lines.at(-1)!)![1]!;
        // Files are looked at once a second.
        await vi.waitFor(
          async () => {
            const [run] = (await (await fetch(`${url}api/runs`)).json()) as [{ state: string }];
            const sets = (await (await fetch(`${url}api/evaluations?run=run`)).json()) as [
              { rows: [{ steps: number[] }] },
            ];
            shown = { state: run.state, steps: sets[0].rows[0].steps };
            expect(shown).toEqual({ state: "finished", steps: [0, 1] });
          },
          { timeout: 20_000, interval: 200 },
        );
      },
    });
    expect(shown).toEqual({ state: "finished", steps: [0, 1] });
    await expect(fetch(url)).rejects.toThrow();
  });

  it("says where the run stopped and how to go on when it is interrupted", async () => {
    const lines: string[] = [];
    const out = join(folder, "stopped");
    const result = await runDemo({
      steps: 2,
      samplesPerSource: 1,
      backend: "wasm",
      out,
      interruption: { requested: true },
      print: (text) => lines.push(text),
    });
    expect(result).toBeUndefined();
    expect(lines.at(-1)).toContain("--resume");
  });

  it("says that a base model learned the form only if it did", () => {
    const of = (after: number) => formatDemoSummary({ ...summary, format: { before: 0.05, after } }, "runs/demo", 100);
    expect(of(0.95)).toContain("learned the form");
    expect(of(0.2)).toContain("the form is not learned");
    for (const line of of(0.2).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("ends with a table of at most 80 columns", () => {
    const text = formatDemoSummary(summary, "runs/demo", 100);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toContain("+0.350");
  });

  it.each([demoModelFolder, demoBaseModelFolder])(
    "ships %s: at most 8 MB, files as the code writes them",
    async (shipped) => {
      const fresh = mkdtempSync(join(folder, "fresh-"));
      await writeDemoModelFolder(fresh);
      for (const file of readdirSync(fresh)) {
        if (file === "config.json") continue;
        expect(readFileSync(join(shipped, file), "utf8"), file).toBe(readFileSync(join(fresh, file), "utf8"));
      }
      const bytes = readdirSync(shipped).reduce((sum, file) => sum + statSync(join(shipped, file)).size, 0);
      expect(bytes).toBeLessThan(8e6);
    },
  );
});
