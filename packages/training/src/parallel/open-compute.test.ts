import { existsSync, readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { createLearner, TrainingDivergedError, type TrainingRow } from "@v-triune/grpo";
import { createVlm, randomWeights, type Qwen25VlConfig, type VlmPolicy, type TokenizedRollout } from "@v-triune/policy";
import type { EngineCompletion, PreparedPrompt } from "@v-triune/rollouts";
import { checkRolloutEngine } from "@v-triune/rollouts/conformance";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { learnerConfig } from "../update/learner-config";
import type { Compute } from "../update/compute";
import { smallModelConfig } from "../testing/small-model-config";
import { openCompute } from "./open-compute";
import { startThread } from "../threads/start-thread";
import { physicalCores, workerCount } from "../threads/worker-count";

/** Smaller still, with a vision tower of two blocks: windows and full attention. */
const model: Qwen25VlConfig = {
  ...smallModelConfig,
  text: {
    ...smallModelConfig.text,
    hiddenSize: 24,
    intermediateSize: 20,
    numLayers: 2,
    headDim: 6,
    vocabSize: 60,
    maxPositionEmbeddings: 256,
    mropeSection: [1, 1, 1],
  },
  vision: {
    ...smallModelConfig.vision,
    depth: 2,
    hiddenSize: 16,
    intermediateSize: 12,
    numHeads: 2,
    headDim: 8,
    outHiddenSize: 24,
    fullAttentionBlocks: [1],
  },
};
const config = resolveTrainingConfig(
  {
    model: "none",
    data: { train: "none" },
    optimizer: { lr: 1e-2, warmupRatio: 0 },
    algorithm: { entropyCoefficient: 0.01 },
  },
  "/",
);

const prompts = Array.from({ length: 6 }, (_, p): PreparedPrompt => {
  const words = Array.from({ length: 8 + p }, (_, t) => 10 + ((p * 31 + t * 17) % 45));
  const picture = p % 2 === 0;
  return {
    id: `prompt ${p}`,
    messages: [],
    text: "",
    sample: undefined as never,
    promptIds: Int32Array.from(picture ? [3, 5, 5, 5, 5, 4, ...words] : words),
    ...(picture
      ? {
          images: {
            pixelValues: Float32Array.from({ length: 16 * 1176 }, (_, i) => Math.sin(0.3 * i + p)),
            gridThw: [[1, 4, 4]] as const,
          },
        }
      : {}),
  };
});
const rows: TrainingRow<TokenizedRollout>[] = prompts.flatMap(({ promptIds, images }, p) =>
  Array.from({ length: 6 }, (_, s) => ({
    row: {
      promptIds,
      ...(images ? { images } : {}),
      group: p,
      completionIds: Int32Array.from({ length: 6 + ((5 * s) % 18) }, (_, t) => 10 + ((p * 13 + s * 7 + t * 29) % 45)),
    },
    advantage: Math.sin(1 + p * 6 + s),
  })),
);

interface Opened {
  readonly policy: VlmPolicy;
  readonly compute: Compute;
  readonly threads: Worker[];
  readonly problems: string[];
}

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function open(workers: number, options: { trainVision?: boolean; adapter?: boolean } = {}): Promise<Opened> {
  const freeze = options.trainVision ? [] : (["vision", "connector"] as const);
  const policy = createVlm(model, randomWeights(model, { seed: 3, embeddingDeviation: 0.5 }), {
    freeze,
    ...(options.adapter ? { adapter: { rank: 2, seed: 1 } } : {}),
  });
  const own = options.trainVision
    ? {
        ...config,
        optimizer: {
          ...config.optimizer,
          groups: {
            ...config.optimizer.groups,
            vision: { lr: 1e-2, freeze: false },
            connector: { lr: 1e-2, freeze: false },
          },
        },
      }
    : config;
  const learner = createLearner(learnerConfig(own, policy));
  const [threads, problems]: [Worker[], string[]] = [[], []];
  const start: typeof startThread = async (name) => {
    const thread = await startThread(name);
    threads.push(thread);
    return thread;
  };
  const compute = await openCompute({
    policy,
    learner,
    config: own,
    backend: "wasm",
    workers,
    onProblem: (message) => problems.push(message),
    start,
  });
  opened.push(async () => {
    await compute.close();
    learner.dispose();
    policy.dispose();
  });
  return { policy, compute, threads, problems };
}

const weightsOf = (policy: VlmPolicy) =>
  policy.parameters.map(({ variable }) => variable.dataSync().slice() as Float32Array);

async function collect(compute: Compute, signal?: AbortSignal): Promise<string[]> {
  const found: EngineCompletion[] = [];
  const request = {
    n: 3,
    temperature: 1,
    topP: 1,
    topK: null,
    maxNewTokens: 20,
    seed: 7,
    ...(signal ? { signal } : {}),
  };
  for await (const completion of compute.engine.generate(prompts, request)) found.push(completion);
  return found
    .sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex)
    .map(
      ({ promptIndex, sampleIndex, tokenIds, logProbs }) =>
        `${promptIndex}.${sampleIndex} ${tokenIds.join()} ${logProbs?.join()}`,
    );
}

