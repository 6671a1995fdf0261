import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoModelConfig } from "@v-triune/demo-tasks";
import { type VlmConfig, publishedModels } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { configuredProcessor, modelArchitecture, runTraining } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../cli/run-command-line";
import { tinyRun } from "../testing/tiny-run";
import { tinyTurnsRun } from "../testing/tiny-turns-run";
import { type DryRun, dryRun } from "./dry-run";
import { formatTime } from "./format-time";
import { measuredArchitectures, openMeasuredPolicy } from "./measured-model";
import { answeredRows, countNumbers, countTokens, forwardWork, textIds } from "./step-work";
import { type NotMeasured, type TimeEstimate, estimateTime, gradientSeconds } from "./time-estimate";
import { formatDuration } from "../terminal/duration";

const folder = mkdtempSync(join(tmpdir(), "v-triune-time-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const someTime: TimeEstimate = {
  backend: "TensorFlow",
  load: null,
  prompts: 0.5,
  answers: 0.5,
  generate: 1,
  logProbs: 0,
  passes: [],
  gradients: 0.9,
  optimizer: 0.1,
  update: 1,
  rest: 0,
  step: 2,
  halfStep: 1,
  evaluation: 0,
  evaluations: 0,
  run: 6,
  work: { promptTokens: 100, answers: 12, trainedTokens: 200, microBatches: 1, updates: 1 },
  measured: { layers: 2, allLayers: 2, seconds: 3 },
};

describe("the time that a run takes", () => {
  it("is measured before it begins: the same work, and processor time within what a busy machine allows", async () => {
    const run = await tinyRun(folder, "run", 3);
    // As large as the demonstration's model, so that reading and writing are little beside computing.
    const model = { ...run.model, config: demoModelConfig } as TrainingConfig["model"];
    const config: TrainingConfig = {
      ...run,
      model,
      data: { ...run.data, eval: [] },
      rollout: { ...run.rollout, n: 6, maxNewTokens: 16 },
      update: { ...run.update, miniBatch: 2, microBatchTokens: 1024 },
      workers: 1,
    };
    const clock = (): number => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    };
    const { time, text } = await dryRun(config, undefined, undefined, { clock });
    expect(
      Math.max(
        ...text
          .slice(text.indexOf("Time, "))
          .split("\n")
          .map(({ length }) => length),
      ),
    ).toBeLessThan(81);
    expect(text.replaceAll(/\s+/g, " ")).toMatch(
      new RegExp(
        "Time, about [\\d.]+ (s|min) a step, [\\d.]+ (s|min) for 3 steps, " +
          "if every answer has 16 tokens and teaches; [\\d.]+ s a step if they have half of that " +
          "prompts [\\d.]+ s \\(.* answers [\\d.]+ s \\(24 of 16 tokens\\) log-probabilities .*" +
          "\\(the policy\\) gradients .* optimizer .*\\(2 updates\\) rest .*\\(data, rewards, reports\\) " +
          "measured here on WebAssembly",
      ),
    );
    const seconds: number[] = [];
    const trained: number[] = [];
    let before = clock();
    await runTraining(config, {
      listen: (event) => {
        if (event.type === "started") before = clock();
        if (event.type !== "step") return;
        seconds.push(clock() - before);
        trained.push(event.summary.tokens.trained);
        before = clock();
      },
    });
    // Some answers end before their full length, as weights are random.
    expect(time!.work.trainedTokens / Math.max(...trained)).toBeGreaterThanOrEqual(0.95);
    expect(time!.work.trainedTokens / Math.max(...trained)).toBeLessThan(1.3);
    expect(time!.work).toMatchObject({ answers: 24, updates: 2 });
    const least = Math.min(...seconds);
    expect(time!.step / least).toBeGreaterThan(0.4);
    expect(time!.step / least).toBeLessThan(2);
    expect(time!.halfStep).toBeLessThan(time!.step);
    expect(time!.generate + time!.update + time!.rest).toBeCloseTo(time!.step, 9);
    expect(time!.run).toBeCloseTo(3 * time!.step, 9);
  }, 180_000);

  it.each([
    ["a micro-batch takes 2 s and a unit of work 1 s", { gradients: 12, fewGradients: 3 }, 2 * 2 + 20],
    ["arithmetic alone", { gradients: 10, fewGradients: 0.5 }, 20],
    ["few rows take more than many: noise", { gradients: 2, fewGradients: 3 }, 4],
  ])("gradients of two micro-batches, twice the work: %s", (_, speed, expected) => {
    const plan = (work: number, turns: number) => ({ work, turns, microBatches: turns, pictures: 0, tokens: 0 });
    const parts = { few: plan(1, 1), measured: plan(10, 1), speed };
    expect(gradientSeconds(plan(20, 2), parts)).toBeCloseTo(expected, 9);
    expect(gradientSeconds(plan(10, 1), parts)).toBeCloseTo(speed.gradients, 9);
    // Nothing to tell them apart by.
    expect(gradientSeconds(plan(20, 2), { ...parts, few: plan(8, 1) })).toBeCloseTo(2 * speed.gradients, 9);
  });

  it("counts evaluations of a run that has them", async () => {
    const config = { ...(await tinyRun(folder, "evaluations", 5)), workers: 1 as const };
    const { time } = await dryRun({ ...config, evaluation: { ...config.evaluation, every: 2 } });
    // Before the first step, after the second, the fourth and the last.
    expect(time!.evaluations).toBe(4);
    expect(time!.evaluation).toBeGreaterThan(0);
    expect(time!.run).toBeCloseTo(5 * time!.step + 4 * time!.evaluation, 9);
  }, 60_000);

  it("is not measured where free memory does not suffice, and the reason is told", async () => {
    const config = await tinyRun(folder, "full", 3);
    const architecture = await modelArchitecture(config.model);
    const found = await estimateTime(config, architecture, {
      prompts: [{ id: "one", promptIds: Int32Array.of(1, 2, 3) } as PreparedPrompt],
      sourceFolder: folder,
      processor: await configuredProcessor(config.model),
      gradientCheckpointing: false,
      free: 1e6,
    });
    expect(found).toEqual({
      reason: expect.stringMatching(/^1\.0 MB of memory are free, and measuring takes/) as string,
    });
    expect(formatTime(found as NotMeasured, config)).toMatch(/^Time: not measured, as 1\.0 MB/);
  });

  it.each(publishedModels)("a large model is measured with few layers: $name", async ({ config }) => {
    const run = await tinyRun(folder, "shapes", 3);
    const architecture = await modelArchitecture({ ...run.model, config } as TrainingConfig["model"]);
    const [deep, shallow] = measuredArchitectures(architecture, 1e6) as [VlmConfig, VlmConfig];
    expect(countNumbers(deep)).toBeLessThan(countNumbers(architecture) / 2);
    expect(deep.text.numLayers).toBeGreaterThan(shallow.text.numLayers);
    expect(shallow).toMatchObject({ text: { numLayers: 1 }, vision: { depth: 1 } });
    for (const measured of [deep, shallow]) {
      expect(measured.text.hiddenSize).toBe(architecture.text.hiddenSize);
      expect(measured.text.vocabSize).toBe(architecture.text.vocabSize);
      expect(measured.text.maxPositionEmbeddings).toBeGreaterThanOrEqual(1e6);
    }
  });

  it("counts tokens as the policy does, and arithmetic that grows with them", async () => {
    const run = await tinyRun(folder, "tokens", 3);
    const architecture = await modelArchitecture(run.model);
    const prompts = [40, 70].map((length) => ({ promptIds: textIds(length, architecture) }) as PreparedPrompt);
    const rows = answeredRows(prompts, 3, 20, architecture);
    const policy = openMeasuredPolicy(run, architecture, false, folder);
    expect(countTokens(rows)).toBe(policy.tokenCount(rows));
    policy.dispose();
    expect(countTokens(rows)).toBe(40 + 70 + 6 * 19);
    expect(forwardWork(rows, architecture)).toBe(
      forwardWork(rows.slice(0, 3), architecture) + forwardWork(rows.slice(3), architecture),
    );
    // One token more for each row: products with the layers, attention over 58 or 88 tokens and itself, logits.
    const longer = answeredRows(prompts, 3, 21, architecture);
    const { hiddenSize, vocabSize, numLayers, numHeads, headDim } = architecture.text;
    const layers = countNumbers(architecture, ({ group, layer }) => group === "language" && layer !== undefined);
    const seen = 3 * (59.5 + 89.5);
    expect(forwardWork(longer, architecture) - forwardWork(rows, architecture)).toBeCloseTo(
      6 * (2 * layers + 2 * hiddenSize * vocabSize) + 4 * numHeads * headDim * numLayers * seen,
    );
  });

  it("is not measured for a model on a training server, and of its memory nothing is counted", async () => {
    const config = await tinyRun(folder, "remote", 3);
    const engine = {
      url: "http://gpu:8000",
      model: "m",
      adapter: { rank: 4 },
      apiKey: null,
      objective: "own",
    } as const;
    const { time, timeNotMeasured, text, memory } = await dryRun({ ...config, training: { engine } }, 64e9);
    expect(time).toBeNull();
    expect(timeNotMeasured).toBe("the model is trained on a server");
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

  it("is told of a run that a folder holds, and nothing is written into it", async () => {
    const config = { ...(await tinyRun(folder, "finished", 1)), workers: 1 as const };
    const { folder: held } = await runTraining(config);
    const files = () =>
      readdirSync(held, { recursive: true, encoding: "utf8" })
        .map((name) => [name, statSync(join(held, name)).mtimeMs] as const)
        .sort();
    const before = files();
    expect(before.map(([name]) => name)).toContain("run.json");
    let out = "";
    const command = ["train", held, "--dry-run", "--json", "--set", "rollout.maxNewTokens=12"];
    expect(await runCommandLine(command, { out: (more) => (out += more), err: () => {} })).toBe(0);
    const { run, time } = JSON.parse(out) as DryRun;
    expect(run.steps).toBe(1);
    // 4 prompts of 3 answers of 12 tokens, of which the last is not read.
    const { promptTokens, trainedTokens } = time!.work;
    expect(trainedTokens - promptTokens).toBe(4 * 3 * 11);
    expect(files()).toEqual(before);
  }, 60_000);

  it.each([
    [0.4, false],
    [null, false],
    [7.24, true],
  ])("says what else the machine did: a load of %s", async (load, isSaid) => {
    const text = formatTime({ ...someTime, load }, await tinyRun(folder, "load", 3));
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
