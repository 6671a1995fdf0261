import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { heap } from "../kernels/wasm/heap";
import { OwnMemory } from "../kernels/wasm/own-memory";
import { attachAdapter } from "../lora/adapter";
import { FeatureSource } from "../model/feature-source";
import { ModelWeights } from "../model/model-weights";
import { parameterShapes } from "../model/parameter-shapes";
import { randomWeights } from "../model/random-weights";
import type { PromptInput } from "../model/rollout-row";
import { useTestBackend } from "../testing/backend";
import { gridPicture, tinyConfig } from "../testing/tiny-model";
import type { Decoder } from "./decoder";
import { generateCompletions, type Completion } from "./generate";
import { KernelDecoder } from "./kernel-decoder";
import { TensorDecoder } from "./tensor-decoder";

beforeAll(useTestBackend);

const config = tinyConfig();
const prompts: PromptInput[] = [
  { promptIds: Int32Array.of(8, config.imageTokenId, config.imageTokenId, 11, 12), images: gridPicture(config, 2, 4, 1) },
  { promptIds: Int32Array.of(30, 31, 32, 33, 34, 35, 36) }, { promptIds: Int32Array.of(40) },
];

/** A model with an adapter that does something. */
function makeWeights(): { weights: ModelWeights; vision: FeatureSource } {
  const values = randomWeights(config, { seed: 9, embeddingDeviation: 0.3 });
  const weights = new ModelWeights(parameterShapes(config), ({ name }) => values.get(name), () => true);
  for (const { variable } of attachAdapter(weights, { rank: 2, seed: 1 }).parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.1)));
  return { weights, vision: new FeatureSource(weights, config.vision, false) };
}

async function collect(decoder: Decoder, { weights, vision }: ReturnType<typeof makeWeights>): Promise<Completion[]> {
  const out: Completion[] = [];
  const options = { n: 3, maxNewTokens: 40, seed: 2, stopTokenIds: [20, 21, 22], maxRows: 5, temperature: 1.3, repetitionPenalty: 1.1 };
  for await (const item of generateCompletions({ weights, config, vision, prompts, options, decoder })) out.push(item);
  return out.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
}

describe("decoders", () => {
  it("sample the same: ops of the backend, kernels on its heap, kernels in a memory of their own", async () => {
    const model = makeWeights();
    const before = tf.memory().numTensors;
    const expected = await collect(new TensorDecoder(model.weights, config, model.vision), model);
    expect(expected).toHaveLength(9);
    expect(new Set(expected.map(({ tokenIds }) => tokenIds.length)).size).toBeGreaterThan(2);
    for (const memory of [OwnMemory.open(), heap()]) {
      if (!memory) continue;
      const actual = await collect(new KernelDecoder(memory, model.weights, config, model.vision), model);
      expect(actual.map(({ tokenIds }) => tokenIds.join())).toEqual(expected.map(({ tokenIds }) => tokenIds.join()));
      actual.forEach(({ logProbs }, i) => logProbs.forEach((value, t) => expect(value).toBeCloseTo(expected[i]!.logProbs[t]!, 4)));
    }
    expect(tf.memory().numTensors).toBe(before);
    model.weights.dispose();
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
    for (const [address, floats, value] of addresses) expect(memory.floats(address, floats).every((x) => x === value)).toBe(true);
    memory.free(addresses[0]![0]);
    expect(memory.allocate(90)).toBe(addresses[0]![0]);
    expect(memory.allocate(90)).not.toBe(addresses[0]![0]);
  });

  it("says so when there is no more", () => expect(() => OwnMemory.open()!.allocate(2 ** 30 + 1)).toThrow(/out of memory[^]*rows generated at once/));
});
