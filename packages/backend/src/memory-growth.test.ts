import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { installedNative } from "./testing/installed-native";
import { loadedNative } from "./native/load-native";
import { measureCurrentBackend } from "./measure-backend";
import { measureTrainingStep } from "./measure-training-step";
import { selectBackend } from "./select-backend";

const native = installedNative("the native backend's memory growth") !== undefined;

describe.each(["wasm", ...(native ? (["tensorflow"] as const) : [])] as const)("1,000 training steps on %s", (name) => {
  it("leave no tensor, no native handle and no resident memory behind", async () => {
    await selectBackend({ prefer: name });
    const weights = tf.variable(tf.randomNormal([64, 64], 0, 0.1, "float32", 1));
    const input = tf.randomNormal([32, 64], 0, 1, "float32", 2);
    const step = (): number =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.mean(tf.square(tf.tanh(tf.matMul(input, weights as tf.Tensor2D)))) as tf.Scalar,
        );
        weights.assign(tf.sub(weights, tf.mul(grads[weights.name] as tf.Tensor, 0.01)));
        return value.dataSync()[0] ?? Number.NaN;
      });
    const first = step();
    for (let i = 0; i < 300; i += 1) step();
    const before = {
      tensors: tf.memory().numTensors,
      handles: loadedNative()?.handleCount(),
      rss: process.memoryUsage.rss(),
    };
    let last = first;
    for (let i = 0; i < 1000; i += 1) last = step();
    expect(last).toBeLessThan(first);
    expect(tf.memory().numTensors).toBe(before.tensors);
    expect(loadedNative()?.handleCount()).toBe(before.handles);
    // Leaking what a step allocates (some 80 KiB) would add 80 MiB; the collector breathes by less than 48.
    expect((process.memoryUsage.rss() - before.rss) / 2 ** 20).toBeLessThan(48);
    tf.dispose([weights, input]);
  });

  it("are measured without leaving a tensor behind", async () => {
    await selectBackend({ prefer: name });
    const before = tf.memory().numTensors;
    const found = await measureCurrentBackend(tf, {
      products: [{ shape: [64, 64, 64], form: "transposeB" }],
      budgetMs: 5,
    });
    expect(found.products[0]?.gflops).toBeGreaterThan(0.001);
    expect(found.microsecondsPerOp).toBeGreaterThan(0.01);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("train the bench's network, whose loss must fall", async () => {
    await selectBackend({ prefer: name });
    const before = tf.memory().numTensors;
    expect(await measureTrainingStep(tf, 1)).toBeGreaterThan(1);
    expect(tf.memory().numTensors).toBe(before);
  });
});
