/** What computes a model's updates. */
import type { VlmConfig } from "../config/model-config";
import { parameterShapes } from "../families/model-families";
import { usesOwnOps } from "../kernels/native/own-ops";
import { heap } from "../kernels/wasm/heap";

/**
 * "wasm": this package's kernels on the wasm backend's heap; "own-ops": its ops beside native TensorFlow; "ops": those of the
 * backend.
 */
export type Arithmetic = "wasm" | "own-ops" | "ops";

/** What computes updates of this model on the present backend. */
export function arithmeticOf(config: VlmConfig): Arithmetic {
  if (heap()) return "wasm";
  const sizes = parameterShapes(config).map(({ shape }) => shape.reduce((size, n) => size * n, 1));
  return usesOwnOps(sizes.reduce((sum, size) => sum + size, 0)) ? "own-ops" : "ops";
}
