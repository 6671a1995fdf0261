/**
 * Training with a real `transformers serve` as its engine, on the demonstration's model. Needs Python with
 * `pip install "transformers[serving]" torchvision pillow`; PYTHON names it where it is not python3.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { heldOutQuestions, toSample, writeTrainingData } from "@v-triune/demo-tasks";
import { openRemoteEngine } from "@v-triune/engines";
import { type EngineCompletion, type RolloutEngine, createLocalEngine, createRandom } from "@v-triune/rollouts";
import { type TrainingEvent, configuredPromptMaker, loadModel, runTraining } from "@v-triune/training";
import { type TrainingConfig, resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoModelFolder } from "../../demo/run-demo";

const PYTHON = process.env["PYTHON"] ?? "python3";
const MODULES = ["torch", "torchvision", "PIL", "fastapi", "uvicorn", "openai", "transformers.cli.serving"];
const missing = spawnSync(
  PYTHON,
  [
    "-c",
    `import importlib.util as u\n` +
      `print(",".join(m for m in ${JSON.stringify(MODULES)} if u.find_spec(m.split(".")[0]) is None or ` +
      "u.find_spec(m) is None))",
  ],
  { encoding: "utf8" },
);
const why = missing.status === 0 ? missing.stdout.trim() : `${PYTHON}, or transformers 5`;
if (why !== "")
  console.warn(
    `skipped: training with transformers serve, without ${why} (pip install "transformers[serving]" torchvision ` +
      "pillow, or set PYTHON)",
  );

const folder = mkdtempSync(join(tmpdir(), "v-triune-serve-"));
let port = 0;
let server: ChildProcess | undefined;
let log = "";

async function start(): Promise<void> {
  const script = "from transformers.cli.transformers import main; main()";
  const home = join(folder, "home");
  mkdirSync(join(home, "hub"), { recursive: true });
  const child = spawn(
    PYTHON,
    ["-c", script, "serve", "--host", "127.0.0.1", "--port", String(port), "--device", "cpu", "--dtype", "float32"],
    {
      env: { ...process.env, HF_HUB_OFFLINE: "1", HF_HOME: home, OMP_NUM_THREADS: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  child.stdout.on("data", (text: Buffer) => (log += text.toString()));
  child.stderr.on("data", (text: Buffer) => (log += text.toString()));
  server = child;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`transformers serve ended:\n${log.slice(-2000)}`);
    if (
      await fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function stop(): Promise<void> {
  const child = server;
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

function config(name: string): TrainingConfig {
  return resolveTrainingConfig({
    model: demoModelFolder,
    data: { train: join(folder, "train.parquet") },
    run: { name, folder: join(folder, name), steps: 3, seed: 4 },
    rollout: { promptsPerStep: 3, n: 4, maxNewTokens: 44, engine: { servers: [`http://127.0.0.1:${port}`] } },
    promptPool: { enabled: false },
    optimizer: { lr: 3e-4, warmupRatio: 0 },
    monitor: { rollouts: { every: null } },
    backend: "wasm",
  });
}

describe.skipIf(why !== "")("transformers serve", { timeout: 180_000 }, () => {
  beforeAll(async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.once("listening", resolve));
    ({ port } = probe.address() as AddressInfo);
    await new Promise((resolve) => probe.close(resolve));
    await writeTrainingData(join(folder, "train.parquet"), 4, 1);
    await start();
  }, 120_000);
  afterAll(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("answers greedily what the policy here answers", async () => {
    await selectBackend({ prefer: "wasm" });
    const model = await loadModel({ init: "pretrained", path: demoModelFolder, adapter: null }, 1, {
      freeze: ["vision", "connector", "language"],
    });
    const remote = await openRemoteEngine({
      config: {
        kind: "auto",
        servers: [`http://127.0.0.1:${port}`],
        model: null,
        apiKeyEnv: null,
        parallel: null,
        timeout: 60,
        retries: 0,
        promptTokens: "error",
        staleWeights: "allow",
        weights: { sync: "none", folder: null, serverFolder: null },
      },
      processor: model.processor,
      endTokenIds: model.policy.config.eosTokenIds,
      temperature: 1,
      adapter: false,
      modelFolder: async () => demoModelFolder,
    });
    const makePrompt = await configuredPromptMaker(
      { promptPool: { enabled: false, file: null }, rollout: { maxPromptTokens: null, maxNewTokens: 8 } },
      model.processor,
    );
    const prompts = await Promise.all(
      heldOutQuestions(3).map(async ({ source, question }, at) =>
        makePrompt(await toSample(source, `q${at}`, question), `q${at}`, createRandom(1)),
      ),
    );
    const answers = async (engine: RolloutEngine): Promise<string[]> => {
      const all: EngineCompletion[] = [];
      for await (const answer of engine.generate(prompts, {
        n: 1,
        temperature: 0,
        topP: 1,
        topK: null,
        maxNewTokens: 64,
        seed: 1,
      }))
        all.push(answer);
      return all.sort((a, b) => a.promptIndex - b.promptIndex).map(({ tokenIds }) => tokenIds.join());
    };
    const [here, there] = [await answers(createLocalEngine(model.policy)), await answers(remote)];
    model.policy.dispose();
    expect(here.length).toBe(21);
    // Tokens, the end included, made again from the text; a tie that float32 breaks the other way may change one
    // answer.
    expect(there.filter((tokens, at) => tokens === here[at]).length).toBeGreaterThanOrEqual(20);
  });

  it("trains, each step on answers of the step before, and waits for the server when it dies", async () => {
    const events: TrainingEvent[] = [];
    let killed = false;
    const result = await runTraining(config("served"), {
      listen: (event) => {
        events.push(event);
        if (event.type !== "generating" || event.step !== 3 || event.done !== 4 || killed) return;
        killed = true;
        void stop().then(start);
      },
    });
    expect(result.step).toBe(3);
    expect(events.flatMap((event) => (event.type === "engine" ? [event.state] : []))).toEqual([
      "found",
      "waiting",
      "back",
    ]);
    const steps = readFileSync(join(folder, "served/metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { scope: string; metrics: Record<string, number> })
      .filter(({ scope }) => scope === "all")
      .map(({ metrics }) => metrics);
    expect(steps).toHaveLength(3);
    for (const metrics of steps) {
      expect(metrics).toMatchObject({ "rollout/stale": 0, "rollout/retokenised": 1, "rollouts/count": 12 });
      // What the model writes is split as it was drawn, nearly always.
      expect(metrics["rollout/retokenised_other_length"]).toBeLessThan(0.2);
      expect("rollout_corr/kl" in metrics).toBe(false);
    }
    expect(steps.some((metrics) => metrics["critic/rewards/mean"]! > 0)).toBe(true);
    const served = [...new Set([...log.matchAll(/Model: \S*(step-\d+)@main/g)].map(([, label]) => label))];
    expect(served).toEqual(expect.arrayContaining(["step-000000", "step-000001", "step-000002"]));
  });
});
