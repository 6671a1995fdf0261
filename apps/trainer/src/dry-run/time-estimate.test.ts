import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTraining } from "@v-triune/training";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../cli/run-command-line";
import { tinyRun } from "../testing/tiny-run";
import { type DryRun, dryRun } from "./dry-run";
import { formatTime } from "./time-estimate";
import { formatDuration } from "../terminal/duration";

const folder = mkdtempSync(join(tmpdir(), "v-triune-time-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the time that a run takes", () => {
  it("is measured before it begins, within what a busy machine allows", async () => {
    const config = { ...(await tinyRun(folder, "run", 3)), workers: 1 as const };
    const { time, text } = await dryRun(config);
    expect(text).toMatch(
      /Time, at most [\d.]+ (s|min) a step, [\d.]+ (s|min) for 3 steps[\s\S]*generation +[\d.]+ s {2}\(answers of all 8 tokens[\s\S]*measured here on WebAssembly/,
    );
    const seconds: number[] = [];
    await runTraining(
      { ...config, data: { ...config.data, eval: [] } },
      {
        listen: (event) =>
          void (event.type === "step" && seconds.push(event.summary.seconds.generate + event.summary.seconds.update)),
      },
    );
    const fastest = Math.min(...seconds);
    expect(time!.step).toBeGreaterThan(fastest / 5);
    expect(time!.step).toBeLessThan(fastest * 50);
    expect(time!.run).toBeCloseTo(3 * time!.step, 9);
  }, 60_000);

  it("is part of train --dry-run --json", async () => {
    const config = await tinyRun(folder, "json", 3);
    const file = join(folder, "run.json5.json");
    writeFileSync(file, JSON.stringify({ ...config, workers: 1 }));
    let out = "";
    expect(
      await runCommandLine(["train", file, "--dry-run", "--json"], { out: (more) => (out += more), err: () => {} }),
    ).toBe(0);
    const found = JSON.parse(out) as DryRun;
    expect(found).toMatchObject({
      run: { steps: 3, updates: 3 },
      data: { leftOut: 0 },
      memory: { trained: expect.any(Number) as number },
      time: { step: expect.any(Number) as number },
    });
    expect(found.prompts[0]).toMatchObject({
      tokens: expect.any(Number) as number,
      pictures: [[84, 84]],
      text: expect.stringContaining("<|im_start|>") as string,
    });
  }, 60_000);

  it.each([
    [0.4, false],
    [null, false],
    [7.24, true],
  ])("says what else the machine did: a load of %s", async (load, isSaid) => {
    const estimate = { backend: "TensorFlow", load, generate: 1, update: 1, step: 2, run: 6 };
    const text = formatTime(estimate, await tinyRun(folder, "load", 3));
    expect(text.includes("at a load of 7.2 on ")).toBe(isSaid);
  });

  it.each([
    [0.04, "0.0 s"],
    [12.2, "13 s"],
    [600, "10 min"],
    [9000, "2.5 h"],
    [400_000, "4.6 days"],
  ])("%d is %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});
