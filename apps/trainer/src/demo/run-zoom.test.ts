import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeDemoModelFolder, zoomModelFolder } from "@v-triune/demo-tasks";
import { runTraining } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { afterAll, describe, expect, it } from "vitest";
import { demoZoomModelFolder } from "./run-demo";
import { runZoom } from "./run-zoom";
import { type ZoomScores, formatZoomSummary } from "./zoom-summary";

const folder = mkdtempSync(join(tmpdir(), "v-triune-zoom-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scores = (tiny: number, easy: number, toolRate: number): ZoomScores => ({
  unaided: { zoom_tiny: 0.01, zoom_easy: 0.98 },
  byTurns: [1, 2, 3].map((turns) => ({
    turns,
    accuracy: { zoom_tiny: (tiny * (turns - 1)) / 2, zoom_easy: easy },
    toolRate: { zoom_tiny: toolRate, zoom_easy: 1 - easy },
  })),
});
const told = (before: ZoomScores, after: ZoomScores): string => {
  const text = formatZoomSummary({ seed: 1, steps: 40, seconds: 60, backend: "test", before, after }, "runs/zoom", 100);
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  return text;
};

describe("demo --zoom", () => {
  it("trains with the tool, the same each time, and compares with and without", async () => {
    const out = join(folder, "one");
    const lines: string[] = [];
    const options = { seed: 3, steps: 1, samplesPerSource: 1, backend: "wasm", out } as const;
    const summary = await runZoom({ ...options, print: (text) => lines.push(text) });
    expect(JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))).toEqual(summary);
    expect(summary!.after.byTurns.map(({ turns }) => turns)).toEqual([1, 2, 3]);
    expect(lines.join("\n")).toContain("careless");
    const files = ["eval-tools.jsonl", "eval-tools-off.jsonl", "eval-turns-3.jsonl"];
    expect(readdirSync(join(out, "run"))).toEqual(expect.arrayContaining(files));

    const { config } = JSON.parse(readFileSync(join(out, "run/run.json"), "utf8")) as { config: TrainingConfig };
    const again = join(folder, "two");
    await runTraining({
      ...config,
      data: { ...config.data, eval: [] },
      run: { ...config.run, folder: again },
      workers: 1,
    });
    const weights = (run: string) => readFileSync(join(run, "checkpoints/step-000001/model.safetensors"));
    expect(weights(join(out, "run")).equals(weights(again))).toBe(true);
    expect(weights(again).equals(readFileSync(join(demoZoomModelFolder, "model.safetensors")))).toBe(false);
  });

  it("says what the numbers say", () => {
    const start = scores(0.1, 0.98, 0.2);
    expect(told(start, scores(0.94, 0.97, 0.99))).toMatch(/learned to look closer: \+0\.84 .*\+0\.93 ahead/);
    expect(told(start, scores(0.94, 0.97, 0.99))).toContain("stay solved without a look");
    expect(told(start, scores(0.94, 0.4, 0.99))).toContain("Large letters got worse (-0.58)");
    expect(told(start, scores(0.11, 0.98, 0.2))).toContain("hardly moved");
  });

  it("ships a model of at most 3 MB, with files as the code writes them", async () => {
    const fresh = mkdtempSync(join(folder, "fresh-"));
    await writeDemoModelFolder(fresh, zoomModelFolder);
    for (const file of readdirSync(fresh)) {
      if (file === "config.json") continue;
      expect(readFileSync(join(demoZoomModelFolder, file), "utf8"), file).toBe(readFileSync(join(fresh, file), "utf8"));
    }
    const sizes = readdirSync(demoZoomModelFolder).map((file) => statSync(join(demoZoomModelFolder, file)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3e6);
  });
});
