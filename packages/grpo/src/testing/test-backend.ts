/**
 * The backend of this package's tests: wasm, or what V_TRIUNE_BACKEND names. wasm is started without the gradients that
 * @v-triune/backend registers, since nothing in this package may need them.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { BackendName } from "@v-triune/backend";

export async function useTestBackend(): Promise<void> {
  const wanted = (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName;
  if (wanted !== "wasm") {
    const { selectBackend } = await import("@v-triune/backend");
    await selectBackend({ prefer: wanted });
    return;
  }
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("the wasm backend of TensorFlow.js did not start");
  await tf.ready();
}
