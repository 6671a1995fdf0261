/**
 * Whole runs with rollouts from servers that speak SGLang's and vLLM's protocols (testing/rollout-stand-in.ts) and
 * answer with the weights they were handed: the log-probabilities that come back are the trainer's own only if those
 * are the right ones.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import type { RemoteEngineConfig } from "@v-triune/engines";
import { RolloutStandIn, type StandInOptions } from "@v-triune/engines/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";
import { tinyRun } from "../testing/tiny-run";
import { loadModel } from "../model/load-model";
import { runTraining } from "./run-training";
import type { TrainingEvent } from "../training-event";

const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-"));
const model = join(folder, "served");
let base: TrainingConfig;
const started: RolloutStandIn[] = [];

beforeAll(async () => {
  base = await tinyRun(folder, "base", 3);
  await selectBackend({ prefer: "wasm" });
  const loaded = await loadModel(base.model, 5);
  await loaded.policy.save(model);
  loaded.policy.dispose();
});
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(options: Omit<StandInOptions, "model">): Promise<RolloutStandIn> {
  const server = await RolloutStandIn.start({ model, ...options });
  started.push(server);
  return server;
}

/** A run whose weights move a lot at each update, so that those of another step are seen in the log-probabilities. */
function config(
  name: string,
  servers: readonly RolloutStandIn[],
  engine: Partial<RemoteEngineConfig> = {},
  adapter: { rank: number; alpha: number; targetModules: null } | null = null,
): TrainingConfig {
  return resolveTrainingConfig({
    ...(base as TrainingConfigInput),
    model: { init: "pretrained", path: model, adapter },
    data: { ...(base.data as TrainingConfigInput["data"]), eval: null },
    run: { ...base.run, name, folder: join(folder, name) },
    optimizer: {
      ...base.optimizer,
      lr: 0.02,
      groups: { language: { lr: 0.02 }, vision: { freeze: true }, connector: { freeze: true } },
      betas: [0.9, 0.999],
    },
    rollout: { ...base.rollout, engine: { ...engine, servers: servers.map(({ url }) => url) } },
  } as TrainingConfigInput);
}

const stepsOf = (name: string): Record<string, number>[] =>
  readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { scope: string; split: string; metrics: Record<string, number> })
    .filter(({ scope, split }) => scope === "all" && split === "train")
    .map(({ metrics }) => metrics);

const generations = ({ requests }: RolloutStandIn): number =>
  requests.filter((request) => request === "POST /generate" || request === "POST /v1/chat/completions").length;

function expectOwnWeights(steps: readonly Record<string, number>[]): void {
  for (const metrics of steps) {
    expect(metrics["rollout/stale"]).toBe(0);
    expect(Math.abs(metrics["rollout_corr/kl"]!)).toBeLessThan(1e-4);
    expect(metrics["rollout_corr/rollout_is_mean"]).toBeCloseTo(1, 3);
    expect(metrics["actor/grad_norm"]).toBeGreaterThan(0);
  }
}