/** Two steps: what is generated, scored and learned, to the bit. */
async function twoSteps({ policy, compute }: Opened): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let step = 0; step < 2; step++) {
    found.push(
      await collect(compute),
      await compute.logProbs(rows.map(({ row }) => row)),
      await compute.update(rows),
      weightsOf(policy),
    );
  }
  return found;
}

describe("computing with several threads", () => {
  beforeAll(async () => {
    await selectBackend({ prefer: "wasm" });
  });

  it.each([
    [3, {}],
    [2, { trainVision: true }],
    [2, { adapter: true }],
  ])("gives the bits of one thread: %i workers, %o", async (workers, options) => {
    const expected = await twoSteps(await open(1, options));
    expect((expected[2] as { microBatches: number }).microBatches).toBeGreaterThan(2);
    expect(await twoSteps(await open(workers, options))).toEqual(expected);
  });

  it.each([1, 3])("answers as an engine must, with %i threads", async (workers) => {
    const { compute } = await open(workers);
    expect(await checkRolloutEngine(compute.engine, { prompts })).toEqual([]);
  });

  it("goes on with the rest when a thread ends, with the same results", async () => {
    const expected = await twoSteps(await open(1));
    const parallel = await open(3);
    const generation = collect(parallel.compute);
    void parallel.threads[0]!.terminate();
    expect(await generation).toEqual(expected[0]);
    expect(await parallel.compute.logProbs(rows.map(({ row }) => row))).toEqual(expected[1]);
    const update = parallel.compute.update(rows);
    void parallel.threads[1]!.terminate();
    expect(await update).toEqual(expected[2]);
    expect(weightsOf(parallel.policy)).toEqual(expected[3]);
    expect(await collect(parallel.compute)).toEqual(expected[4]);
    expect(parallel.problems.length).toBeGreaterThan(0);
    expect(parallel.problems.at(-1)).toContain("goes on with 1");
  });

  it("meets the error that a single thread meets, and leaves the weights", async () => {
    for (const workers of [1, 2]) {
      const { policy, compute } = await open(workers);
      const before = weightsOf(policy);
      const bad = rows.map((row, i) =>
        i === 20 || i === 30
          ? {
              ...row,
              advantage: new Float64Array(row.row.completionIds.length).fill(1.7e308),
              oldLogProbs: new Float64Array(row.row.completionIds.length).fill(-1e300),
            }
          : row,
      );
      const error = await compute.update(bad).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TrainingDivergedError);
      expect((error as TrainingDivergedError).number).toMatchObject({ kind: "loss" });
      expect((error as Error).message).toContain("update 1");
      expect(weightsOf(policy)).toEqual(before);
      expect((await compute.update(rows)).step).toBe(1);
    }
  });

  it("stops everywhere at a signal, and holds no tensor more after 20 steps", async () => {
    const { compute } = await open(2);
    const stop = new AbortController();
    const generation = collect(compute, stop.signal);
    stop.abort(new Error("enough"));
    await expect(generation).rejects.toThrow("enough");
    await twoSteps({ policy: { parameters: [] }, compute } as unknown as Opened);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) {
      await collect(compute);
      await compute.update(rows);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("the number of workers", () => {
  it("is that of the cores on a backend with one thread, and refused on others", async () => {
    await selectBackend({ prefer: "wasm" });
    expect(workerCount("auto")).toBe(Math.min(16, physicalCores()));
    expect(workerCount(3)).toBe(3);
    expect(physicalCores("/nowhere")).toBeGreaterThan(0);
  });

  it.skipIf(!existsSync("/proc/cpuinfo"))("counts two threads of a core once", () => {
    const siblings = /^siblings\s*:\s*(\d+)/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
    const cores = /^cpu cores\s*:\s*(\d+)/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
    if (siblings !== undefined && siblings === cores)
      expect(physicalCores()).toBeLessThanOrEqual(physicalCores("/nowhere"));
  });
});
