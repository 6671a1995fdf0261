/**
 * Selects the backend of this package's tests: wasm, which every install has, or what V_TRIUNE_TEST_BACKEND names: `cpu`,
 * or a name of @v-triune/backend (`tensorflow`: libtensorflow, where `v-triune native install` has put it).
 */
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";

/** Readies the backend; call it in `beforeAll`. */
export async function readyTestBackend(): Promise<void> {
  const wanted = process.env["V_TRIUNE_TEST_BACKEND"] ?? "wasm";
  if (wanted === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(`${path.dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  } else if (wanted === "cpu") {
    await import("@tensorflow/tfjs-backend-cpu");
  } else {
    // By path: this package depends on no other, only this run of its tests does.
    const backend = pathToFileURL(path.resolve(import.meta.dirname, "../../backend/src/index.ts")).href;
    const { selectBackend } = (await import(backend)) as {
      selectBackend(options: { prefer: string }): Promise<unknown>;
    };
    await selectBackend({ prefer: wanted });
    return;
  }
  if (!(await tf.setBackend(wanted))) throw new Error(`the TensorFlow.js backend "${wanted}" could not be started`);
  await tf.ready();
}