describe("training with rollouts from a server", () => {
  it("SGLang: hands the weights over by disk, by version", async () => {
    const server = await serve({ protocol: "sglang" });
    const events: TrainingEvent[] = [];
    const result = await runTraining(config("sglang", [server]), { listen: (event) => events.push(event) });
    expect(result).toMatchObject({ step: 3, interrupted: false });
    expect(server.violations).toEqual([]);
    expectOwnWeights(stepsOf("sglang"));
    expect(server.requests.filter((request) => request === "POST /update_weights_from_disk")).toHaveLength(4);
    expect(events.find(({ type }) => type === "engine")).toMatchObject({
      state: "found",
      message: expect.stringMatching(
        /^Rollouts from SGLang 0\.5\.9 at .*: token ids and log-probabilities$/,
      ) as unknown,
    });
    // Nothing is left of what was handed over.
    expect(readdirSync(join(folder, "sglang"))).not.toContain("weights");
    expect(
      new Set(
        server.asked.map(({ sampling_params: sampling }) => (sampling as { sampling_seed: number }).sampling_seed),
      ).size,
    ).toBeGreaterThan(30);
  });

  it("vLLM: loads each LoRA adapter under a name of its own and unloads the one before", async () => {
    const server = await serve({ protocol: "vllm", mode: "lora", apiKey: "secret" });
    process.env["STAND_IN_KEY"] = "secret";
    await runTraining(
      config("lora", [server], { apiKeyEnv: "STAND_IN_KEY" }, { rank: 4, alpha: 8, targetModules: null }),
    );
    expect(server.violations).toEqual([]);
    expectOwnWeights(stepsOf("lora"));
    const names = [...new Set(server.asked.map(({ model: name }) => String(name)))].filter((name) => name !== model);
    expect(names.map((name) => name.replace(/-[0-9a-f]{6}-/, "-"))).toEqual([
      "lora-step-000000",
      "lora-step-000001",
      "lora-step-000002",
    ]);
    expect(server.requests.filter((request) => request === "POST /v1/unload_lora_adapter")).toHaveLength(3);
    // n answers of one request.
    expect(server.asked.at(-1)).toMatchObject({ n: 3, top_k: -1, repetition_penalty: 1 });
  });

  it("vLLM in development mode: reloads whole weights while it pauses", async () => {
    const server = await serve({ protocol: "vllm", mode: "dev" });
    await runTraining(config("reload", [server]));
    expect(server.violations).toEqual([]);
    expectOwnWeights(stepsOf("reload"));
    const after = server.requests.lastIndexOf("POST /pause");
    expect(server.requests.slice(after, after + 6).map((request) => request.slice(5))).toEqual([
      "/pause",
      "/collective_rpc",
      "/reset_prefix_cache",
      "/reset_encoder_cache",
      "/update_weight_version",
      "/resume",
    ]);
  });

  it("goes on when a server breaks off, restarts with its first weights, or dies for a while", async () => {
    const servers: RolloutStandIn[] = [];
    const server = await serve({
      protocol: "sglang",
      intervene: (request) => {
        if (request === 25) return "hang up";
        if (request === 28) return { status: 500, body: { error: { message: "CUDA error" } } };
        if (request !== 40) return undefined;
        // Gone in the middle of a step; back a while later, with the weights that it was started with.
        void servers[0]!.stop().then(() => setTimeout(() => void servers[0]!.restart(), 1500));
        return "hang up";
      },
    });
    servers.push(server);
    const events: TrainingEvent[] = [];
    const result = await runTraining(config("dies", [server], { parallel: 4 }), {
      listen: (event) => events.push(event),
    });
    expect(result.step).toBe(3);
    expect(events.flatMap((event) => (event.type === "engine" ? [event.state] : []))).toEqual([
      "found",
      "waiting",
      "back",
    ]);
    const steps = stepsOf("dies");
    expectOwnWeights(steps);
    // Each answer once, whatever was asked again.
    expect(steps.map((metrics) => metrics["rollouts/count"])).toEqual([12, 12, 12]);
    expect(steps.reduce((sum, metrics) => sum + metrics["rollout/engine_retries"]!, 0)).toBeGreaterThanOrEqual(3);
    expect(steps.reduce((sum, metrics) => sum + metrics["timing_s/engine_down"]!, 0)).toBeGreaterThan(1);
  });

  it("asyncLevel: 1 asks for the next step's answers before the update, by weights one step old", async () => {
    const server = await serve({ protocol: "vllm", mode: "lora" });
    const ahead = config("ahead", [server], {}, { rank: 4, alpha: 8, targetModules: null });
    const events: string[] = [];
    await runTraining(
      { ...ahead, rollout: { ...ahead.rollout, asyncLevel: 1 } },
      { listen: (event) => events.push(event.type === "generating" ? `answers ${event.step}` : event.type) },
    );
    expect(server.violations).toEqual([]);
    const asked = server.asked
      .map(({ model: name }) => /step-00000(\d)$/.exec(String(name))?.[1])
      .filter((step) => step !== undefined);
    // 4 requests of 3 answers a step: steps 1 and 2 by the first weights, step 3 by those of step 1.
    expect(asked.slice(-12)).toEqual(["0", "0", "0", "0", "0", "0", "0", "0", "1", "1", "1", "1"]);
    const steps = stepsOf("ahead");
    expect(steps.map((metrics) => metrics["rollout/weights_age"])).toEqual([0, 1, 1]);
    expect(steps.map((metrics) => metrics["rollout/stale"])).toEqual([0, 0, 0]);
    expect(Math.abs(steps[0]!["rollout_corr/kl"]!)).toBeLessThan(1e-4);
    for (const metrics of steps.slice(1)) expect(Math.abs(metrics["rollout_corr/kl"]!)).toBeGreaterThan(1e-4);
    expect(events.lastIndexOf("answers 2")).toBeLessThan(events.indexOf("step"));
  });

  it("asyncLevel: 1 refuses a server that gives no log-probabilities", async () => {
    const server = await serve({ protocol: "vllm" });
    const text = config("text", [server], {
      kind: "openai",
      staleWeights: "allow",
      weights: { sync: "none", folder: null, serverFolder: null },
    });
    await expect(runTraining({ ...text, rollout: { ...text.rollout, asyncLevel: 1 } })).rejects.toThrow(
      /needs the log-probabilities[^]*rollout\.asyncLevel/,
    );
  });

  it("spreads a step over the servers", async () => {
    const servers = [await serve({ protocol: "sglang" }), await serve({ protocol: "sglang" })];
    await runTraining({
      ...config("two", servers),
      run: { ...base.run, name: "two", folder: join(folder, "two"), steps: 1 },
    });
    const [one, other] = servers.map(generations) as [number, number];
    expect(Math.min(one, other)).toBeGreaterThan(12);
    expectOwnWeights(stepsOf("two"));
  });

  it("can be left while nobody answers, and goes on from there", async () => {
    const server = await serve({
      protocol: "sglang",
      intervene: (request) => (request === 40 ? (void server.stop(), "hang up") : undefined),
    });
    const controller = new AbortController();
    const interruption = {
      get requested() {
        return controller.signal.aborted;
      },
      signal: controller.signal,
    };
    const left = config("left", [server]);
    const result = await runTraining(left, {
      interruption,
      listen: (event) =>
        event.type === "engine" && event.state === "waiting" && setTimeout(() => controller.abort(), 20),
    });
    expect(result.interrupted).toBe(true);
    expect(result.step).toBeLessThan(3);
    await server.restart();
    const rest = await runTraining(left, { resume: true });
    expect(rest).toMatchObject({ step: 3, interrupted: false });
    expect(stepsOf("left")).toHaveLength(3);
  });

  it("refuses stale weights, or trains on them if told to", async () => {
    const server = await serve({ protocol: "sglang" });
    server.ignoresWeights = true;
    await expect(runTraining(config("stale", [server]))).rejects.toThrow(
      /does not hold the weights[^]*expected: stale-[0-9a-f]{6}-step-000000[^]*found: +default/,
    );
    const fixed = config("fixed", [server], {
      weights: { sync: "none", folder: null, serverFolder: null },
      staleWeights: "allow",
    });
    await runTraining(fixed);
    const steps = stepsOf("fixed");
    expect(steps.map((metrics) => metrics["rollout/stale"])).toEqual([0, 1, 1]);
    expect(steps.map((metrics) => metrics["rollout/weights_age"])).toEqual([0, 1, 2]);
    expect(Math.abs(steps[2]!["rollout_corr/kl"]!)).toBeGreaterThan(1e-3);
    await expect(
      runTraining({
        ...fixed,
        rollout: {
          ...fixed.rollout,
          engine: { ...(fixed.rollout.engine as RemoteEngineConfig), staleWeights: "error" },
        },
        run: { ...fixed.run, name: "fixed2", folder: join(folder, "fixed2") },
      }),
    ).rejects.toThrow("weights.sync: none");
  });

  it.each<[string, Omit<StandInOptions, "model">, Partial<RemoteEngineConfig>, RegExp]>([
    [
      "a server without the endpoints",
      { protocol: "vllm" },
      {},
      /does not have the endpoint[^]*\/pause[^]*VLLM_SERVER_DEV_MODE=1/,
    ],
    ["a wrong key", { protocol: "sglang", apiKey: "secret" }, {}, /can't be used[^]*HTTP 401[^]*apiKeyEnv/],
    [
      "other picture settings",
      { protocol: "sglang", maxPixels: 28 * 28 * 4 },
      {},
      /tokenize the same messages differently[^]*expected: +\d+ tokens, pictures included[^]*found: +\d+ tokens/,
    ],
    [
      "a way that does not fit",
      { protocol: "sglang" },
      { weights: { sync: "lora", folder: null, serverFolder: null } },
      /can't get to SGLang by "lora"/,
    ],
    [
      "a server that always fails",
      {
        protocol: "sglang",
        intervene: (request) =>
          request > 30 ? { status: 500, body: { error: { message: "out of memory" } } } : undefined,
      },
      { retries: 1 },
      /gives no answer to demo_[^]*HTTP 500: out of memory/,
    ],
  ])("says what is wrong with %s", async (name, options, engine, message) => {
    const server = await serve(options);
    await expect(runTraining(config(name.replace(/\W+/g, "-"), [server], engine))).rejects.toThrow(message);
  });

  it("tells of a prompt that the server makes otherwise, once, where that is allowed", async () => {
    const server = await serve({ protocol: "sglang", maxPixels: 28 * 28 * 4 });
    const warnings: string[] = [];
    const warned = config("warned", [server], { promptTokens: "warn" });
    await runTraining(
      { ...warned, run: { ...warned.run, steps: 1 } },
      { listen: (event) => event.type === "warning" && warnings.push(event.message) },
    );
    expect(warnings).toEqual([
      expect.stringMatching(/tokenize the same messages differently\. .* has \d+ tokens there and \d+ here/),
    ]);
  });
});
