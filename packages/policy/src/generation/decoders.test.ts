import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { heap } from "../kernels/wasm/heap";
import { KernelThreads } from "../kernels/wasm/kernel-threads";
import { OwnMemory } from "../kernels/wasm/own-memory";
import { attachAdapter } from "../lora/adapter";
import { FeatureSource } from "../model/feature-source";
import { ModelWeights } from "../weights/model-weights";
import { parameterShapes } from "../families/model-families";
import { randomWeights } from "../policy/random-weights";
import type { PromptInput } from "../model/tokenized-rollout";
import { useTestBackend } from "../testing/backend";
import { gridPicture, tinyConfig } from "../testing/tiny-model";
import type { Decoder } from "./decoder";
import { DecodingMemory } from "./decoding-memory";
import { generateCompletions, type GeneratedCompletion, type GenerateOptions } from "./generate";
import { KernelDecoder } from "./kernel-decoder";
import { WasmStepKernels } from "./wasm-step-kernels";
import { TensorDecoder } from "./tensor-decoder";
import { folderFiles } from "../folder/folder-files";
import { nodePlatform } from "../folder/node-platform";
import { createVlm } from "../folder/read-model";

beforeAll(useTestBackend);

const config = tinyConfig();
const prompts: PromptInput[] = [
  {
    promptIds: Int32Array.of(8, config.imageTokenId, config.imageTokenId, 11, 12),
    images: gridPicture(config, 2, 4, 1),
  },
  { promptIds: Int32Array.of(30, 31, 32, 33, 34, 35, 36) },
  { promptIds: Int32Array.of(40) },
];

/** A model with an adapter that does something. */
function makeWeights(): { weights: ModelWeights; vision: FeatureSource } {
  const values = randomWeights(config, { seed: 9, embeddingDeviation: 0.3 });
  const weights = new ModelWeights(
    parameterShapes(config),
    ({ name }) => values.get(name),
    () => true,
  );
  for (const { variable } of attachAdapter(weights, { rank: 2, seed: 1 }, folderFiles).parameters)
    tf.tidy(() => variable.assign(tf.add(variable, 0.1)));
  return { weights, vision: new FeatureSource(weights, config, false) };
}

async function collect(
  decoder: Decoder,
  { weights, vision }: ReturnType<typeof makeWeights>,
  others: Partial<GenerateOptions> = {},
): Promise<GeneratedCompletion[]> {
  const out: GeneratedCompletion[] = [];
  const options = {
    n: 3,
    maxNewTokens: 40,
    seed: 2,
    stopTokenIds: [20, 21, 22],
    maxRows: 9,
    temperature: 1.3,
    repetitionPenalty: 1.1,
    ...others,
  };
  for await (const item of generateCompletions({
    weights,
    config,
    vision,
    prompts,
    options,
    memory: new DecodingMemory(nodePlatform.threads),
    decoder,
  }))
    out.push(item);
  return out.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
}

