/**
 * The WebAssembly backend in a browser, with the numbers of Node's.
 *
 * On a page that is isolated from others (COOP and COEP), tfjs-backend-wasm 4.22 would load its build with threads.
 * That one keeps its memory from the kernels of `@v-triune/policy`: a training step takes eight times as long, and
 * gradients differ in their last digits. So threads are turned off here, whatever the page is.
 */
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "../backend-error";
import { registerGradients } from "../gradients/register-gradients";
import { guardWasmMemory } from "../wasm-memory";

/**
 * Makes WebAssembly the current backend of tfjs and waits until it is ready. Call it once per thread, before any tensor.
 *
 * ```ts
 * await openWasm("/assets/tfjs-backend-wasm-simd.wasm");
 * ```
 *
 * @param file the URL of tfjs-backend-wasm-simd.wasm, which is in @tensorflow/tfjs-backend-wasm
 * @throws BackendError when the engine has no WebAssembly SIMD, or the file cannot be loaded
 */
export async function openWasm(file: string): Promise<void> {
  const flags = tf.env();
  flags.set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await flags.getAsync("WASM_HAS_SIMD_SUPPORT"))) {
    throw new BackendError({
      what: "This browser has no WebAssembly SIMD.",
      expected: "Chrome 91, Firefox 89, Safari 16.4, or newer",
      fix: "use a newer browser",
    });
  }
  // It wants a path for each of its builds, also for those that are never loaded.
  setWasmPaths({
    "tfjs-backend-wasm.wasm": file,
    "tfjs-backend-wasm-simd.wasm": file,
    "tfjs-backend-wasm-threaded-simd.wasm": file,
  });
  registerGradients();
  let cause: unknown;
  try {
    await tf.setBackend("wasm");
    await tf.ready();
  } catch (error) {
    cause = error;
  }
  if (cause !== undefined || tf.getBackend() !== "wasm") {
    throw new BackendError({
      what: "The WebAssembly backend does not start.",
      where: file,
      found: cause instanceof Error ? cause.message.split("\n")[0] : undefined,
      fix: "check that it can be fetched from there",
      cause,
    });
  }
  guardWasmMemory(tf.backend());
}
