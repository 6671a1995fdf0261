/**
 * Training and generation speed of small models on one backend: node tools/run.mjs packages/policy/src/policy.bench.ts
 * [wasm|tensorflow [peer]]. Prints one JSON line per measurement; "peer" leaves out all but the comparison with
 * PyTorch.
 */
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { benchmarkConfig, gridPicture } from "./testing/tiny-model";
import { randomWeights, type PromptInput, type VlmConfig, type TokenizedRollout } from "./index";
import { heap } from "./kernels/wasm/heap";
import { multiply as multiplyInMemory } from "./kernels/wasm/matrix-product";
import { createVlm, readModelConfig } from "./folder/read-model";

const now = (): number => performance.now();

/** The fastest of some repetitions, after one that warms up, in ms. */
async function fastest(times: number, body: () => Promise<void> | void): Promise<number> {
  let best = Infinity;
  for (let i = 0; i <= times; i++) {
    const start = now();
    await body();
    if (i > 0) best = Math.min(best, now() - start);
  }
  return best;
}

function report(record: Record<string, unknown>): void {
  console.log(JSON.stringify({ backend: tf.getBackend(), ...record }));
}

/** Forward and backward of the mean log-probability over all rows. */
function trainStep(policy: ReturnType<typeof createVlm>, rows: readonly TokenizedRollout[], width: number): void {
  const { value, grads } = tf.variableGrads(
    () => tf.tidy(() => tf.neg(tf.mean(policy.logProbs(rows, { width }).logProbs)) as tf.Scalar),
    policy.parameters.map(({ variable }) => variable),
  );
  value.dataSync();
  tf.dispose([value, grads]);
}

/** 8 texts of 320 tokens, all of them trained; 0.9 million parameters. */
async function plainTraining(): Promise<void> {
  const config = benchmarkConfig({ vocabSize: 512, intermediateSize: 384 });
  const policy = createVlm(config, randomWeights(config, { seed: 1 }), { freeze: ["vision", "connector"] });
  const rows = Array.from({ length: 8 }, (_, b): TokenizedRollout => ({
    promptIds: Int32Array.of(10 + b),
    completionIds: Int32Array.from({ length: 320 }, (_, t) => 20 + ((b * 7919 + t * 104729) % 480)),
    group: b,
  }));
  const ms = await fastest(5, () => trainStep(policy, rows, 320));
  report({
    what: "train, 8 texts × 320 tokens",
    parameters: policy.parameters.reduce((sum, { variable }) => sum + variable.size, 0),
    ms: Math.round(ms),
    tokensPerSecond: Math.round((8 * 320 * 1000) / ms),
  });
  policy.dispose();
  const products = stepProducts(config, 8, 320);
  const alone = await fastest(5, () => products.forEach(multiply));
  report({
    what: "its matrix products alone, in 2-D",
    ms: Math.round(alone),
    gigaflops: Math.round(products.reduce((sum, { m, n, k }) => sum + 2 * m * n * k, 0) / alone / 1e6),
    wholeStepOverProducts: Number((ms / alone).toFixed(2)),
  });
}

/** op(a) op(b), [m, k] by [k, n]; whether a or b lies transposed. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: boolean;
  readonly b: boolean;
}

/**
 * Products of the forward and the backward pass over texts of one length; of causal attention, the half that counts.
 */
function stepProducts({ text }: VlmConfig, texts: number, length: number): Product[] {
  // y = x Wᵀ, dx = dy W, dW = dyᵀ x, of m rows, n outputs, k inputs.
  const layer = (m: number, n: number, k: number): Product[] => [
    { m, n, k, a: false, b: true },
    { m, n: k, k: n, a: false, b: false },
    { m: n, n: k, k: m, a: true, b: false },
  ];
  const half = length / 2;
  const scores: Product = { m: length, n: half, k: text.headDim, a: false, b: true };
  const mixed: Product = { m: length, n: text.headDim, k: half, a: false, b: false };
  const perKey: Product = { m: half, n: text.headDim, k: length, a: true, b: false };
  // q kᵀ and do vᵀ; P v and dS k; Pᵀ do and dSᵀ q.
  const attention = Array.from({ length: texts * text.numHeads }, () => [
    scores,
    mixed,
    scores,
    mixed,
    perKey,
    perKey,
  ]).flat();
  const rows = texts * length;
  const { hiddenSize, intermediateSize } = text;
  const heads = text.numHeads * text.headDim;
  const block = [
    ...layer(rows, heads + 2 * text.numKeyValueHeads * text.headDim, hiddenSize),
    ...attention,
    ...layer(rows, hiddenSize, heads),
    ...layer(rows, 2 * intermediateSize, hiddenSize),
    ...layer(rows, hiddenSize, intermediateSize),
  ];
  return [...Array.from({ length: text.numLayers }, () => block).flat(), ...layer(rows, text.vocabSize, hiddenSize)];
}

/** Tensors of ones by shape. */
const operands = new Map<string, tf.Tensor2D>();

function operand(rows: number, columns: number): tf.Tensor2D {
  const key = `${rows} ${columns}`;
  if (!operands.has(key)) operands.set(key, tf.ones<tf.Rank.R2>([rows, columns]));
  return operands.get(key)!;
}

