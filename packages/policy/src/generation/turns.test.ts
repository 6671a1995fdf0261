import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { OwnMemory } from "../kernels/wasm/own-memory";
import { heap } from "../kernels/wasm/heap";
import { parameterShapes } from "../families/model-families";
import { FeatureSource } from "../model/feature-source";
import type { PromptInput, TokenizedRollout } from "../model/tokenized-rollout";
import { randomWeights } from "../policy/random-weights";
import { nodePlatform } from "../folder/node-platform";
import { createVlm } from "../folder/read-model";
import { useTestBackend } from "../testing/backend";
import { gridPicture, tinyConfig } from "../testing/tiny-model";
import { ModelWeights } from "../weights/model-weights";
import type { Decoder } from "./decoder";
import { DecodingMemory } from "./decoding-memory";
import {
  type EndedTurn,
  type GenerateOptions,
  type GeneratedCompletion,
  type TurnContinuation,
  generateCompletions,
} from "./generate";
import { KernelDecoder } from "./kernel-decoder";
import { WasmStepKernels } from "./wasm-step-kernels";
import { TensorDecoder } from "./tensor-decoder";

beforeAll(useTestBackend);

const config = tinyConfig();
const pad = config.imageTokenId;
const values = randomWeights(config, { seed: 9, embeddingDeviation: 0.3 });
const prompts: PromptInput[] = [
  { promptIds: Int32Array.of(8, pad, pad, 11, 12), images: gridPicture(config, 2, 4, 1) },
  { promptIds: Int32Array.of(30, 31, 32, 33, 34, 35, 36) },
];
const crop = gridPicture(config, 4, 2, 2);
const shown: TurnContinuation = { tokenIds: Int32Array.of(40, 41, pad, pad, 42), pictures: [crop] };
const told: TurnContinuation = { tokenIds: Int32Array.of(43, 44, 45) };

/** Up to three turns: a picture, then words; some answer late. */
function nextTurn({ promptIndex, sampleIndex, turn }: EndedTurn): ReturnType<NonNullable<GenerateOptions["nextTurn"]>> {
  if (turn >= 1 + (sampleIndex % 2)) return undefined;
  const next = turn === 0 ? shown : told;
  return promptIndex === 0 ? new Promise((resolve) => setTimeout(() => resolve(next), 5 * sampleIndex)) : next;
}

const options = {
  n: 4,
  maxNewTokens: 60,
  seed: 2,
  stopTokenIds: [20, 21, 22, 23, 24, 25],
  temperature: 1.2,
  nextTurn,
} satisfies GenerateOptions;

/** The completion as it is trained. */
function rowOf({ promptIndex, turns }: GeneratedCompletion): TokenizedRollout {
  const ids: number[] = [];
  const mask: number[] = [];
  for (const { tokenIds, continuation } of turns!) {
    const written = [...tokenIds].filter((id) => id !== pad && id !== config.videoTokenId);
    ids.push(...written, ...(continuation?.tokenIds ?? []));
    mask.push(...written.map(() => 1), ...Array.from(continuation?.tokenIds ?? [], () => 0));
  }
  return {
    ...prompts[promptIndex]!,
    completionIds: Int32Array.from(ids),
    responseMask: Uint8Array.from(mask),
    observations: turns!.flatMap(({ continuation }) => continuation?.pictures ?? []),
    group: promptIndex,
  };
}

