import { join } from "node:path";
import { BackendError, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it, vi } from "vitest";
import type { VlmConfig } from "../config/model-config";
import { parameterShapes } from "../families/model-families";
import { createVlm, readModelConfig } from "../folder/read-model";
import { Bfloat16Matrix, roundToBfloat16, fromBfloat16 } from "../kernels/bfloat16-matrix";
import { attachAdapter } from "../lora/adapter";
import { folderFiles } from "../folder/folder-files";
import { FeatureSource } from "../model/feature-source";
import type { PromptInput } from "../model/tokenized-rollout";
import { goldenFolder } from "../parity/golden-folders";
import { randomWeights } from "../policy/random-weights";
import { expectClose } from "../testing/gradient-check";
import { plainSampling } from "../testing/plain-sampling";
import { gridPicture, largeVocabularyConfig, tinyConfig } from "../testing/tiny-model";
import { ModelWeights } from "../weights/model-weights";
import type { Decoder } from "./decoder";
import { KernelDecoder } from "./kernel-decoder";
import { decodeAddon, type NativeStepOptions, NativeStepKernels } from "./native-step-kernels";
import { rowRandom } from "./row-random";
import { type SampledRow, TokenSampler } from "./sampler";
import { TensorDecoder } from "./tensor-decoder";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const addon = backend instanceof BackendError ? undefined : decodeAddon();
if (!addon)
  console.warn("Skipping the native kernels that decode: npx v-triune native install compiles them for this version.");

/** Sizes that no vector, block or task of the kernels divides. */
function oddConfig(): VlmConfig {
  const base = tinyConfig();
  return {
    ...base,
    text: {
      ...base.text,
      hiddenSize: 1036,
      intermediateSize: 1054,
      numHeads: 4,
      numKeyValueHeads: 2,
      headDim: 74,
      mropeSection: [11, 13, 13],
    },
    vision: { ...base.vision, outHiddenSize: 1036 },
  };
}

interface Model {
  readonly config: VlmConfig;
  readonly weights: ModelWeights;
  readonly vision: FeatureSource;
}

function makeModel(config: VlmConfig, { half = false, adapter = false } = {}): Model {
  const values = randomWeights(config, { seed: 9, embeddingDeviation: 0.3 });
  const weights = new ModelWeights(
    parameterShapes(config),
    ({ name, shape }) => {
      const own = values.get(name);
      return own && half && shape.length === 2 && name.startsWith("model.") ? roundToBfloat16(own) : own;
    },
    () => true,
  );
  if (adapter)
    for (const { variable } of attachAdapter(weights, { rank: 2, seed: 1 }, folderFiles).parameters)
      tf.tidy(() => variable.assign(tf.add(variable, 0.1)));
  return { config, weights, vision: new FeatureSource(weights, config, false) };
}

const native = ({ config, weights, vision }: Model, options: NativeStepOptions = { threads: 2 }): Decoder =>
  new KernelDecoder(new NativeStepKernels(addon!, weights, config, options), weights, config, vision);

/** Logits of two prompts, one with a picture, and of `count` rows of each over some steps. */
function logits(decoder: Decoder, { config }: Model, count = 1): Float32Array[] {
  const prompts: PromptInput[] = [
    {
      promptIds: Int32Array.of(8, config.imageTokenId, config.imageTokenId, 11, 12),
      images: gridPicture(config, 2, 4, 1),
    },
    { promptIds: Int32Array.of(30, 31, 32) },
  ];
  const { handles, logits: first } = decoder.prefill(prompts);
  const rows = Array.from({ length: count }, () => handles.map((handle) => decoder.addRow(handle))).flat();
  const steps = [first.slice()];
  // Past the 32 tokens that a cache holds at first.
  for (let step = 0; step < 35; step++)
    steps.push(
      decoder
        .step(
          rows,
          Int32Array.from(rows, (_, i) => 20 + ((7 * i + step) % 30)),
        )
        .slice(),
    );
  decoder.dispose();
  return steps;
}

