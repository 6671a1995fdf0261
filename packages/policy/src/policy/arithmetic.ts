/** What computes a model's updates. */
import * as tf from "@tensorflow/tfjs-core";
import { PolicyInputError } from "../input-error";
import { hasOwnOps, type UpdateKernels, usesOwnOps } from "../kernels/native/own-ops";
import { heap } from "../kernels/wasm/heap";

/**
 * "wasm": this package's kernels on the wasm backend's heap; "own-ops": its ops beside native TensorFlow; "ops": those of the
 * backend.
 */
export type Arithmetic = "wasm" | "own-ops" | "ops";

/**
 * What computes updates on the present backend.
 *
 * @throws PolicyInputError as `checkUpdateKernels`
 */
export function arithmeticOf(computeWith: UpdateKernels = "auto"): Arithmetic {
  checkUpdateKernels(computeWith);
  if (heap()) return "wasm";
  return usesOwnOps(computeWith) ? "own-ops" : "ops";
}

/** @throws PolicyInputError when kernels are asked for that the present backend does not have */
export function checkUpdateKernels(computeWith: UpdateKernels = "auto"): void {
  if (computeWith !== "kernels" || heap() || hasOwnOps()) return;
  throw new PolicyInputError({
    what: "This backend has no kernels of v-triune's that compute updates.",
    where: "computeWith (in a run's configuration update.computeWith)",
    expected: "native TensorFlow on a CPU with the ops that `v-triune native install` compiles, or wasm",
    found: `kernels on the backend ${tf.getBackend()}`,
    fix: "computeWith: auto, which takes them where they are; v-triune doctor says why they are missing",
  });
}
