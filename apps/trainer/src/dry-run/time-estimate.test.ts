import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTraining } from "@v-triune/training";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../cli/run-command-line";
import { tinyRun } from "../testing/tiny-run";
import { tinyTurnsRun } from "../testing/tiny-turns-run";
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

  it("is not measured for a model on a training server, and of its memory nothing is counted", async () => {
    const config = await tinyRun(folder, "remote", 3);
    const engine = {
      url: "http://gpu:8000",
      model: "m",
      adapter: { rank: 4 },
      apiKey: null,
      objective: "own",
    } as const;
    const { time, text, memory } = await dryRun({ ...config, training: { engine } }, 64e9);
    expect(time).toBeNull();
    expect(text).toContain("Memory of this process, about 621.6 MB of 64.0 GB; the model's is that of");
    expect(text).toMatch(/pictures +1\.\d MB {2}\(of a step and the next\)/);
    expect("weights" in memory).toBe(false);
  });

  it("counts the tokens that tools show between turns, as memory and prompts do", async () => {
    const config = { ...(await tinyTurnsRun(join(folder, "turns"), "run", 3)), workers: 1 as const };
    const turns = { ...config.rollout.turns!, offer: " You may zoom." };
    const [short, long] = [
      await dryRun({ ...config, rollout: { ...config.rollout, turns: null } }, 64e9),
      await dryRun({ ...config, rollout: { ...config.rollout, turns } }, 64e9),
    ];
    expect(long.text.replaceAll(/\s+/g, " ")).toMatch(
      /Turns: at most 3, with crop \(deepeyes\); an answer writes at most 24 tokens and is shown 120/,
    );
    expect(short.text).not.toContain("Turns:");
    expect(long.prompts[0]!.text).toContain("You may zoom.");
    expect(long.lengths.training.longest!.tokens).toBeGreaterThan(short.lengths.training.longest!.tokens);
    // 4 prompts of 3 answers: 144 tokens of each instead of 24.
    const activations = ({ memory }: DryRun): number => ("activations" in memory ? memory.activations : Number.NaN);
    expect(activations(long)).toBeGreaterThan(2 * activations(short));
    const cut = { ...turns, maxShownTokens: 2000 };
    const { text } = await dryRun({ ...config, rollout: { ...config.rollout, turns: cut } }, 1e6);
    expect(text.replaceAll(/\s+/g, " ")).toMatch(/and the model takes 256: such answers are cut off/);
    const missing = { ...turns, tools: [{ module: join(folder, "missing.mjs") }] };
    await expect(dryRun({ ...config, rollout: { ...config.rollout, turns: missing } }, 64e9)).rejects.toThrow(
      /module of a tool cannot be imported[^]*missing\.mjs/,
    );
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