describe.skipIf(!addon)("native kernels", () => {
  const families = ["qwen2_vl", "qwen3_vl"].flatMap((name) => {
    const folder = goldenFolder(name);
    return folder === undefined ? [] : [[name, readModelConfig(join(folder, "base"))] as const];
  });
  it.each([["tiny", tinyConfig()], ["odd sizes", oddConfig()], ...families] as const)(
    "decode %s to the logits of TensorFlow's ops, with all instructions that the processor has",
    (_, config) => {
      const model = makeModel(config);
      const expected = logits(new TensorDecoder(model.weights, config, model.vision), model);
      for (const [index, name] of addon!.instructions.entries()) {
        addon!.use(index);
        logits(native(model, { threads: 1 }), model).forEach((step, i) =>
          expectClose(step, expected[i]!, 2e-4, `${name}, step ${i}`),
        );
      }
      model.weights.dispose();
    },
  );

  it("draw the tokens that the sampler draws, with its log-probabilities", () => {
    const model = makeModel(largeVocabularyConfig());
    const vocabulary = model.config.text.vocabSize;
    const logits = Float32Array.from({ length: 5 * vocabulary }, (_, i) => 6 * Math.sin(i * i) + Math.cos(3.7 * i));
    logits.fill(-Infinity, vocabulary, 2 * vocabulary).set([1, 1], 2 * vocabulary - 2);
    logits[3 * vocabulary + 5] = NaN;
    const sets = addon!.instructions.map((name, index) => {
      addon!.use(index);
      return { name, kernels: new NativeStepKernels(addon!, model.weights, model.config, { threads: 3 }) };
    });
    const rows = (): SampledRow[] =>
      Array.from({ length: 5 }, (_, i) => ({
        history: () => [],
        random: i === 4 ? () => 1 - 2 ** -32 : rowRandom(5, 0, i),
      }));
    const changes = [{}, { temperature: 0.7 }, { temperature: 0 }, { bannedTokenIds: [3, 90, 3] }, { topK: 9 }];
    for (const change of changes) {
      const sampler = new TokenSampler({ ...plainSampling, ...change });
      const expected = sampler.sampleRows(logits, rows());
      for (const { name, kernels } of sets) {
        const drawn = sampler.sampleRows(logits, rows(), (...given) => kernels.draw(...given));
        expected.forEach(({ token, logProb }, i) => {
          if (i === 3) return expect(drawn[i]!.logProb, `${name}, not a number`).toBeNaN();
          expect(drawn[i]!.token, `${name}, ${JSON.stringify(change)}, row ${i}`).toBe(token);
          expect(Math.abs(drawn[i]!.logProb - logProb)).toBeLessThan(1e-12);
        });
      }
    }
    for (const { kernels } of sets) kernels.dispose();
    model.weights.dispose();
  });

  it("compute adapters beside their matrices", () => {
    const model = makeModel(tinyConfig(), { adapter: true });
    const expected = logits(new TensorDecoder(model.weights, model.config, model.vision), model);
    logits(native(model), model).forEach((step, i) => expectClose(step, expected[i]!, 2e-4, `step ${i}`));
    model.weights.dispose();
  });

  it("give a row the same bits with any number of threads and of rows beside it", () => {
    const model = makeModel(oddConfig());
    const vocabulary = model.config.text.vocabSize;
    const wide = logits(native(model, { threads: 1 }), model, 7);
    expect(logits(native(model, { threads: 3 }), model, 7)).toEqual(wide);
    for (const count of [1, 2, 3, 4]) {
      logits(native(model, { threads: 2 }), model, count).forEach((step, i) =>
        expect(step, `${count} rows, step ${i}`).toEqual(wide[i]!.slice(0, step.length)),
      );
    }
    expect(wide[1]).toHaveLength(14 * vocabulary);
    model.weights.dispose();
  });

  it("read bfloat16 to the bits of float32 weights with the same values", () => {
    const half = makeModel(oddConfig(), { half: true });
    const values = new Map(
      [...randomWeights(half.config, { seed: 9, embeddingDeviation: 0.3 })].map(([name, own]) => [
        name,
        half.weights.matrix(name).shape.length === 2 && name.startsWith("model.")
          ? fromBfloat16(roundToBfloat16(own))
          : own,
      ]),
    );
    const weights = new ModelWeights(
      parameterShapes(half.config),
      ({ name }) => values.get(name),
      () => true,
    );
    const whole = { config: half.config, weights, vision: new FeatureSource(weights, half.config, false) };
    const widen = vi.spyOn(Bfloat16Matrix.prototype, "toFloat32");
    for (const count of [1, 3, 4, 5])
      expect(logits(native(half), half, count)).toEqual(logits(native(whole), whole, count));
    // The head, by far the largest, is read where it lies for a prompt's logits, too.
    const widened = (widen.mock.contexts as Bfloat16Matrix[]).map(({ shape }) => shape[0]);
    expect(widened).toContain(half.config.text.intermediateSize);
    expect(widened).not.toContain(half.config.text.vocabSize);
    widen.mockRestore();
    half.weights.dispose();
    weights.dispose();
  });

  it("go on with the weights they began with while an update replaces them, and leave nothing behind", () => {
    const model = makeModel(tinyConfig(), { adapter: true });
    const before = tf.memory().numTensors;
    const expected = logits(native(model), model);
    const decoder = native(model);
    const step = decoder.step.bind(decoder);
    vi.spyOn(decoder, "step").mockImplementation((...args) => {
      for (const { b } of model.weights.adapters.values())
        if (b instanceof tf.Variable) tf.tidy(() => b.assign(tf.mul(b, -3)));
      return step(...args);
    });
    expect(logits(decoder, model)).toEqual(expected);
    expect(tf.memory().numTensors).toBe(before);
    model.weights.dispose();
  });

  it("are what a policy decodes with unless the model is small, and end as completions of several turns do", async () => {
    const open = vi.fn(addon!.open);
    // The addon's own object is frozen.
    Object.assign(tf.backend(), { decodeAddon: { ...addon!, open } });
    const config = largeVocabularyConfig();
    const values = randomWeights(config, { seed: 3, embeddingDeviation: 0.3 });
    const sample = async (decodeWith: "auto" | "backend"): Promise<string[]> => {
      const policy = createVlm(config, values, { decodeWith });
      const out: string[] = [];
      const prompts = [{ promptIds: Int32Array.of(40, 41, 42) }];
      const nextTurn = ({ turn }: { turn: number }) => (turn < 2 ? { tokenIds: Int32Array.of(50, 51) } : undefined);
      const stopTokenIds = Array.from({ length: 40_000 }, (_, i) => 100 + i);
      for await (const row of policy.generate(prompts, { n: 3, maxNewTokens: 20, seed: 4, stopTokenIds, nextTurn }))
        out.push(`${row.sampleIndex} ${row.turns!.length} ${row.tokenIds.join()}`);
      policy.dispose();
      return out.sort();
    };
    const byOps = await sample("backend");
    expect(open).not.toHaveBeenCalled();
    expect(await sample("auto")).toEqual(byOps);
    expect(open).toHaveBeenCalledOnce();
    Object.assign(tf.backend(), { decodeAddon: addon });
    expect(byOps.some((row) => row.split(" ")[1] === "3")).toBe(true);
  });
});
