import { BackendError, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVlm } from "../../folder/read-model";
import { randomWeights } from "../../policy/random-weights";
import { expectClose, waveNumbers } from "../../testing/gradient-check";
import { largeVocabularyConfig } from "../../testing/tiny-model";
import { attention } from "../attention";
import { attentionPlan, type AttentionHeads, type AttentionSegment } from "../attention-plan";
import { linear } from "../linear";
import { rmsNorm } from "../rms-norm";
import { inverseFrequencies, rotaryTensors, rotaryValues } from "../rotary-values";
import { swiglu } from "../swiglu";
import { tokenLogProbs } from "../token-log-probs";
import { linearWithAdditions } from "../linear-with-additions";
import { hasOwnOps, joinRows } from "./own-ops";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError || !hasOwnOps();
if (skips) console.warn("Skipping the ops that train: npx v-triune native install compiles them for this version.");

/** Values and gradients of every input, by a function that is either one op or TensorFlow's ops. */
function run(
  shapes: readonly (readonly number[])[],
  compute: (inputs: readonly tf.Variable[]) => tf.Tensor,
): Float32Array[] {
  const inputs = shapes.map((shape, i) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.tidy(() => tf.variable(tf.tensor(Float32Array.from(waveNumbers(size, i + 1)), [...shape])));
  });
  let values = new Float32Array(0);
  const { value, grads } = tf.variableGrads(() => {
    const out = compute(inputs);
    values = out.dataSync<"float32">().slice();
    const weights = tf.tensor(Float32Array.from(waveNumbers(out.size, 77)), out.shape);
    return tf.sum(tf.mul(out, weights)) as tf.Scalar;
  }, inputs);
  const found = [values, ...inputs.map(({ name }) => grads[name]!.dataSync<"float32">().slice())];
  tf.dispose([value, grads, inputs]);
  return found;
}

function expectSame(
  shapes: readonly (readonly number[])[],
  compute: (inputs: readonly tf.Variable[], inOneOp: boolean) => tf.Tensor,
): void {
  const before = tf.memory().numTensors;
  const [own, composed] = [true, false].map((inOneOp) => run(shapes, (inputs) => compute(inputs, inOneOp)));
  own!.forEach((values, i) =>
    expectClose(values, composed![i]!, 2e-5, i === 0 ? "values" : `gradient of input ${i - 1}`),
  );
  expect(run(shapes, (inputs) => compute(inputs, true))).toEqual(own);
  expect(tf.memory().numTensors).toBe(before);
}

const whole = (start: number, count: number, causal = true): AttentionSegment => ({
  start,
  count,
  prefixStart: 0,
  prefixCount: 0,
  causal,
});
const branch = (start: number, count: number, prefixStart: number, prefixCount: number): AttentionSegment => ({
  start,
  count,
  prefixStart,
  prefixCount,
  causal: true,
});

const grouped = { heads: 4, keyValueHeads: 2, headDim: 16 };
const attentions: readonly (readonly [string, readonly AttentionSegment[], AttentionHeads])[] = [
  ["a sequence of several tiles", [whole(0, 201)], grouped],
  ["packed sequences of different lengths", [whole(0, 1), whole(1, 65), whole(66, 64), whole(130, 7)], grouped],
  [
    "two prompts of several tiles with completions",
    [whole(0, 70), branch(70, 3, 0, 70), branch(73, 90, 0, 70), whole(163, 5), branch(168, 66, 163, 5)],
    grouped,
  ],
  ["a prefix that is part of a sequence", [whole(0, 130), branch(130, 9, 60, 40)], grouped],
  ["windows that see all of themselves", [whole(0, 64, false), whole(64, 30, false), whole(94, 130, false)], grouped],
  ["heads of an odd width", [whole(0, 80)], { heads: 3, keyValueHeads: 1, headDim: 10 }],
];

/** The addon, of which one kind of instructions after another is tried. */
interface TrainingAddon {
  readonly instructions: readonly string[];
  use(index: number): void;
}

