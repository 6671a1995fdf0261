import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BackendError } from "./backend-error";
import { loadedNative } from "./native/load-native";
import { variantFolderName } from "./native/native-folder";
import { findNvidia } from "./native/nvidia";
import { selectBackend } from "./select-backend";
import { installedNative } from "./testing/installed-native";

let empty: string;
beforeEach(() => (empty = mkdtempSync(join(tmpdir(), "v-triune-test-"))));
afterEach(() => rmSync(empty, { recursive: true, force: true }));

async function failure(promise: Promise<unknown>): Promise<BackendError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackendError);
  return error as BackendError;
}

describe("selectBackend", () => {
  it("takes wasm where nothing native is installed, and says why not the others", async () => {
    const choice = await selectBackend({ env: { V_TRIUNE_NATIVE_DIR: empty } });
    expect([choice.name, tf.getBackend()]).toEqual(["wasm", "wasm"]);
    expect(choice.passedOver.map(({ name }) => name)).toEqual(["tensorflow-gpu", "tensorflow", "webgpu"]);
    const native = choice.passedOver.find(({ name }) => name === "tensorflow");
    expect(native).toEqual({
      name: "tensorflow",
      reason: "Native TensorFlow is not installed",
      howToGet: "npx v-triune native install",
    });
  });

  it("goes on with the next one when the native install is damaged, and says so", async () => {
    const folder = join(empty, variantFolderName("cpu"));
    mkdirSync(folder);
    writeFileSync(join(folder, "install.json"), "{ half a fi");
    const choice = await selectBackend({ env: { V_TRIUNE_NATIVE_DIR: empty } });
    expect(choice.name).toBe("wasm");
    const native = choice.passedOver.find(({ name }) => name === "tensorflow");
    expect(native?.reason).toMatch(/^The native install is damaged \(.*install\.json cannot be read/);
    expect(native?.howToGet).toContain("npx v-triune native install");
  });

  it.each(["wasm", "cpu"] as const)("makes %s the current backend and computes with gradients", async (name) => {
    const choice = await selectBackend({ prefer: name });
    expect([choice.name, tf.getBackend(), choice.passedOver]).toEqual([name, name, []]);
    const gradient = tf.tidy(() => tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, -2])));
    expect([...gradient.dataSync()]).toEqual([2, -4]);
    gradient.dispose();
  });

  it("lets V_TRIUNE_BACKEND speak for auto, but not against a name", async () => {
    const env = { V_TRIUNE_BACKEND: "cpu", V_TRIUNE_NATIVE_DIR: empty };
    expect((await selectBackend({ env })).name).toBe("cpu");
    expect((await selectBackend({ env, prefer: "auto" })).name).toBe("cpu");
    expect((await selectBackend({ env, prefer: "wasm" })).name).toBe("wasm");
  });

  it("refuses a name it does not know and a preferred one that is missing", async () => {
    const unknown = await failure(selectBackend({ env: { V_TRIUNE_BACKEND: "cuda" } }));
    expect(unknown).toMatchObject({ found: '"cuda"', where: "the environment variable V_TRIUNE_BACKEND" });
    expect((await failure(selectBackend({ prefer: "webgl" as "cpu" }))).where).toBe("prefer");
    const instructions = await failure(selectBackend({ env: { V_TRIUNE_INSTRUCTIONS: "avx10" } }));
    expect(instructions).toMatchObject({ found: '"avx10"', expected: "base, avx2, avx512" });
    expect((await failure(selectBackend({ prefer: "webgpu" }))).what).toContain("cannot read a tensor synchronously");
  });

  it.skipIf(findNvidia().present)("names the missing GPU when one was asked for", async () => {
    expect((await failure(selectBackend({ prefer: "tensorflow-gpu" }))).what).toBe("No NVIDIA GPU was found.");
  });

  it("refuses a senseless number of threads", async () => {
    for (const threads of [0, 1.5, Number.NaN]) {
      expect((await failure(selectBackend({ prefer: "wasm", threads }))).where).toBe("threads");
    }
  });
});

const missing = installedNative("the native backend's tests") === undefined;

describe.skipIf(missing)("with native TensorFlow installed", () => {
  it("is what auto takes, on the same tfjs-core as everybody's, quietly", async () => {
    const choice = await selectBackend();
    expect(choice.tfjsName).toBe("tensorflow");
    expect(choice.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(tf.getBackend()).toBe("tensorflow");
    expect(tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()[0])).toBe(3);
    expect(loadedNative()?.startupLog).toBeTypeOf("string");
  });

  it("can be left and taken up again", async () => {
    await selectBackend({ prefer: "wasm" });
    await selectBackend({ prefer: "tensorflow" });
    expect(tf.getBackend()).toBe("tensorflow");
  });
});
