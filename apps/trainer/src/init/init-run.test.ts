import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeDemoModelFolder, writeTrainingData } from "@v-triune/demo-tasks";
import { loadTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../cli/run-command-line";
import { dryRun } from "../dry-run/dry-run";
import { initRun } from "./init-run";

const folder = mkdtempSync(join(tmpdir(), "v-triune-init-"));
const model = join(folder, "model");
const data = join(folder, "corpus/train.parquet");
const preset = "v-triune-on-policy";
beforeAll(async () => {
  await writeDemoModelFolder(model);
  await writeTrainingData(data, 2, 1);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("initRun", () => {
  it("writes a configuration that loads, named after its folder, with prompts that the data can fill", async () => {
    const made = await initRun({ folder: join(folder, "my run"), model, data, preset, memory: 64e9 });
    expect(made).toMatchObject({ samples: 14, file: join(folder, "my run/v-triune.yaml") });
    expect(made.sources).toHaveLength(7);
    const config = await loadTrainingConfig(join(folder, "my run"), [], folder);
    expect(config).toMatchObject({
      run: { name: "my run" },
      model: { path: model, adapter: null },
      // Half of what the model takes in all.
      rollout: { promptsPerStep: 8, n: 8, maxNewTokens: 128 },
      optimizer: { lr: 1e-6 },
    });
    expect(config.data.train[0]?.path).toBe(data);
    expect(readFileSync(made.file, "utf8")).toContain("# adapter: {rank: 16}");
    await expect(initRun({ folder: join(folder, "my run"), model, data, preset, memory: 64e9 })).rejects.toThrow(
      "stays as it is",
    );
  });

  it("takes smaller micro-batches, then an adapter, if memory is short, and says so if nothing helps", async () => {
    const configFor = async (name: string, memory: number) => {
      const made = await initRun({ folder: join(folder, name), model, data, preset, memory });
      return { memory: made.memory, config: await loadTrainingConfig(join(folder, name), [], folder) };
    };
    const roomy = await configFor("roomy", 64e9);
    expect(roomy.config.update.microBatchTokens).toBe(16_384);
    expect(roomy.memory).not.toContain("hardly fit");
    const tight = await configFor("tight", 1e6);
    expect(tight.config.model.adapter).toEqual({ rank: 16, alpha: 32, targetModules: null });
    expect(tight.config.update.microBatchTokens).toBe(2048);
    expect(tight.memory).toContain("hardly fit");
  });

  it("takes the test files of a corpus for evaluation", async () => {
    const corpus = join(folder, "split");
    for (const name of ["train_puzzle_a_14", "train_math_b_14", "test_puzzle_a_7"]) {
      await writeTrainingData(join(corpus, `${name}.parquet`), name.startsWith("train") ? 2 : 1, 1);
    }
    const made = await initRun({ folder: join(folder, "with test"), model, data: corpus, preset, memory: 64e9 });
    expect(made).toMatchObject({ samples: 28, testSamples: 7, warning: null });
    const config = await loadTrainingConfig(join(folder, "with test"), [], folder);
    expect(config.data.train.map(({ path }) => path)).toEqual([join(corpus, "train_*.parquet")]);
    expect(config.data.eval.map(({ path }) => path)).toEqual([join(corpus, "test_*.parquet")]);
    const glob = await initRun({
      folder: join(folder, "glob"),
      model,
      data: join(corpus, "*.parquet"),
      preset,
      memory: 64e9,
    });
    expect(glob.warning).toMatch(/would include test files: .*test_puzzle_a_7\.parquet/);
  });

  it("names what is missing", async () => {
    const text = { err: "" };
    const run = (...args: string[]) => runCommandLine(args, { out: () => {}, err: (more) => (text.err = more) });
    expect(await run("init", join(folder, "x"), "--model", model)).toBe(2);
    expect(text.err).toContain("needs --data");
    expect(await run("init", join(folder, "x"), "--model", folder, "--data", data)).toBe(2);
    expect(text.err).toContain("config.json");
    expect(existsSync(join(folder, "x"))).toBe(false);
  });
});

describe("a dry run", () => {
  it("shows the first prompt as the model sees it, sizes and tokens, and makes no run", async () => {
    await initRun({ folder: join(folder, "dry"), model, data, preset: "dapo", memory: 64e9 });
    const config = await loadTrainingConfig(
      join(folder, "dry"),
      ["algorithm.kl.coefficient=0.1", "update.miniBatch=8", "update.gradientCheckpointing=false"],
      folder,
    );
    const { text, time } = await dryRun(config, 1e6);
    expect(time).toBeNull();
    expect(text).toMatch(/^Run dry: 135 steps of 8 prompts x 16 answers, 135 updates/);
    expect(text).toMatch(/14 samples of 7 sources/);
    expect(text).toMatch(
      /demo_\w+\/\S+: \d+ tokens, \d+ of them of 1 picture \(\d+ x \d+ pixels\)\n {2}\| <\|im_start\|>/,
    );
    expect(text).toMatch(/\nTraining: 14 prompts of at most \d+ tokens \(demo_/);
    expect(text).not.toContain("left out");
    expect(text).toContain("reference model");
    expect(text).toContain("leave algorithm.kl.coefficient at 0");
    expect(existsSync(config.run.folder)).toBe(false);
  });

  it("says how many prompts are too long for the model, and which key decides it", async () => {
    await initRun({ folder: join(folder, "long"), model, data, preset, memory: 64e9 });
    const textWith = async (...overrides: string[]): Promise<string> => {
      const config = await loadTrainingConfig(
        join(folder, "long"),
        ["update.miniBatch=2", "rollout.promptsPerStep=2", ...overrides],
        folder,
      );
      return (await dryRun(config, 1e6)).text.replaceAll(/\s+/g, " ");
    };
    const roomy = await textWith();
    const longest = Number(/at most (\d+) tokens/.exec(roomy)![1]);
    expect(await textWith(`rollout.maxNewTokens=${256 - longest + 1}`)).toMatch(
      / \d+ of them (is|are) longer than \d+ tokens and will be left out: the model takes 256 .*Lower rollout\.maxNewTokens/,
    );
    expect(await textWith(`rollout.maxPromptTokens=${longest - 1}`)).toMatch(/Raise rollout\.maxPromptTokens/);
  });
});
