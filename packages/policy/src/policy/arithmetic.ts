/** What computes a model's updates. */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig } from "../config/model-config";
import { parameterShapes } from "../families/model-families";
import { PolicyInputError } from "../input-error";
import { hasOwnOps, type UpdateKernels, usesOwnOps } from "../kernels/native/own-ops";
import { heap } from "../kernels/wasm/heap";

/**
 * "wasm": this package's kernels on the wasm backend's heap; "own-ops": its ops beside native TensorFlow; "ops": those of the
 * backend.
 */
export type Arithmetic = "wasm" | "own-ops" | "ops";

/**
 * What computes updates of this model on the present backend.
 *
 * @throws PolicyInputError as `checkUpdateKernels`
 */
export function arithmeticOf(config: VlmConfig, computeWith: UpdateKernels = "auto"): Arithmetic {
  checkUpdateKernels(computeWith);
  if (heap()) return "wasm";
  const sizes = parameterShapes(config).map(({ shape }) => shape.reduce((size, n) => size * n, 1));
  return usesOwnOps(
    sizes.reduce((sum, size) => sum + size, 0),
    computeWith,
  )
    ? "own-ops"
    : "ops";
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
