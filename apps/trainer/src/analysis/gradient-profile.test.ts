import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricRecord } from "@v-triune/monitor";
import { runTraining } from "@v-triune/training";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../cli/run-command-line";
import { tinyRun } from "../testing/tiny-run";
import { type GradientProfile, formatGradientProfile, gradientProfile } from "./gradient-profile";

const folder = mkdtempSync(join(tmpdir(), "v-triune-analyze-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const record = (step: number, layers: Record<string, number>): MetricRecord => ({
  step,
  split: "train",
  scope: "all",
  name: "all",
  metrics: Object.fromEntries(Object.entries(layers).map(([layer, norm]) => [`actor/grad_norm/layer/${layer}`, norm])),
});

describe("gradientProfile", () => {
  it("takes means over steps, orders layers by number, and compares the first with the last", () => {
    const profile = gradientProfile([
      record(1, { "language.0": 2, "vision.0": 6, "vision.2": 1, "vision.10": 1, "vision.other": 99 }),
      record(2, { "language.0": 4, "vision.0": 10, "vision.2": 3, "vision.10": 1 }),
    ]);
    expect(profile.steps).toBe(2);
    expect(profile.groups).toEqual([
      {
        group: "vision",
        layers: [
          { layer: 0, norm: 8 },
          { layer: 2, norm: 2 },
          { layer: 10, norm: 1 },
        ],
        firstToLast: 8,
      },
      { group: "language", layers: [{ layer: 0, norm: 3 }], firstToLast: undefined },
    ]);
    const text = formatGradientProfile(profile);
    expect(text).toContain("first to last layer 8.00");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(text.split("\n").find((line) => line.includes("8.00e+0"))).toContain("█".repeat(50));
  });
});

describe("v-triune analyze gradients", () => {
  it("reads a run that trained both towers", async () => {
    const base = await tinyRun(folder, "both", 1);
    const group = { lr: 1e-4, freeze: false };
    await runTraining({
      ...base,
      data: { ...base.data, eval: [] },
      optimizer: { ...base.optimizer, groups: { vision: group, connector: group, language: group } },
    });
    const text = { out: "", err: "" };
    const run = (...args: string[]) =>
      runCommandLine(args, { out: (more) => (text.out = more), err: (more) => (text.err = more) });
    expect(await run("analyze", "gradients", join(folder, "both"), "--json")).toBe(0);
    const { groups } = JSON.parse(text.out) as GradientProfile;
    expect(groups.map(({ group: name, layers }) => [name, layers.length])).toEqual([
      ["vision", 2],
      ["language", 2],
    ]);
    for (const { norm } of groups.flatMap(({ layers }) => layers)) expect(norm).toBeGreaterThan(0);
    const picture = join(folder, "gradients.svg");
    expect(await run("analyze", "gradients", join(folder, "both"), "--svg", picture)).toBe(0);
    const svg = readFileSync(picture, "utf8");
    expect(svg.match(/<rect x="60"/g)).toHaveLength(4);
    expect(svg).toContain(">language, first to last layer");
    expect(await run("analyze", "weights", join(folder, "both"))).toBe(2);
    expect(await run("analyze", "gradients", folder)).toBe(2);
    expect(text.err).toContain("holds no run");
  });
});
