import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError, type BackendName, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { familyOf, parameterShapes } from "../families/model-families";
import { WeightsError } from "../input-error";
import type { TokenizedRollout } from "../model/tokenized-rollout";
import { goldenFolder } from "../parity/golden-folders";
import { gridPicture, tinyConfig } from "../testing/tiny-model";
import { floatToBfloat16 } from "../safetensors/dtype";
import { randomWeights } from "./random-weights";
import { type VlmOptions, type VlmPolicy } from "./vlm-policy";
import { readModelConfig, loadVlm, createReplica, createVlm } from "../folder/read-model";
import { writeModelConfig } from "../folder/save-policy";
import { writeSafetensors } from "../folder/safetensors-writer";

const native = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const missing = native instanceof BackendError;
if (missing) console.warn("skipped on native TensorFlow, which is not installed");
const backends: readonly BackendName[] = missing ? ["wasm"] : ["tensorflow", "wasm"];

const config = tinyConfig();
const word = new Uint32Array(1);
function nearestBfloat16(value: number): number {
  word[0] = floatToBfloat16(value) << 16;
  return new Float32Array(word.buffer)[0]!;
}
/** Those of a bfloat16 checkpoint, in float32. */
const rounded = new Map(
  [...randomWeights(config, { seed: 3, embeddingDeviation: 0.5 })].map(([name, values]) => [
    name,
    values.map(nearestBfloat16),
  ]),
);
const adapter = { rank: 2, alpha: 4, seed: 5 } as const;
const picture = gridPicture(config, 4, 4, 1);
const prompt = {
  promptIds: Int32Array.of(8, ...Array.from({ length: 4 }, () => config.imageTokenId), 11, 12, 13),
  images: picture,
};
const rows: TokenizedRollout[] = [
  { ...prompt, completionIds: Int32Array.of(20, 21, 22, 23), group: 0 },
  { ...prompt, completionIds: Int32Array.of(30, 31), group: 0 },
  { promptIds: Int32Array.of(14, 15), completionIds: Int32Array.of(16, 17, 18), group: 1 },
];

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-bfloat16-"));
  const { storedName } = familyOf(config);
  writeModelConfig(folder, config);
  await writeSafetensors(
    join(folder, "model.safetensors"),
    parameterShapes(config).map(({ name, shape }) => ({
      name: storedName(name),
      shape,
      dtype: "BF16" as const,
      data: rounded.get(name)!,
    })),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that a policy computes: log-probabilities, entropies, gradients, sampled tokens. */
async function computed(policy: VlmPolicy) {
  // B of an adapter is 0 at first, and A would have no gradient.
  for (const { variable } of policy.parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.05)));
  const { value, grads } = tf.variableGrads(
    () => {
      const { logProbs, entropy } = policy.logProbs(rows, { width: 4, entropy: true, temperature: 0.9 });
      return tf.sum(tf.add(logProbs, entropy!)) as tf.Scalar;
    },
    policy.parameters.map(({ variable }) => variable),
  );
  const { logProbs } = policy.logProbs(rows, { width: 4 });
  const tokens: number[][] = [];
  for await (const { tokenIds, sampleIndex } of policy.generate([prompt], { n: 3, maxNewTokens: 6, seed: 4 }))
    tokens[sampleIndex] = [...tokenIds];
  const found = {
    objective: value.dataSync(),
    logProbs: logProbs.dataSync(),
    gradients: policy.parameters.map(({ name, variable }) => [name, grads[variable.name]!.dataSync()]),
    tokens,
    saved: await valuesOf(policy),
  };
  tf.dispose([value, logProbs, Object.values(grads)]);
  return found;
}

async function valuesOf(policy: VlmPolicy): Promise<unknown> {
  const out = mkdtempSync(join(folder, "saved-"));
  await policy.save(out, { adapter: "merged" });
  const again = await loadVlm(out);
  const values = again.parameters.map(({ name, variable }) => [name, variable.dataSync()]);
  again.dispose();
  return values;
}

