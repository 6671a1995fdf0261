import { BackendError, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { type AdamW, createAdamW } from "./adamw";
import { sumOfSquares, sumsOfSquares } from "./gradient-norms";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError || tf.getKernel("VTriuneAdamW", "tensorflow") === undefined;
if (skips) console.warn("Skipping AdamW in one pass: npx v-triune native install compiles it for this version.");

it.skipIf(skips)("steps over many parameters as the formula says, keeps shapes and no tensor", () => {
  const [size, learningRate, scale, lambda] = [(1 << 23) + 3, 0.01, 0.5, 0.1];
  const wave = (i: number, step: number): number => Math.fround(Math.sin(step * (i % 10_007)));
  const values = (count: number, step: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => wave(i, step));
  const large = tf.variable(tf.tensor2d(values(size, 0.3), [1, size]));
  const still = tf.variable(tf.tensor1d(values(5, 0.7)));
  const optimizer = createAdamW({ weightDecay: lambda });
  const before = tf.memory().numTensors;
  const slopes = [0.11, 0.23];
  for (const slope of slopes) {
    const gradient = tf.tensor2d(values(size, slope), [1, size]);
    optimizer.step(
      [
        { name: "large", variable: large, gradient, learningRate },
        { name: "still", variable: still, learningRate },
      ],
      scale,
    );
    gradient.dispose();
  }
  const expected = (i: number, step: number, gradients: readonly number[]): number => {
    let [p, m, v] = [wave(i, step), 0, 0];
    gradients.forEach((g, k) => {
      [m, v] = [0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g];
      p -= learningRate * lambda * p;
      p -= (learningRate * (m / (1 - 0.9 ** (k + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (k + 1))) + 1e-8);
    });
    return p;
  };
  expect(large.shape).toEqual([1, size]);
  const found = large.dataSync<"float32">();
  for (const i of [0, 1, 16_383, 16_384, 4_000_000, size - 4, size - 3, size - 1])
    expect(found[i]).toBeCloseTo(
      expected(
        i,
        0.3,
        slopes.map((slope) => scale * wave(i, slope)),
      ),
      5,
    );
  [...still.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(expected(i, 0.7, [0, 0]), 6));
  expect(optimizer.exportState().moments.large!.shape).toEqual([1, size]);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([large, still]);
});

it.skipIf(skips)("steps over few parameters in one pass unless it is asked for operations", async () => {
  const start = tf.tensor2d([0.5, -1, 2, 3], [2, 2]);
  const gradient = tf.tensor2d([0.1, -0.2, 0.3, 4], [2, 2]);
  const step = async (computeWith: "backend" | "kernels" | "auto"): Promise<[boolean, number[]]> => {
    const variable = tf.variable(start);
    const optimizer = createAdamW({ computeWith });
    const { kernelNames } = await tf.profile(() =>
      optimizer.step([{ name: "p", variable, gradient, learningRate: 0.1 }]),
    );
    const values = [...variable.dataSync()];
    optimizer.dispose();
    variable.dispose();
    return [kernelNames.includes("VTriuneAdamW"), values];
  };
  const [byOperations, composed] = await step("backend");
  const [byKernel, own] = await step("kernels");
  expect([byOperations, byKernel]).toEqual([false, true]);
  own.forEach((value, i) => expect(value).toBeCloseTo(composed[i]!, 6));
  expect(await step("auto")).toEqual([true, own]);
  tf.dispose([start, gradient]);
});

it.skipIf(skips)("steps over more parameters of other shapes than a call takes as over each alone", () => {
  const shapes = Array.from({ length: 70 }, (_, i) => (i % 3 === 0 ? [] : i % 3 === 1 ? [i] : [i, 1 + (i % 5) * 40]));
  const values = (shape: readonly number[], step: number): tf.Tensor => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => Math.sin(step * (i + 1))),
      [...shape],
    );
  };
  const before = tf.memory().numTensors;
  const gradients = shapes.map((shape, i) => values(shape, 0.1 + i));
  /** Parameters after two steps, each in a call with those that share its optimizer. */
  const stepped = (optimizers: readonly AdamW[]): number[][] => {
    const targets = shapes.map((shape, i) => {
      const start = values(shape, 0.3 + i);
      const variable = tf.variable(start);
      start.dispose();
      // One has no gradient, and each a rate of its own.
      return { name: `${i}`, variable, ...(i !== 40 && { gradient: gradients[i]! }), learningRate: 0.01 * (1 + i) };
    });
    const share = targets.length / optimizers.length;
    for (let step = 0; step < 2; step++)
      optimizers.forEach((optimizer, i) => optimizer.step(targets.slice(i * share, (i + 1) * share), 0.5));
    const found = targets.map(({ variable }) => [...variable.dataSync()]);
    for (const optimizer of optimizers) optimizer.dispose();
    tf.dispose(targets.map(({ variable }) => variable));
    return found;
  };
  const optimizer = (): AdamW => createAdamW({ weightDecay: 0.1 });
  expect(stepped([optimizer()])).toEqual(stepped(shapes.map(optimizer)));
  expect(sumsOfSquares(gradients)).toEqual(gradients.map((gradient) => sumOfSquares(gradient, true)));
  tf.dispose(gradients);
  expect(tf.memory().numTensors).toBe(before);
});

it.skipIf(skips).each([[[]], [[1]], [[7, 5]], [[3, 16_384]], [[2, 3, 5, 1_001]]])(
  "sums the squares of a tensor of shape %j",
  (shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from({ length: size }, (_, i) => 3 * Math.sin(i % 10_007));
    const tensor = tf.tensor(values, [...shape]);
    const before = tf.memory().numTensors;
    const exact = values.reduce((sum, value) => sum + value * value, 0);
    expect(sumOfSquares(tensor, true) / (exact || 1)).toBeCloseTo(exact ? 1 : 0, 6);
    expect(tf.memory().numTensors).toBe(before);
    tensor.dispose();
  },
);