async function sample(decoder: Decoder, weights: ModelWeights, vision: FeatureSource): Promise<GeneratedCompletion[]> {
  const out: GeneratedCompletion[] = [];
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

describe("completions of several turns", () => {
  it("are the same by every decoder, and their log-probabilities those of the whole conversation read at once", async () => {
    const weights = new ModelWeights(
      parameterShapes(config),
      ({ name }) => values.get(name),
      () => true,
    );
    const vision = new FeatureSource(weights, config, false);
    const compute = vi.spyOn(vision, "compute");
    const before = tf.memory().numTensors;
    const found = await sample(new TensorDecoder(weights, config, vision), weights, vision);
    // The crop, once for all rows, and the prompt's picture.
    expect(compute).toHaveBeenCalledTimes(2);
    expect(found.map(({ turns }) => turns!.length)).toEqual([2, 3, 2, 3, 2, 3, 2, 3]);
    for (const memory of [OwnMemory.open(), heap()]) {
      if (!memory) continue;
      const again = await sample(
        new KernelDecoder(new WasmStepKernels(memory, weights, config), weights, config, vision),
        weights,
        vision,
      );
      expect(again.map(({ tokenIds }) => tokenIds.join())).toEqual(found.map(({ tokenIds }) => tokenIds.join()));
    }
    expect(tf.memory().numTensors).toBe(before);
    weights.dispose();

    const policy = createVlm(config, values);
    const rows = found.map(rowOf);
    const width = Math.max(...rows.map(({ completionIds }) => completionIds.length));
    const logProbs = policy.logProbs(rows, { width, temperature: options.temperature });
    const computed = logProbs.logProbs.arraySync();
    rows.forEach(({ responseMask }, i) => {
      // Conversations in which the model wrote a placeholder itself were drawn with it.
      if (found[i]!.tokenIds.includes(pad) || found[i]!.tokenIds.includes(config.videoTokenId)) return;
      const written = computed[i]!.filter((_, t) => responseMask![t] === 1);
      written.forEach((value, t) => expect(value).toBeCloseTo(found[i]!.logProbs[t]!, 3));
      expect(computed[i]!.filter((_, t) => responseMask![t] === 0).every((value) => value === 0)).toBe(true);
    });
    expect(found.filter(({ tokenIds }) => !tokenIds.includes(pad)).length).toBeGreaterThan(4);
    tf.dispose(logProbs.logProbs);
    policy.dispose();
  });

  it("have the log-probabilities and gradients of plain sequences, rows of a prompt computed as one tree", () => {
    const policy = createVlm(config, values);
    const completion = Int32Array.of(50, 51, 20, 40, 41, pad, pad, 42, 52, 53, 20, 43, 44, 45, 54, 21);
    const mask = Uint8Array.from(completion, (_, t) => Number(t < 3 || (t > 7 && t < 11) || t > 13));
    const other = Int32Array.of(58, 20, 40, pad, pad, 59, 21);
    const otherMask = Uint8Array.of(1, 1, 0, 0, 0, 1, 1);
    const prompt = { ...prompts[0]!, group: 0 };
    const wide = gridPicture(config, 2, 4, 3);
    const rows: TokenizedRollout[] = [
      { ...prompt, completionIds: completion, responseMask: mask, observations: [crop] },
      { ...prompt, completionIds: other, responseMask: otherMask, observations: [wide] },
    ];
    const width = completion.length;
    const variables = policy.parameters.map(({ variable }) => variable);
    const tree = tf.variableGrads(() => tf.sum(policy.logProbs(rows, { width }).logProbs) as tf.Scalar, variables);
    /** All pictures in one sequence, without any sharing. */
    const plain = tf.variableGrads(() => {
      const sequences = rows.map(({ promptIds, images, completionIds, observations }) => ({
        promptIds: Int32Array.from([...promptIds, ...completionIds]),
        images: {
          pixelValues: Float32Array.from([...images!.pixelValues, ...observations![0]!.pixelValues]),
          gridThw: [...images!.gridThw, ...observations![0]!.gridThw],
        },
      }));
      const logProbs = tf.logSoftmax(policy.forward(sequences)) as tf.Tensor2D;
      const [total, vocabulary] = logProbs.shape;
      const wanted = new Float32Array(total * vocabulary);
      let first = 0;
      for (const { promptIds, completionIds, responseMask } of rows) {
        completionIds.forEach((id, t) => {
          if (responseMask![t] === 1) wanted[(first + promptIds.length + t - 1) * vocabulary + id] = 1;
        });
        first += promptIds.length + completionIds.length;
      }
      return tf.sum(tf.mul(logProbs, tf.tensor2d(wanted, [total, vocabulary]))) as tf.Scalar;
    }, variables);
    expect(tree.value.dataSync()[0]).toBeCloseTo(plain.value.dataSync()[0]!, 3);
    let largest = 0;
    for (const { name, variable } of policy.parameters) {
      const [a, b] = [tree.grads[variable.name]!.dataSync(), plain.grads[variable.name]!.dataSync()];
      const size = Math.max(...b.map(Math.abs), 1e-3);
      a.forEach((value, i) => (largest = Math.max(largest, Math.abs(value - b[i]!) / size)));
      expect(largest, name).toBeLessThan(2e-3);
    }
    // Prompt once, each completion without its last token.
    expect(policy.tokenCount(rows)).toBe(5 + 15 + 6);
    tf.dispose([tree.value, tree.grads, plain.value, plain.grads]);
    policy.dispose();
  });

  it("end when the tokens are used up, and by a continuation that fails", async () => {
    const policy = createVlm(config, values);
    const lengths: number[] = [];
    for await (const { tokenIds, finishReason, turns } of policy.generate(prompts, { ...options, maxNewTokens: 6 })) {
      lengths.push(tokenIds.length);
      if (finishReason === "length") expect(turns!.at(-1)!.continuation).toBeUndefined();
    }
    expect(lengths).toHaveLength(8);
    expect(Math.max(...lengths)).toBe(6);
    const failing = policy.generate(prompts, { ...options, nextTurn: () => Promise.reject(new Error("no tool")) });
    await expect(
      (async () => {
        for await (const _ of failing);
      })(),
    ).rejects.toThrow("no tool");
    const stopped = new AbortController();
    setTimeout(() => stopped.abort(), 20);
    const hanging = policy.generate(prompts, {
      ...options,
      signal: stopped.signal,
      nextTurn: () => new Promise(() => {}),
    });
    for await (const _ of hanging) expect(_.finishReason).toBe("length");
    policy.dispose();
  });
});
