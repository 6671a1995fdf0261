/**
 * What a second thread brings on wasm: whole updates (forward, backward, sum of gradients, AdamW, weights to the threads) of 8 texts
 * of 320 tokens, and generation of 64 × 64 tokens, on 0.9 million parameters; each number of workers in a process of its own, in turn.
 * npm run bench -- parallel
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { createVlm, randomWeights, type TokenizedRollout } from "@v-triune/policy";
import { resolveTrainingConfig } from "../config/load-training-config";
import { learnerConfig } from "../update/learner-config";
import { smallModelConfig } from "../testing/small-model-config";
import { openCompute } from "./open-compute";

const ROUNDS = 3;
const model = smallModelConfig;

interface Measured {
  readonly workers: number;
  readonly update: number;
  readonly generate: number;
  readonly megabytes: number;
}

async function fastest(times: number, body: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < times + 3; i++) {
    const start = performance.now();
    await body();
    if (i >= 3) best = Math.min(best, performance.now() - start);
  }
  return best;
}

async function measure(workers: number): Promise<Measured> {
  const backend = await selectBackend({ prefer: "wasm" });
  const policy = createVlm(model, randomWeights(model, { seed: 1 }), { freeze: ["vision", "connector"] });
  const config = resolveTrainingConfig(
    { model: "none", data: { train: "none" }, algorithm: { kl: { coefficient: 0 } } },
    "/",
  );
  const learner = createLearner(learnerConfig(config, policy));
  const compute = await openCompute({
    policy,
    learner,
    config,
    backend: backend.name,
    workers,
    onProblem: (message) => console.error(message),
  });
  const rows = Array.from({ length: 8 }, (_, b): TokenizedRollout => ({
    promptIds: Int32Array.of(10 + b),
    completionIds: Int32Array.from({ length: 320 }, (_, t) => 20 + ((b * 7919 + t * 104729) % 480)),
    group: b,
  }));
  const update = await fastest(12, () => compute.update(rows.map((row, i) => ({ row, advantage: Math.sin(1 + i) }))));
  const sample = { data_source: "", prompt: [] } as never;
  const prompts = Array.from({ length: 8 }, (_, p) => ({
    id: String(p),
    messages: [],
    text: "",
    sample,
    promptIds: Int32Array.from({ length: 24 }, (_, t) => 20 + ((p * 31 + t * 17) % 480)),
  }));
  const generate = await fastest(6, async () => {
    for await (const completion of compute.engine.generate(prompts, {
      n: 8,
      temperature: 1,
      topP: 1,
      topK: null,
      maxNewTokens: 64,
      seed: 1,
    }))
      void completion;
  });
  await compute.close();
  return { workers, update, generate, megabytes: process.resourceUsage().maxRSS / 1024 };
}

const [only] = process.argv.slice(2);
if (only !== undefined) console.log(JSON.stringify(await measure(Number(only))));
else {
  const found: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const workers of [1, 2]) {
      const { stdout } = spawnSync(
        process.execPath,
        [...process.execArgv, fileURLToPath(import.meta.url), String(workers)],
        { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" },
      );
      found.push(JSON.parse(stdout) as Measured);
    }
  }
  const best = (workers: number, pick: (each: Measured) => number) =>
    Math.min(...found.filter((each) => each.workers === workers).map(pick));
  for (const workers of [1, 2]) {
    const [update, generate, megabytes] = [
      best(workers, (each) => each.update),
      best(workers, (each) => each.generate),
      best(workers, (each) => each.megabytes),
    ];
    console.log(
      `${workers} worker${workers === 1 ? " " : "s"}  update ${update.toFixed(0)} ms, ${Math.round(2_560_000 / update)} tokens/s   generate ${generate.toFixed(0)} ms   peak ${megabytes.toFixed(0)} MB`,
    );
  }
  const ratio = (pick: (each: Measured) => number) => (best(1, pick) / best(2, pick)).toFixed(2);
  console.log(
    `2 against 1: training ${ratio((each) => each.update)} times, generation ${ratio((each) => each.generate)} times as fast`,
  );
}
