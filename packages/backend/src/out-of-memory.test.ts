import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { OutOfMemoryError } from "./backend-error";
import { installedNative } from "./testing/installed-native";
import { asOutOfMemory, formatBytes, withOutOfMemory } from "./out-of-memory";
import { selectBackend } from "./select-backend";

describe("asOutOfMemory", () => {
  it("reads the tensor, the device and the allocator out of TensorFlow's message", () => {
    const message =
      "Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[2560,151936] and type float on " +
      "/job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc";
    const error = asOutOfMemory(new Error(message), { backend: "tensorflow", kernel: "MatMul" });
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect([error?.shape, error?.kernel]).toEqual([[2560, 151936], "MatMul"]);
    expect(error?.what).toContain("no memory left for a tensor of shape [2560, 151936] (1.4 GiB)");
    expect(error?.where).toContain("GPU_0_bfc");
  });

  it("leaves other errors alone", () => {
    const error = new Error("Invalid TF_Status: 3\nMessage: Matrix size-incompatible: In[0]: [2,3], In[1]: [2,3]");
    expect(asOutOfMemory(error, { backend: "tensorflow" })).toBeUndefined();
    expect(() =>
      withOutOfMemory({ backend: "tensorflow" }, () => {
        throw error;
      }),
    ).toThrow(error);
  });
});

const native = installedNative("the native backend's memory test") !== undefined;

// 335 GiB: more than either backend can hold, and refused before anything is written.
describe.each(["wasm", ...(native ? (["tensorflow"] as const) : [])] as const)("a tensor too large for %s", (name) => {
  it("is an OutOfMemoryError that names it, and the backend goes on", async () => {
    await selectBackend({ prefer: name });
    const before = tf.memory().numTensors;
    let caught: unknown;
    try {
      tf.tidy(() => tf.tile(tf.ones([1, 1]), [300_000, 300_000]));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(OutOfMemoryError);
    expect((caught as OutOfMemoryError).shape).toEqual([300_000, 300_000]);
    expect(tf.memory().numTensors).toBe(before);
    const sum = tf.tidy(() => tf.add(tf.ones([3]), 1));
    expect([...sum.dataSync()]).toEqual([2, 2, 2]);
    sum.dispose();
  });
});

it("formats bytes", () => {
  expect([12, 1536, 3 * 2 ** 30].map(formatBytes)).toEqual(["12 B", "1.5 KiB", "3.0 GiB"]);
});