const addon = skips ? undefined : (tf.backend() as unknown as { trainingAddon: TrainingAddon }).trainingAddon;
const instructions = addon?.instructions.map((name, index) => ({ name, index })) ?? [];

describe.skipIf(skips).each(instructions)("an op of ours, by $name", ({ index }) => {
  beforeAll(() => addon!.use(index));
  afterAll(() => addon!.use(instructions.length - 1));

  it.each(attentions)("attends as TensorFlow's ops do: %s", (_name, segments, sizes) => {
    const plan = attentionPlan(segments);
    const frequencies = inverseFrequencies(1e4, sizes.headDim);
    const rotary = rotaryTensors(rotaryValues(plan.rows, sizes.headDim / 2, (row, i) => row * frequencies[i]!));
    expectSame([[plan.rows, (sizes.heads + 2 * sizes.keyValueHeads) * sizes.headDim]], ([qkv], inOneOp) =>
      attention(tf.mul(qkv! as tf.Tensor2D, 3), rotary, plan, sizes, inOneOp),
    );
    tf.dispose([rotary.cos, rotary.sin]);
  });

  it.each([
    [1, 3],
    [65, 24],
    [130, 37],
  ])("norms and gates [%i, %i]", (rows, width) => {
    expectSame([[rows, width], [width]], ([x, weight], inOneOp) =>
      rmsNorm(x as tf.Tensor2D, weight as tf.Tensor1D, 1e-3, inOneOp),
    );
    expectSame([[rows, 2 * width]], ([packed], inOneOp) =>
      swiglu(tf.mul(packed! as tf.Tensor2D, 9) as tf.Tensor2D, inOneOp),
    );
  });

  it.each([
    [1, 3],
    [65, 24],
    [130, 37],
  ])("adds biases to [%i, %i], and sums their gradients", (rows, width) => {
    expectSame([[rows, 5], [width, 5], [2, 5], [width]], ([x, a, b, bias], inOneOp) =>
      linear(x as tf.Tensor2D, [a as tf.Tensor2D, b as tf.Tensor2D], [bias as tf.Tensor1D, null], { oneDnn: inOneOp }),
    );
  });

  it.each([
    [1, 3, 1, false],
    [5, 24, 0.7, false],
    [3, 1037, 1, true],
    [6, 5003, 1.6, true],
  ] as const)("reads %i tokens' log-probabilities of %i", (rows, vocabulary, temperature, entropy) => {
    const targets = Int32Array.from({ length: rows }, (_, i) => (i * 7919) % vocabulary);
    expectSame(
      [
        [rows, 6],
        [vocabulary, 6],
      ],
      ([hidden, head], inOneOp) => {
        const options = { temperature, entropy, inOneOp };
        return tokenLogProbs(tf.mul(hidden! as tf.Tensor2D, 4), head as tf.Variable<tf.Rank.R2>, targets, options);
      },
    );
  });

  it.each([
    ["log-probabilities alone", 1, false, 0],
    ["log-probabilities beside entropies", 1.3, true, 0],
    ["log-probabilities and entropies", 1.3, true, 0.7],
  ] as const)("finds gradients through a constant head, of %s", (_, temperature, entropy, factor) => {
    // Three chunks of rows.
    const [rows, vocabulary, width] = [40, 1_000_000, 2];
    const targets = Int32Array.from({ length: rows }, (_, i) => (i * 7919) % vocabulary);
    const head = tf.tensor2d(Float32Array.from(waveNumbers(vocabulary * width, 5)), [vocabulary, width]);
    const evaluate = (constant: boolean): Float32Array[] => {
      const numbersOfHidden = Float32Array.from(waveNumbers(rows * width, 9));
      const hidden = tf.tidy(() => tf.variable(tf.tensor2d(numbersOfHidden, [rows, width])));
      const weight = constant ? head : tf.variable(head);
      const { value, grads } = tf.variableGrads(() => {
        const found = tokenLogProbs(hidden, weight, targets, { temperature, entropy, inOneOp: true });
        const columns = tf.tensor2d(entropy ? [1, factor] : [1], [1, entropy ? 2 : 1]);
        return tf.sum(tf.mul(found, columns)) as tf.Scalar;
      }, [hidden]);
      const numbers = [value.dataSync<"float32">(), grads[hidden.name]!.dataSync<"float32">()];
      tf.dispose([value, grads, hidden, ...(constant ? [] : [weight])]);
      return numbers;
    };
    const before = tf.memory().numTensors;
    const [ahead, after] = [evaluate(true), evaluate(false)];
    ahead.forEach((numbers, i) => expectClose(numbers, after[i]!, 2e-5, `result ${i}`));
    expect(tf.memory().numTensors).toBe(before);
    head.dispose();
  });

  it("reads likely and unlikely tokens of a real vocabulary as double precision does", () => {
    const [rows, vocabulary, scale] = [4, 151_936, 2.5];
    const values = Float32Array.from(waveNumbers(rows * vocabulary, 3), (value) => 40 * value);
    const targets = Int32Array.of(0, 1, 77_777, 151_935);
    const head = tf.tensor2d(values, [vocabulary, rows]);
    const hidden: tf.Tensor2D = tf.eye(rows);
    const options = { temperature: scale, entropy: true, inOneOp: true };
    const found = tokenLogProbs(hidden, head, targets, options).dataSync<"float32">();
    for (let row = 0; row < rows; row++) {
      const z = Array.from({ length: vocabulary }, (_, i) => values[i * rows + row]! / scale);
      const most = z.reduce((a, b) => Math.max(a, b));
      const total = z.reduce((sum, one) => sum + Math.exp(one - most), 0);
      const weighted = z.reduce((sum, one) => sum + Math.exp(one - most) * (one - most), 0);
      expect(found[2 * row]).toBeCloseTo(z[targets[row]!]! - most - Math.log(total), 4);
      expect(found[2 * row + 1]).toBeCloseTo(Math.log(total) - weighted / total, 4);
    }
    expect(() => tokenLogProbs(hidden, head, Int32Array.of(0, 1, 2, vocabulary), options)).toThrow(RangeError);
    tf.dispose([head, hidden]);
  });

  it.each([1, 7, 130])("multiplies %i rows by oneDNN as TensorFlow's product does", (rows) => {
    const [weight, other] = [
      [21, 33],
      [9, 33],
    ];
    expectSame([[rows, 33], weight!, other!], ([x, ...weights], oneDnn) =>
      linear(x as tf.Tensor2D, weights as tf.Variable<tf.Rank.R2>[], [null, null], { oneDnn }),
    );
  });

  it.each([
    [1, 1],
    [7, 3],
    [130, 16],
    [67, 20],
  ])("adds to layers over %i rows by adapters of rank %i", (rows, rank) => {
    const [inputs, widths] = [37, [33, 9, 24]];
    const weights = widths.map((width, i) =>
      tf.tensor2d(Float32Array.from(waveNumbers(width * inputs, 20 + i)), [width, inputs]),
    );
    const bias = tf.tensor1d(Float32Array.from(waveNumbers(9, 30)));
    const biases = [null, bias, null];
    const shapes = [
      [rows, inputs],
      [rank, inputs],
      [33, rank],
      [5, inputs],
      [24, 5],
    ];
    expectSame(shapes, ([x, a, b, otherA, otherB], inOneOp) => {
      const additions = [
        { a: a as tf.Variable<tf.Rank.R2>, b: b as tf.Variable<tf.Rank.R2>, scale: 0.25 },
        undefined,
        { a: otherA as tf.Variable<tf.Rank.R2>, b: otherB as tf.Variable<tf.Rank.R2>, scale: 2 },
      ];
      if (inOneOp) return linearWithAdditions(x as tf.Tensor2D, weights, biases, additions, { oneDnn: true });
      const parts = additions.map((addition, i) => {
        const plain = tf.add(tf.matMul(x!, weights[i]!, false, true), biases[i] ?? 0);
        if (!addition) return plain;
        const { a, b, scale } = addition;
        return tf.add(plain, tf.mul(tf.matMul(tf.matMul(x!, a, false, true), b, false, true), scale));
      });
      return tf.concat(parts, 1);
    });
    tf.dispose([...weights, bias]);
  });

  it("joins matrices of any height, one below the other", () => {
    const parts = [1, 3001, 7, 2500].map((rows, i) =>
      tf.tensor2d(Float32Array.from(waveNumbers(rows * 37, 40 + i)), [rows, 37]),
    );
    const [own, composed] = [joinRows(parts), tf.concat2d(parts, 0)];
    expect(own.shape).toEqual(composed.shape);
    expect(own.dataSync()).toEqual(composed.dataSync());
    tf.dispose([...parts, own, composed]);
  });

  it("gives rows that are only seen 0, and computes those that see them", () => {
    const [rotary, sizes] = [rotaryTensors(rotaryValues(70, 4, () => 0)), { heads: 2, keyValueHeads: 1, headDim: 8 }];
    const qkv = tf.tensor2d(Float32Array.from(waveNumbers(70 * 32, 5)), [70, 32]);
    const plan = { rows: 70, segments: [branch(66, 4, 0, 66)] };
    const [own, composed] = [true, false].map((inOneOp) => attention(qkv, rotary, plan, sizes, inOneOp));
    expectClose(own!.dataSync().subarray(66 * 16), composed!.dataSync().subarray(66 * 16), 2e-5, "values");
    expect(
      own!
        .dataSync()
        .subarray(0, 66 * 16)
        .every((value) => value === 0),
    ).toBe(true);
    tf.dispose([rotary.cos, rotary.sin, qkv, own!, composed!]);
  });

  it("computes a hidden score of any size as hidden, and large ones without overflow", () => {
    const plan = attentionPlan([whole(0, 3)]);
    const rotary = rotaryTensors(rotaryValues(3, 4, () => 0));
    const qkv = tf.tensor2d(new Float32Array(3 * 24).fill(200), [3, 24]);
    const out = attention(qkv, rotary, plan, { heads: 1, keyValueHeads: 1, headDim: 8 }, true);
    expect([...out.dataSync()]).toEqual(Array.from({ length: 24 }, () => 200));
    tf.dispose([rotary.cos, rotary.sin, qkv, out]);
  });
});

