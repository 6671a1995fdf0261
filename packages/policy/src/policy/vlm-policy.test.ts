import * as tf from "@tensorflow/tfjs-core";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VlmConfig } from "../config/model-config";
import { parameterShapes } from "../families/model-families";
import { PromptError, WeightsError } from "../input-error";
import type { GradientCheckpointing } from "../kernels/checkpoint";
import { floatToBfloat16 } from "../safetensors/dtype";
import { useTestBackend } from "../testing/backend";
import { expectClose } from "../testing/gradient-check";
import { gridPicture, tinyConfig } from "../testing/tiny-model";
import { type VlmOptions, type VlmPolicy } from "./vlm-policy";
import { randomWeights } from "./random-weights";
import type { PromptInput, TokenizedRollout } from "../model/tokenized-rollout";
import type { GeneratedCompletion, GenerateOptions } from "../generation/generate";
import { writeModelConfig } from "../folder/save-policy";
import { openSafetensors, loadVlm, createVlm, createReplica } from "../folder/read-model";
import { writeSafetensors } from "../folder/safetensors-writer";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-policy-"));
  await useTestBackend();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = tinyConfig();
const weights = randomWeights(config, { seed: 3, embeddingDeviation: 0.5 });
const make = (options: VlmOptions = {}): VlmPolicy => createVlm(config, weights, options);

function prompt(seed: number, text: number, picture?: readonly [number, number]): PromptInput {
  const words = Array.from({ length: text }, (_, i) => 10 + ((seed * 31 + i * 17) % 40));
  if (!picture) return { promptIds: Int32Array.from(words) };
  const marks = Array.from({ length: (picture[0] * picture[1]) / 4 }, () => config.imageTokenId);
  return { promptIds: Int32Array.of(8, ...marks, ...words), images: gridPicture(config, picture[0], picture[1], seed) };
}

function completion(seed: number, length: number): Int32Array {
  return Int32Array.from({ length }, (_, t) => 10 + ((seed * 7 + t * 29) % 40));
}

async function collect(
  policy: VlmPolicy,
  prompts: readonly PromptInput[],
  options: Partial<GenerateOptions> = {},
): Promise<GeneratedCompletion[]> {
  const out: GeneratedCompletion[] = [];
  for await (const item of policy.generate(prompts, {
    maxNewTokens: 8,
    seed: 11,
    bannedTokenIds: [config.imageTokenId, config.videoTokenId],
    ...options,
  }))
    out.push(item);
  return out.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
}

describe("topTokens", () => {
  it("are the likeliest of each position, and logProbs gives their log-probabilities again", () => {
    const policy = make();
    const shared = prompt(1, 5, [4, 4]);
    const rows: TokenizedRollout[] = [
      { ...shared, completionIds: completion(1, 4), group: 0 },
      { ...prompt(2, 3), completionIds: completion(2, 6), group: 1, responseMask: Uint8Array.of(1, 1, 0, 0, 1, 1) },
      { ...shared, completionIds: completion(4, 5), group: 0 },
      { ...prompt(5, 4), completionIds: new Int32Array(0), group: 2 },
    ];
    const count = 3;
    const before = tf.memory().numTensors;
    const top = policy.topTokens(rows, count, 0.8);
    const ids = top.map((row) => row.ids);
    const tensors = policy.logProbs(rows, { width: 7, temperature: 0.8, candidates: { ids, count } });
    const found = [tensors.candidates!, tensors.logProbs].map((tensor) => tensor.dataSync());
    tf.dispose([tensors.candidates!, tensors.logProbs]);
    rows.forEach(({ completionIds, responseMask, ...asked }, row) => {
      const whole = { ...asked, promptIds: Int32Array.of(...asked.promptIds, ...completionIds) };
      const distributions = tf.tidy(() => tf.logSoftmax(tf.div(policy.forward([whole]), 0.8)));
      const logP = distributions.arraySync() as number[][];
      distributions.dispose();
      completionIds.forEach((id, t) => {
        const own = (values: ArrayLike<number>, start: number): number[] =>
          Array.from({ length: count }, (_, k) => values[start + k]!);
        const again = own(found[0]!, (row * 7 + t) * count);
        if (responseMask?.[t] === 0) return expect(again).toEqual([0, 0, 0]);
        const all = logP[asked.promptIds.length + t - 1]!;
        const likeliest = [...all.keys()].sort((a, b) => all[b]! - all[a]!).slice(0, count);
        expect(own(top[row]!.ids, t * count)).toEqual(likeliest);
        expectClose(
          again,
          likeliest.map((token) => all[token]!),
          1e-4,
          `row ${row}, token ${t}`,
        );
        expectClose(own(top[row]!.logProbs, t * count), again, 1e-5, "twice");
        expect(found[1]![row * 7 + t]).toBeCloseTo(all[id]!, 4);
      });
    });
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });
});

