/** Ctrl-C and bad surroundings, with the command as a user starts it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { demoModelConfig, writeDemoModelFolder, writeTrainingData } from "@v-triune/demo-tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoConfig } from "../demo/demo-config";

const bin = resolve(import.meta.dirname, "../../bin/v-triune.mjs");
const folder = mkdtempSync(join(tmpdir(), "v-triune-interrupted-"));
const configPath = join(folder, "train.json");
const runFolder = join(folder, "run");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const modelFolder = join(folder, "model");
  const trainData = join(folder, "train.parquet");
  await writeDemoModelFolder(modelFolder);
  await writeTrainingData(trainData, 2, 1);
  const base = demoConfig({
    seed: 1,
    steps: 500,
    backend: "wasm",
    samplesPerSource: 1,
    modelFolder,
    runFolder,
    trainData,
    evalData: trainData,
  });
  const model = {
    ...demoModelConfig,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
    vision_config: {
      ...demoModelConfig.vision_config,
      depth: 1,
      hidden_size: 48,
      intermediate_size: 64,
      num_heads: 3,
      out_hidden_size: 32,
      fullatt_block_indexes: [0],
    },
  };
  writeFileSync(
    configPath,
    JSON.stringify({
      ...base,
      model: { init: "random", config: model, tokenizer: modelFolder },
      data: { ...base.data, eval: [] },
      rollout: { ...base.rollout, promptsPerStep: 2, n: 2, maxNewTokens: 4 },
      update: { ...base.update, miniBatch: 2 },
      checkpoint: { every: null, keep: null },
    }),
  );
});

const train = (...args: string[]) =>
  spawnSync(process.execPath, [bin, "train", configPath, ...args], { encoding: "utf8", timeout: 100_000 });

describe("v-triune train", () => {
  it("finishes the step and saves at Ctrl-C, says how to go on, and goes on", async () => {
    const child = spawn(process.execPath, [bin, "train", configPath, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => {
      const before = out.includes('"type":"step"');
      out += chunk.toString();
      if (!before && out.includes('"type":"step"')) child.kill("SIGINT");
    });
    const code = await new Promise((done) => child.on("close", done));
    expect(err).toContain("Stopping after this step, then saving.");
    expect(code).toBe(130);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; step?: number });
    const { step } = events.find(({ type }) => type === "interrupted")!;
    expect(readdirSync(join(runFolder, "checkpoints"))).toEqual([`step-${String(step).padStart(6, "0")}`]);
    expect(existsSync(join(runFolder, "run.lock"))).toBe(false);

    const resumed = train("--resume", "--set", `run.steps=${step! + 1}`);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(resumed.stdout).toMatch(new RegExp(`Going on after step ${step} [\\s\\S]*Done after ${step! + 1} steps`));
  });

  it("refuses to begin a run where another one is, and leaves that as it is", () => {
    const before = readFileSync(join(runFolder, "metrics.jsonl"), "utf8");
    const { status, stderr, stdout } = train();
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^The run folder holds another run, which stays as it is\.\n {2}where: /);
    expect(readFileSync(join(runFolder, "metrics.jsonl"), "utf8")).toBe(before);
  });
});