/** One product on the kernel that training uses. */
function multiply({ m, n, k, a, b }: Product): void {
  const left = a ? operand(k, m) : operand(m, k);
  const right = b ? operand(n, k) : operand(k, n);
  const host = heap();
  if (!host) return void tf.matMul(left, right, a, b).dispose();
  const scratch = host.scratch(host.kernels.gemmScratch());
  const product = host.run([[m, n]], (out) =>
    multiplyInMemory(host.kernels, {
      shape: [m, k, n],
      left: { address: host.address(left), stride: left.shape[1], transposed: a },
      right: { address: host.address(right), stride: right.shape[1], transposed: b },
      out: { address: out!, stride: n },
      scratch,
    }),
  );
  tf.dispose(product);
}

/** A demonstration's step: 14 pictures, 8 rollouts each, prompts of 25 and completions of 14 tokens. */
async function rolloutStep(): Promise<void> {
  const config = benchmarkConfig({ vocabSize: 176, intermediateSize: 256 });
  const policy = createVlm(config, randomWeights(config, { seed: 1 }), { freeze: ["vision", "connector"] });
  const prompts = Array.from({ length: 14 }, (_, p): PromptInput => ({
    promptIds: Int32Array.from({ length: 25 }, (_, i) =>
      i >= 4 && i < 13 ? config.imageTokenId : 10 + ((p * 31 + i * 17) % 150),
    ),
    images: gridPicture(config, 6, 6, p),
  }));
  const rows = prompts.flatMap((prompt, p) =>
    Array.from({ length: 8 }, (_, s): TokenizedRollout => ({
      ...prompt,
      group: p,
      completionIds: Int32Array.from({ length: 14 }, (_, t) => 10 + ((p * 13 + s * 7 + t * 29) % 150)),
    })),
  );
  const training = await fastest(5, () => trainStep(policy, rows, 14));
  const tokens = rows.reduce((sum, { promptIds, completionIds }) => sum + promptIds.length + completionIds.length, 0);
  report({
    what: "train, 14 pictures × 8 rollouts × (25 + 14) tokens",
    ms: Math.round(training),
    rowTokensPerSecond: Math.round((tokens * 1000) / training),
  });
  for (const maxNewTokens of [14, 64]) {
    const generating = await fastest(4, async () => {
      for await (const completion of policy.generate(prompts, { n: 8, maxNewTokens, seed: 1, stopTokenIds: [] }))
        void completion;
    });
    report({
      what: `generate, 112 rows × ${maxNewTokens} tokens`,
      ms: Math.round(generating),
      tokensPerSecond: Math.round((112 * maxNewTokens * 1000) / generating),
    });
  }
  policy.dispose();
}

/**
 * The model and the batches that docs/performance.md compares with PyTorch: 1.15 million parameters, all of them
 * trained. Text: generate 32 × 64 tokens after prompts of 32; forward and backward of 32 × 128. Pictures: forward and
 * backward of 32 prompts of 40 tokens, 16 of them those of a 112 × 112 picture, each its own.
 */
async function peerDimensions(): Promise<void> {
  const config = readModelConfig(join(resolve(import.meta.dirname, "../../.."), "tools/peers/tiny-qwen2_5_vl"));
  const policy = createVlm(config, randomWeights(config, { seed: 1 }));
  const variables = policy.parameters.map(({ variable }) => variable);
  const words = (b: number, length: number): Int32Array =>
    Int32Array.from({ length }, (_, t) => 7 + ((b * 7919 + t * 104729) % 590));

  const texts = Array.from({ length: 32 }, (_, b): PromptInput => ({ promptIds: words(b, 32) }));
  const generating = await fastest(12, async () => {
    for await (const completion of policy.generate(texts, { maxNewTokens: 64, seed: 1, stopTokenIds: [] }))
      void completion;
  });
  report({
    what: "peer: generate 32 × 64 tokens",
    ms: Math.round(generating),
    tokensPerSecond: Math.round((32 * 64 * 1000) / generating),
  });

  const rows = Array.from({ length: 32 }, (_, b): TokenizedRollout => ({
    promptIds: words(b, 1),
    completionIds: words(b + 32, 128),
    group: b,
  }));
  const training = await fastest(12, () => trainStep(policy, rows, 128));
  report({
    what: "peer: train 32 × 128 tokens",
    ms: Math.round(training),
    tokensPerSecond: Math.round((32 * 128 * 1000) / training),
  });

  const seeing = Array.from({ length: 32 }, (_, b): PromptInput => {
    const promptIds = words(b, 40).fill(config.imageTokenId, 4, 20);
    promptIds.set([config.visionStartTokenId], 3);
    return { promptIds, images: gridPicture(config, 8, 8, b) };
  });
  const looking = await fastest(12, () => {
    const { value, grads } = tf.variableGrads(
      () => tf.tidy(() => tf.mean(tf.square(policy.forward(seeing))) as tf.Scalar),
      variables,
    );
    value.dataSync();
    tf.dispose([value, grads]);
  });
  report({ what: "peer: forward and backward, 32 pictures of 112 × 112", tokens: 32 * 40, ms: Math.round(looking) });
  policy.dispose();
}

await selectBackend({ prefer: (process.argv[2] ?? "auto") as BackendName | "auto" });
if (process.argv[3] !== "peer") {
  await plainTraining();
  await rolloutStep();
}
await peerDimensions();