describe("logProbs", () => {
  const shared = prompt(1, 5, [4, 4]);
  const rows: TokenizedRollout[] = [
    { ...shared, completionIds: completion(1, 4), group: 0 },
    { ...prompt(2, 3), completionIds: completion(2, 6), group: 1 },
    { ...shared, completionIds: completion(3, 1), group: 0 },
    { ...shared, completionIds: completion(4, 5), group: 0 },
    { ...prompt(5, 4), completionIds: new Int32Array(0), group: 2 },
  ];

  /** Values and all gradients of Σ sin(place) · log p + cos(place) · entropy. */
  function evaluate(
    policy: VlmPolicy,
    batches: readonly (readonly TokenizedRollout[])[],
    width: number,
  ): { values: Float32Array; gradients: Map<string, Float32Array> } {
    const gradients = new Map<string, Float32Array>();
    const values: number[] = [];
    for (const batch of batches) {
      const place = batch.map((row) => rows.indexOf(row));
      if (batch.every(({ completionIds }) => completionIds.length === 0)) {
        // Nothing depends on a parameter, so tf.variableGrads would refuse.
        values.push(...Array.from({ length: 2 * batch.length * width }, () => 0));
        continue;
      }
      const { value, grads } = tf.variableGrads(
        () =>
          tf.tidy(() => {
            const { logProbs, entropy } = policy.logProbs(batch, { width, temperature: 0.7, entropy: true });
            values.push(...logProbs.dataSync(), ...entropy!.dataSync());
            const factor = (of: (x: number) => number): tf.Tensor =>
              tf.tensor2d(place.map((row) => Array.from({ length: width }, (_, t) => of(1 + row * 10 + t))));
            return tf.add(
              tf.sum(tf.mul(logProbs, factor(Math.sin))),
              tf.sum(tf.mul(entropy!, factor(Math.cos))),
            ) as tf.Scalar;
          }),
        policy.parameters.map(({ variable }) => variable),
      );
      for (const { name, variable } of policy.parameters) {
        // Without a picture in the batch, the vision tower has no gradient.
        const data = (grads[variable.name]?.dataSync() ?? new Float32Array(variable.size)) as Float32Array;
        const sum = gradients.get(name);
        gradients.set(name, sum ? sum.map((x, i) => x + data[i]!) : data.slice());
      }
      tf.dispose([value, grads]);
    }
    return { values: Float32Array.from(values), gradients };
  }

  it("is the same for rows that share a prompt and for each row alone, and so are its gradients", () => {
    const policy = make();
    const before = tf.memory().numTensors;
    const together = evaluate(policy, [rows], 6);
    // Copies of the pixels are other pictures, so nothing is shared.
    const apart = evaluate(
      policy,
      rows.map((row) => [row]),
      6,
    );
    const width = 6;
    rows.forEach((row, r) => {
      for (const [from, to] of [
        [r * width, r * 2 * width],
        [(rows.length + r) * width, r * 2 * width + width],
      ] as const)
        expectClose(together.values.slice(from, from + width), apart.values.slice(to, to + width), 2e-5, `row ${r}`);
      expect(
        together.values.slice(r * width + row.completionIds.length, (r + 1) * width).every((value) => value === 0),
      ).toBe(true);
    });
    for (const [name, gradient] of together.gradients) expectClose(gradient, apart.gradients.get(name)!, 5e-4, name);
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  it("says how many tokens it computes: shared prompts once, pictures by their placeholders, last tokens not", () => {
    const policy = make();
    const cost = (some: readonly TokenizedRollout[]): number => policy.tokenCount(some);
    expect(rows.map((row) => cost([row]))).toEqual([10 + 3, 3 + 5, 10, 10 + 4, 4]);
    expect(cost(rows)).toBe(10 + 3 + 0 + 4 + (3 + 5) + 4);
    expect(cost([rows[0]!, { ...rows[2]!, group: "other" }])).toBe(2 * 10 + 3);
    expect(cost([])).toBe(0);
    policy.dispose();
  });

  it("equals the log-softmax of the logits at each place", async () => {
    const policy = make();
    const row = rows[0]!;
    const sequence = { ...shared, promptIds: Int32Array.of(...row.promptIds, ...row.completionIds) };
    const whole = tf.tidy(() => tf.logSoftmax(policy.forward([sequence])));
    const expected = whole.arraySync() as number[][];
    whole.dispose();
    const { logProbs } = policy.logProbs([row], { width: 4 });
    (await logProbs.data()).forEach((value, t) =>
      expect(value).toBeCloseTo(expected[row.promptIds.length + t - 1]![row.completionIds[t]!]!, 4),
    );
    logProbs.dispose();
    policy.dispose();
  });

  it("leaves frozen groups out of parameters and gradients, with the same numbers for the rest", () => {
    const [whole, frozen] = [make(), make({ freeze: ["vision", "connector"] })];
    expect(new Set(frozen.parameters.map(({ group }) => group))).toEqual(new Set(["language"]));
    expect(whole.parameters.map(({ name }) => name)).toEqual(parameterShapes(config).map(({ name }) => name));
    const [a, b] = [evaluate(whole, [rows], 6), evaluate(frozen, [rows], 6)];
    for (const [name, gradient] of b.gradients) expectClose(gradient, a.gradients.get(name)!, 1e-5, name);
    whole.dispose();
    frozen.dispose();
  });

  it("keeps a third of the memory or less with checkpointing, for the same gradients", () => {
    const deep = { ...config, text: { ...config.text, numLayers: 12 }, vision: { ...config.vision, depth: 12 } };
    const values = randomWeights(deep, { seed: 8 });
    const measure = (gradientCheckpointing: GradientCheckpointing, options: VlmOptions = {}) => {
      const policy = createVlm(deep, values, { ...options, gradientCheckpointing });
      // Not the zeros that an adapter starts with.
      if (options.adapter)
        for (const { variable } of policy.parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.05)));
      const before = tf.memory();
      let bytes = 0;
      const { value, grads } = tf.variableGrads(
        () =>
          tf.tidy(() => {
            const loss = tf.mean(policy.logProbs(rows, { width: 6 }).logProbs) as tf.Scalar;
            bytes = tf.memory().numBytes - before.numBytes;
            return loss;
          }),
        policy.parameters.map(({ variable }) => variable),
      );
      const gradients = policy.parameters.map(
        ({ name, variable }) => [name, grads[variable.name]!.dataSync().slice() as Float32Array] as const,
      );
      tf.dispose([value, grads]);
      expect(tf.memory().numTensors).toBe(before.numTensors);
      policy.dispose();
      return { bytes, gradients };
    };
    type Measured = ReturnType<typeof measure>;
    for (const options of [{}, { adapter: { rank: 2, targetModules: ["q_proj", "down_proj"] } }]) {
      const [plain, partly, checkpointed] = ([false, "mlp", true] as const).map((mode) => measure(mode, options)) as [
        Measured,
        Measured,
        Measured,
      ];
      for (const { gradients } of [partly, checkpointed])
        for (const [i, [name, gradient]] of gradients.entries()) expect(gradient, name).toEqual(plain.gradients[i]![1]);
      expect(plain.bytes / checkpointed.bytes).toBeGreaterThan(3);
      expect(partly.bytes).toBeLessThan(plain.bytes);
      expect(partly.bytes).toBeGreaterThan(checkpointed.bytes);
    }
  });

  it("computes a picture once while nothing in the vision tower is trained, and again when it is", async () => {
    const value = async (policy: VlmPolicy): Promise<number> => {
      const { logProbs } = policy.logProbs([rows[0]!], { width: 4 });
      const first = (await logProbs.data())[0]!;
      logProbs.dispose();
      return first;
    };
    const [frozen, trained] = [make({ freeze: ["vision", "connector"] }), make()];
    const first = await value(frozen);
    // The pixels are not looked at a second time: other ones in the same array change nothing.
    const pixels = shared.images!.pixelValues;
    const kept = pixels.slice();
    const fresh = await value(trained);
    pixels.fill(0);
    expect(await value(frozen)).toBe(first);
    expect(await value(trained)).not.toBe(fresh);
    pixels.set(kept);
    frozen.dispose();
    trained.dispose();
  });

  it("leaks nothing over 50 steps and 50 generations", async () => {
    const policy = make();
    let before = 0;
    for (let step = 0; step < 51; step++) {
      if (step === 1) before = tf.memory().numTensors;
      const { value, grads } = tf.variableGrads(
        () => tf.tidy(() => tf.sum(policy.logProbs(rows, { width: 6 }).logProbs) as tf.Scalar),
        policy.parameters.map(({ variable }) => variable),
      );
      tf.dispose([value, grads]);
      await collect(policy, [shared, prompt(2, 3)], { n: 2, maxNewTokens: 2 });
    }
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  it("names what is wrong with a row", () => {
    const policy = make();
    const call =
      (row: TokenizedRollout, width = 6) =>
      () =>
        policy.logProbs([row], { width });
    expect(call({ ...prompt(1, 3), completionIds: completion(1, 7) })).toThrow("more than the width 6");
    expect(call({ promptIds: new Int32Array(0), completionIds: completion(1, 2) })).toThrow("A prompt is empty");
    expect(call({ promptIds: Int32Array.of(999), completionIds: completion(1, 2) })).toThrow(
      /not in the model's vocabulary[^]*999/,
    );
    expect(call({ ...prompt(1, 3), completionIds: Int32Array.of(config.imageTokenId, 12) })).toThrow(
      "visual placeholder",
    );
    expect(call({ ...prompt(1, 300), completionIds: completion(1, 2) })).toThrow(/at most 256 tokens[^]*301 tokens/);
    expect(call({ promptIds: shared.promptIds, completionIds: completion(1, 2) })).toThrow(PromptError);
    const pixels = { ...shared.images!, pixelValues: shared.images!.pixelValues.subarray(1) };
    expect(call({ ...shared, images: pixels, completionIds: completion(1, 2) })).toThrow("pixels do not fit the grid");
    policy.dispose();
  });
});

describe("generate", () => {
  const prompts = [prompt(1, 5, [4, 4]), prompt(2, 3), prompt(3, 9, [2, 6]), prompt(4, 1)];

  it("gives a row the same tokens whatever is generated beside it", async () => {
    const policy = make();
    const all = await collect(policy, prompts, { n: 3 });
    expect(all.map(({ promptIndex, sampleIndex }) => [promptIndex, sampleIndex])).toEqual(
      prompts.flatMap((_, p) => [0, 1, 2].map((s) => [p, s])),
    );
    const same = (some: readonly GeneratedCompletion[], others: readonly GeneratedCompletion[]): void => {
      expect(some.map(({ tokenIds }) => tokenIds.join())).toEqual(others.map(({ tokenIds }) => tokenIds.join()));
      // Native TensorFlow adds up in another order in another batch; our kernels do not.
      some.forEach(({ logProbs }, i) =>
        expectClose(logProbs, others[i]!.logProbs, tf.getBackend() === "wasm" ? 0 : 1e-6, `row ${i}`),
      );
    };
    same(await collect(policy, prompts, { n: 3, maxRows: 4, maxPrefillTokens: 1 }), all);
    same(
      await collect(policy, prompts.slice(0, 1), { n: 2 }),
      all.filter(({ promptIndex, sampleIndex }) => promptIndex === 0 && sampleIndex < 2),
    );
    expect(await collect(policy, prompts, { n: 3, seed: 12 })).not.toEqual(all);
    policy.dispose();
  });

  it("is shared out: replicas that take a part of the prompts, under their numbers, sample what one policy does", async () => {
    // A product's bits depend on how many rows it has where the backend is not ours.
    const shown = (logProb: number): string => (tf.getBackend() === "wasm" ? `${logProb}` : logProb.toFixed(3));
    const sample = async (from: VlmPolicy, numbers: readonly number[]) => {
      const found: string[] = [];
      for await (const { promptIndex, sampleIndex, tokenIds, logProbs } of from.generate(
        numbers.map((number) => prompts[number]!),
        { n: 2, maxNewTokens: 6, seed: 5, stopTokenIds: [], promptNumbers: numbers },
      )) {
        found.push(`${numbers[promptIndex]}.${sampleIndex}: ${tokenIds.join()} ${[...logProbs].map(shown).join()}`);
      }
      return found;
    };
    for (const adapter of [undefined, { rank: 2, seed: 3 }]) {
      const policy = make({ freeze: ["vision", "connector"], ...(adapter ? { adapter } : {}) });
      const replica = createReplica(structuredClone(policy.snapshot()));
      expect(replica.parameters.map(({ name }) => name)).toEqual(policy.parameters.map(({ name }) => name));
      const whole = await sample(policy, [0, 1, 2]);
      const { images } = prompts.find((prompt) => prompt.images)!;
      replica.rememberFeatures(images!, policy.knownFeatures(images!)!);
      expect(replica.knownFeatures(images!)).toBe(policy.knownFeatures(images!));
      expect([...(await sample(policy, [1])), ...(await sample(replica, [2, 0]))].sort()).toEqual(whole.sort());
      policy.dispose();
      replica.dispose();
    }
  });

  it("agrees with logProbs about what it sampled, past the first growth of the cache", async () => {
    const policy = make();
    const completions = await collect(policy, prompts, { n: 2, maxNewTokens: 70, temperature: 0.9, stopTokenIds: [] });
    expect(completions.every(({ finishReason, tokenIds }) => finishReason === "length" && tokenIds.length === 70)).toBe(
      true,
    );
    const { logProbs } = policy.logProbs(
      completions.map(({ promptIndex, tokenIds }) => ({ ...prompts[promptIndex]!, completionIds: tokenIds })),
      { width: 70, temperature: 0.9 },
    );
    expectClose(
      Float32Array.from(completions.flatMap((item) => [...item.logProbs])),
      (await logProbs.data()) as Float32Array,
      1e-4,
      "log-probabilities",
    );
    logProbs.dispose();
    policy.dispose();
  });

  it("ends at a stop token, which is part of the completion, and never samples banned ones", async () => {
    const policy = make();
    const stop = [10, 11, 12, 13, 14, 15, 16, 17];
    const completions = await collect(policy, prompts, {
      n: 4,
      maxNewTokens: 40,
      stopTokenIds: stop,
      bannedTokenIds: [20, 21, config.imageTokenId],
    });
    for (const { tokenIds, logProbs, finishReason } of completions) {
      expect(logProbs.length).toBe(tokenIds.length);
      expect(tokenIds.some((id) => id === 20 || id === 21)).toBe(false);
      const at = tokenIds.findIndex((id) => stop.includes(id));
      expect([at, finishReason]).toEqual(at < 0 ? [-1, "length"] : [tokenIds.length - 1, "stop"]);
    }
    expect(completions.some(({ finishReason }) => finishReason === "stop")).toBe(true);
    policy.dispose();
  });

  it("asks stopWhen after every token", async () => {
    const policy = make();
    const [first] = await collect(policy, prompts.slice(0, 1), {
      stopTokenIds: [],
      stopWhen: ({ tokenIds }) => tokenIds.length === 3,
    });
    expect([first!.tokenIds.length, first!.finishReason]).toEqual([3, "stop"]);
    policy.dispose();
  });

  it("leaves timers their turn, stops at a signal and frees everything", async () => {
    const policy = make();
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 0);
    expect(
      await collect(policy, prompts, { n: 2, maxNewTokens: 200, stopTokenIds: [], signal: controller.signal }),
    ).toEqual([]);
    for await (const item of policy.generate(prompts, { maxNewTokens: 30, seed: 1, stopTokenIds: [] })) {
      void item;
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  it("refuses impossible options, prompts without room, and weights that are not numbers", async () => {
    const policy = make();
    await expect(collect(policy, prompts, { n: 0 })).rejects.toThrow("n is 0");
    await expect(collect(policy, prompts, { temperature: -1 })).rejects.toThrow("temperature is -1");
    await expect(collect(policy, prompts, { stopTokenIds: [4000] })).rejects.toThrow("not in the model's vocabulary");
    await expect(collect(policy, [prompt(1, 250)], { maxNewTokens: 20 })).rejects.toThrow(/at most 256 tokens[^]*270/);
    const norm = policy.parameters.find(({ name }) => name === "model.norm.weight")!;
    tf.tidy(() => norm.variable.assign(tf.fill(norm.variable.shape, NaN)));
    await expect(collect(policy, prompts)).rejects.toThrow(/NaN or infinite logits[^]*model.norm.weight/);
    policy.dispose();
  });
});

describe("save and load", () => {
  const writeModel = async (
    name: string,
    sizes: Partial<Record<string, readonly number[]>> = {},
    leaveOut: readonly string[] = [],
    extra: readonly string[] = [],
    of: VlmConfig = config,
  ): Promise<string> => {
    const path = join(folder, name);
    rmSync(path, { recursive: true, force: true });
    const policy = createVlm(of, randomWeights(of, { seed: 5 }));
    await policy.save(path);
    policy.dispose();
    const entries = parameterShapes(of)
      .filter((shape) => !leaveOut.includes(shape.name))
      .map((shape) => {
        const size = sizes[shape.name] ?? shape.shape;
        return { name: shape.name, shape: size, data: new Float32Array(size.reduce((a, b) => a * b, 1)) };
      });
    await writeSafetensors(join(path, "model.safetensors"), [
      ...entries,
      ...extra.map((tensor) => ({ name: tensor, shape: [1], data: new Float32Array(1) })),
    ]);
    return path;
  };

  it("comes back bit for bit, with the files beside it", async () => {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    const policy = make();
    await policy.save(first);
    writeFileSync(join(first, "tokenizer.json"), "{}");
    const loaded = await loadVlm(first);
    expect(loaded.config).toEqual(config);
    await loaded.save(second);
    expect(readdirSync(second).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
    const reader = openSafetensors(second);
    for (const [name, values] of weights) expect(reader.readFloat32(name)).toEqual(values);
    reader.close();
    loaded.dispose();
    policy.dispose();
  });

  it("is half as large in bfloat16, each number rounded to the nearest", async () => {
    const path = join(folder, "halved");
    const policy = make();
    await policy.save(path, { dtype: "bfloat16" });
    policy.dispose();
    const reader = openSafetensors(path);
    for (const [name, values] of weights) {
      expect(reader.info(name).dtype).toBe("BF16");
      const words = Uint32Array.from(values, (value) => floatToBfloat16(value) << 16);
      expect(reader.readFloat32(name)).toEqual(new Float32Array(words.buffer));
    }
    reader.close();
    expect(JSON.parse(readFileSync(join(path, "config.json"), "utf8"))).toMatchObject({ torch_dtype: "bfloat16" });
  });

  it("reads names of transformers 5's memory, and a head that a tied model carries along", async () => {
    const path = await writeModel("memory-names");
    const entries = [...weights].map(([name, data]) => ({
      name: name.startsWith("visual.")
        ? `model.${name}`
        : name.startsWith("model.")
          ? `model.language_model.${name.slice(6)}`
          : name,
      shape: parameterShapes(config).find((shape) => shape.name === name)!.shape,
      data,
    }));
    await writeSafetensors(join(path, "model.safetensors"), [
      ...entries,
      {
        name: "lm_head.weight",
        shape: [config.text.vocabSize, config.text.hiddenSize],
        data: weights.get("model.embed_tokens.weight")!,
      },
    ]);
    const policy = await loadVlm(path);
    expect(await policy.parameters[0]!.variable.data()).toEqual(weights.get(policy.parameters[0]!.name));
    policy.dispose();
  });

  it("names a tensor that is missing, superfluous or of another shape", async () => {
    await expect(loadVlm(await writeModel("missing", {}, ["model.layers.1.mlp.up_proj.weight"]))).rejects.toThrow(
      /missing[^]*model\.layers\.1\.mlp\.up_proj\.weight/,
    );
    await expect(loadVlm(await writeModel("extra", {}, [], ["model.layers.9.mlp.up_proj.weight"]))).rejects.toThrow(
      /does not have[^]*layers\.9/,
    );
    await expect(loadVlm(await writeModel("shape", { "visual.merger.ln_q.weight": [7] }))).rejects.toThrow(
      /visual\.merger\.ln_q\.weight[^]*\[7\]/,
    );
    expect(() => createVlm(config, new Map())).toThrow(WeightsError);
    expect(() => createVlm(config, new Map([...weights, ["other", new Float32Array(1)]]))).toThrow("does not have");
    const before = tf.memory().numTensors;
    expect(() => createVlm(config, new Map([...weights].slice(0, 5)))).toThrow(WeightsError);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("keeps an untied head", async () => {
    const untied = { ...config, tieWordEmbeddings: false };
    const path = join(folder, "untied");
    const policy = createVlm(untied, randomWeights(untied, { seed: 6 }));
    await policy.save(path);
    writeModelConfig(path, untied);
    expect(openSafetensors(path).has("lm_head.weight")).toBe(true);
    policy.dispose();
  });
});

describe("an adapter", () => {
  const adapter = { rank: 2, targetModules: ["q_proj", "down_proj"], seed: 4 };
  const rows: TokenizedRollout[] = [{ ...prompt(1, 5, [4, 4]), completionIds: completion(1, 4) }];

  it("changes nothing at first, trains alone, and is found again as an adapter and merged", async () => {
    const [plain, policy] = [make(), make({ adapter })];
    const value = async (of: VlmPolicy): Promise<Float32Array> => {
      const { logProbs } = of.logProbs(rows, { width: 4 });
      const data = (await logProbs.data()) as Float32Array;
      logProbs.dispose();
      return data;
    };
    expectClose(await value(policy), await value(plain), 1e-6, "a new adapter");
    expect(policy.parameters.map(({ name }) => name)).toContain(
      "base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight",
    );
    expect(policy.parameters.every(({ name }) => /(q_proj|down_proj)\.lora_[AB]\.weight$/.test(name))).toBe(true);

    for (const { variable } of policy.parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.05)));
    const trained = await value(policy);
    expect(Math.abs(trained[0]! - (await value(plain))[0]!)).toBeGreaterThan(1e-3);
    const greedy = await collect(policy, [rows[0]!], { temperature: 0 });

    await plain.save(join(folder, "base"));
    await policy.save(join(folder, "adapter"));
    await policy.save(join(folder, "merged"), { adapter: "merged" });
    expect(readdirSync(join(folder, "adapter")).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect(existsSync(join(folder, "merged", "config.json"))).toBe(true);
    for (const [path, options] of [
      ["base", { adapter: { folder: join(folder, "adapter") } }],
      ["merged", {}],
    ] as const) {
      const again = await loadVlm(join(folder, path), options);
      expectClose(await value(again), trained, 1e-4, path);
      expect((await collect(again, [rows[0]!], { temperature: 0 }))[0]!.tokenIds).toEqual(greedy[0]!.tokenIds);
      again.dispose();
    }
    plain.dispose();
    policy.dispose();
  });

  it("refuses what it cannot do, by name", async () => {
    const before = tf.memory().numTensors;
    expect(() => make({ adapter: { rank: 0 } })).toThrow("rank is impossible");
    expect(() => make({ adapter: { rank: 2, targetModules: ["nothing_proj"] } })).toThrow("matches no layer");
    const untied = { ...config, tieWordEmbeddings: false };
    expect(() =>
      createVlm(untied, randomWeights(untied, { seed: 6 }), { adapter: { rank: 2, targetModules: ["lm_head"] } }),
    ).toThrow("output layer");
    const policy = make({ adapter });
    await policy.save(join(folder, "dora"));
    policy.dispose();
    writeFileSync(
      join(folder, "dora", "adapter_config.json"),
      JSON.stringify({
        peft_type: "LORA",
        r: 2,
        lora_alpha: 4,
        target_modules: ["q_proj", "down_proj"],
        use_dora: true,
      }),
    );
    expect(() => make({ adapter: { folder: join(folder, "dora") } })).toThrow(/use_dora[^]*not supported/);
    writeFileSync(
      join(folder, "dora", "adapter_config.json"),
      JSON.stringify({ peft_type: "LORA", r: 3, lora_alpha: 4, target_modules: ["q_proj", "down_proj"] }),
    );
    expect(() => make({ adapter: { folder: join(folder, "dora") } })).toThrow(/another shape[^]*lora_A/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
