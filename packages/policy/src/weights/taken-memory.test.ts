import { BackendError, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { placeNow } from "./passing-memory";
import { takenMemory } from "./taken-memory";

const native = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const missing = native instanceof BackendError;
if (missing) console.warn("skipped on native TensorFlow, which is not installed");

it.skipIf(missing)("a large tensor on TensorFlow lies in the memory that its values were read into", async () => {
  await selectBackend({ prefer: "tensorflow" });
  const taken = takenMemory()!;
  expect(taken(1000)).toBeUndefined();
  const values = taken(1 << 20)!.fill(3);
  const tensor = tf.tensor2d(values, [1 << 10, 1 << 10]);
  placeNow(tensor);
  expect(new Set(tensor.dataSync())).toEqual(new Set([3]));
  values[7] = 4;
  expect(tensor.dataSync()[7]).toBe(4);
  tensor.dispose();
});

it("wasm copies values onto its heap", async () => {
  await selectBackend({ prefer: "wasm" });
  expect(takenMemory()).toBeUndefined();
});
