/**
 * Selects the backend of this package's tests: wasm, which every install has, or what V_TRIUNE_TEST_BACKEND names
 * (`tensorflow`: the native one, where @tensorflow/tfjs-node works).
 */
import { createRequire } from "node:module";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";

/** Readies the backend; call it in `beforeAll`. */
export async function useWasm(): Promise<void> {
  const wanted = process.env["V_TRIUNE_TEST_BACKEND"] ?? "wasm";
  const require = createRequire(import.meta.url);
  if (wanted === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(`${path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  } else {
    require("@tensorflow/tfjs-node");
  }
  if (!(await tf.setBackend(wanted))) throw new Error(`the TensorFlow.js backend "${wanted}" could not be started`);
  await tf.ready();
}