it.skipIf(skips)("a model with a large vocabulary takes them, and keeps no tensor", () => {
  const config = largeVocabularyConfig();
  const policy = createVlm(config, randomWeights(config, { seed: 1 }));
  const row = { promptIds: Int32Array.of(10, 11), completionIds: Int32Array.of(12, 13, 14), group: 0 };
  const variables = policy.parameters.map(({ variable }) => variable);
  const before = tf.memory().numTensors;
  const kernelNames: string[] = [];
  const { binding } = tf.backend() as unknown as { binding: { executeOp(name: string, ...rest: unknown[]): unknown } };
  const original = binding.executeOp;
  binding.executeOp = (name, ...rest) => {
    kernelNames.push(name);
    return original(name, ...rest);
  };
  try {
    const { value, grads } = tf.variableGrads(
      () => tf.neg(tf.mean(policy.logProbs([row], { width: 3 }).logProbs)) as tf.Scalar,
      variables,
    );
    tf.dispose([value, grads]);
  } finally {
    binding.executeOp = original;
  }
  const count = (name: string): number => kernelNames.filter((one) => one === `VTriune${name}`).length;
  expect([count("Attention"), count("AttentionGradient"), count("Swiglu"), count("RmsNormGradient")]).toEqual([
    2, 2, 2, 5,
  ]);
  expect([count("LogProbs"), count("LogProbsGradient")]).toEqual([1, 1]);
  const { oneDnnProduct } = tf.backend() as { oneDnnProduct?: unknown };
  expect(kernelNames).not.toContain(oneDnnProduct ? "BatchMatMulV2" : "_MklMatMul");
  expect(tf.memory().numTensors).toBe(before);
  policy.dispose();
});