describe("decoders", () => {
  it("sample the same: ops of the backend, kernels on its heap, in a memory of their own, and on several threads", async () => {
    const model = makeWeights();
    const before = tf.memory().numTensors;
    const expected = await collect(new TensorDecoder(model.weights, config, model.vision), model);
    expect(expected).toHaveLength(9);
    expect(new Set(expected.map(({ tokenIds }) => tokenIds.length)).size).toBeGreaterThan(2);
    const shared = OwnMemory.open(true)!;
    const threads = new KernelThreads(shared, 2);
    await vi.waitUntil(() => threads.ready === 3, { timeout: 20_000 });
    for (const [memory, others] of [
      [OwnMemory.open(), undefined],
      [shared, threads],
      [heap(), undefined],
    ] as const) {
      if (!memory) continue;
      const actual = await collect(
        new KernelDecoder(
          new WasmStepKernels(memory, model.weights, config, others),
          model.weights,
          config,
          model.vision,
        ),
        model,
      );
      expect(actual.map(({ tokenIds }) => tokenIds.join())).toEqual(expected.map(({ tokenIds }) => tokenIds.join()));
      actual.forEach(({ logProbs }, i) =>
        logProbs.forEach((value, t) => expect(value).toBeCloseTo(expected[i]!.logProbs[t]!, 4)),
      );
    }
    threads.close();
    expect(threads.ready).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
    model.weights.dispose();
  });

  it("sample the same over answers longer than what a step of TensorFlow's ops copies", async () => {
    const model = makeWeights();
    const before = tf.memory().numTensors;
    const options = { n: 2, maxNewTokens: 140, stopTokenIds: [] };
    const expected = await collect(
      new KernelDecoder(
        new WasmStepKernels(OwnMemory.open()!, model.weights, config),
        model.weights,
        config,
        model.vision,
      ),
      model,
      options,
    );
    const actual = await collect(new TensorDecoder(model.weights, config, model.vision), model, options);
    expect(actual.map(({ tokenIds }) => tokenIds.join())).toEqual(expected.map(({ tokenIds }) => tokenIds.join()));
    expect(actual.map(({ tokenIds }) => tokenIds.length)).toEqual([140, 140, 140, 140, 140, 140]);
    actual.forEach(({ logProbs }, i) =>
      logProbs.forEach((value, t) => expect(value).toBeCloseTo(expected[i]!.logProbs[t]!, 4)),
    );
    expect(tf.memory().numTensors).toBe(before);
    model.weights.dispose();
  });

  it("leave no tensor behind when a layer fails, in a prompt or in a step", () => {
    const { weights, vision } = makeWeights();
    const before = tf.memory().numTensors;
    for (const failing of ["prefill", "step"]) {
      const decoder = new TensorDecoder(weights, config, vision);
      const project = weights.project.bind(weights);
      const failLate = (): void => {
        let calls = 0;
        vi.spyOn(weights, "project").mockImplementation((...args) => {
          if (++calls > 5) throw new Error("out of memory");
          return project(...args);
        });
      };
      if (failing === "prefill") {
        failLate();
        expect(() => decoder.prefill(prompts.slice(1))).toThrow("out of memory");
      } else {
        const { handles } = decoder.prefill(prompts.slice(1));
        const rows = handles.map((handle) => decoder.addRow(handle));
        failLate();
        expect(() => decoder.step(rows, Int32Array.of(30, 40))).toThrow("out of memory");
      }
      vi.restoreAllMocks();
      decoder.dispose();
      expect(tf.memory().numTensors, failing).toBe(before);
    }
    weights.dispose();
  });

  it("are opened with threads where the work is worth it, and closed with the policy", async () => {
    const policy = createVlm(config, randomWeights(config, { seed: 9, embeddingDeviation: 0.3 }));
    const sample = async (threads: number): Promise<string[]> => {
      const out: string[] = [];
      for await (const { promptIndex, sampleIndex, tokenIds } of policy.generate(prompts, {
        n: 4,
        maxNewTokens: 30,
        seed: 3,
        stopTokenIds: [],
        threads,
      }))
        out.push(`${promptIndex}.${sampleIndex} ${tokenIds.join()}`);
      return out.sort();
    };
    expect(await sample(3)).toEqual(await sample(1));
    policy.dispose();
    const memory = new DecodingMemory(nodePlatform.threads);
    expect(memory.threadsFor(undefined, 1e6)).toBe(1);
    expect(memory.threadsFor(3, 1e6)).toBe(3);
    expect(new DecodingMemory(undefined).threadsFor(3, 1e12)).toBe(1);
    await expect(sample(0)).rejects.toThrow("threads is 0, expected a whole number from 1 on");
  });
});

describe("OwnMemory", () => {
  it("hands out blocks that do not overlap, uses freed ones again, and grows", () => {
    const memory = OwnMemory.open()!;
    const addresses = [100, 5, 100_000, 1_000_000].map((floats, i) => {
      const address = memory.allocate(floats);
      memory.floats(address, floats).fill(i + 1);
      return [address, floats, i + 1] as const;
    });
    for (const [address, floats, value] of addresses)
      expect(memory.floats(address, floats).every((x) => x === value)).toBe(true);
    memory.free(addresses[0]![0]);
    expect(memory.allocate(90)).toBe(addresses[0]![0]);
    expect(memory.allocate(90)).not.toBe(addresses[0]![0]);
  });

  it("gives nothing out twice after it ran out", () => {
    const memory = OwnMemory.open()!;
    memory.scratch(100);
    expect(() => memory.scratch(2 ** 30)).toThrow("out of memory");
    expect(memory.scratch(100)).not.toBe(memory.allocate(110));
  });

  it("says so when there is no more", () =>
    expect(() => OwnMemory.open()!.allocate(2 ** 30 + 1)).toThrow(/out of memory[^]*rows generated at once/));
});
