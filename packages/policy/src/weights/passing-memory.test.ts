import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { passingMemory, placeNow } from "./passing-memory";

it("tensors made through one memory keep their own values, and what is given up is freed", async () => {
  await useTestBackend();
  const passing = passingMemory(1 << 20)!;
  const first = passing(1 << 20);
  const tensors = [1 << 20, 1000, 3].map((size, i) => {
    const tensor = tf.tensor1d(passing(size).fill(i + 1));
    placeNow(tensor);
    return tensor;
  });
  expect(first.buffer.byteLength).toBeLessThan(32);
  passing(0);
  expect(first.buffer.byteLength).toBe(0);
  expect(tensors.map((tensor) => new Set(tensor.dataSync()))).toEqual([new Set([1]), new Set([2]), new Set([3])]);
  tf.dispose(tensors);
});