describe.each(backends)("weights kept in bfloat16 on %s", (backend) => {
  beforeAll(() => selectBackend({ prefer: backend }));

  const cases: [string, VlmOptions][] = [
    ["under an adapter", { adapter }],
    ["under an adapter, with gradient checkpointing", { adapter, gradientCheckpointing: true }],
    ["under an adapter, with gradient checkpointing of MLPs", { adapter, gradientCheckpointing: "mlp" }],
    ["with the tower frozen", { freeze: ["vision", "connector"] }],
  ];
  // On wasm our kernels decode always.
  if (backend === "tensorflow")
    cases.push(
      ["decoded by the backend", { adapter, decodeWith: "backend" }],
      ["decoded by kernels", { adapter, decodeWith: "kernels" }],
    );
  it.each(cases)("compute what float32 weights of the same values compute, %s", async (_, options) => {
    const float32 = createVlm(config, rounded, options);
    const expected = await computed(float32);
    float32.dispose();
    const before = tf.memory().numTensors;
    for (const policy of [
      createVlm(config, rounded, { ...options, dtype: "bfloat16" }),
      await loadVlm(folder, { ...options, dtype: "bfloat16" }),
    ]) {
      expect(await computed(policy)).toEqual(expected);
      policy.dispose();
    }
    expect(expected.tokens).toHaveLength(3);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("take two bytes less for each number of a layer or of the embedding", () => {
    const bytes = (options: VlmOptions): number => {
      const before = tf.memory().numBytes;
      const policy = createVlm(config, rounded, { ...options, freeze: ["vision", "connector", "language"] });
      const after = tf.memory().numBytes;
      policy.dispose();
      return after - before;
    };
    // An odd number of columns makes no pairs; one of these tiny matrices has it.
    const halved = parameterShapes(config).filter(
      (shape) => shape.shape.length === 2 && shape.shape[1]! % 2 === 0 && !shape.name.includes("pos_embed"),
    );
    const values = halved.reduce((sum, { name }) => sum + rounded.get(name)!.length, 0);
    expect(bytes({}) - bytes({ dtype: "bfloat16" })).toBe(2 * values);
  });

  it.each(["qwen2_vl", "qwen3_vl"])("give the same logits and gradients in %s, its tower adapted, too", (name) => {
    const config = readModelConfig(join(goldenFolder(name)!, "base"));
    const weights = new Map(
      [...randomWeights(config, { seed: 5, embeddingDeviation: 0.3 })].map(([name, values]) => [
        name,
        values.map(nearestBfloat16),
      ]),
    );
    const row: TokenizedRollout = {
      promptIds: Int32Array.of(8, config.imageTokenId, config.imageTokenId, 11, 12),
      images: gridPicture(config, 2, 4, 1),
      completionIds: Int32Array.of(20, 21, 22),
      group: 0,
    };
    const [expected, found] = (["float32", "bfloat16"] as const).map((dtype) => {
      const policy = createVlm(config, weights, {
        dtype,
        adapter: { rank: 2, seed: 1, targetModules: ["q_proj", "down_proj", "qkv"] },
      });
      for (const { variable } of policy.parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.05)));
      const { value, grads } = tf.variableGrads(
        () => tf.sum(policy.logProbs([row], { width: 3 }).logProbs) as tf.Scalar,
        policy.parameters.map(({ variable }) => variable),
      );
      const all = [value, ...policy.parameters.map(({ variable }) => grads[variable.name]!)].map((tensor) => [
        ...tensor.dataSync(),
      ]);
      tf.dispose([value, ...Object.values(grads)]);
      policy.dispose();
      return all;
    });
    expect(found).toEqual(expected);
    expect(found!.flat().every(Number.isFinite)).toBe(true);
  });

  it("pass to replicas as they are", async () => {
    const policy = createVlm(config, rounded, { adapter, dtype: "bfloat16" });
    const replica = createReplica(policy.snapshot());
    expect(await computed(replica)).toEqual(await computed(policy));
    policy.dispose();
    replica.dispose();
  });
});

it("are refused by name on a backend that can't keep them", async () => {
  await selectBackend({ prefer: "cpu" });
  await expect(loadVlm(folder, { adapter, dtype: "bfloat16" })).rejects.toThrow(WeightsError);
  await expect(loadVlm(folder, { adapter, dtype: "bfloat16" })).rejects.toThrow(/native TensorFlow, or wasm/);
});
