/**
 * L2 norms of gradients: one pass gives the global norm (for clipping), that of each module and of each layer (the
 * paper watches the vision tower layer by layer).
 *
 *   norm = sqrt(Σ g²);    clip coefficient = min(1, maxNorm / (norm + 1e-6))      as torch's clip_grad_norm_
 *
 * Squares are summed over the last axis on the backend (float32) and from there in float64 on the host, so that a
 * matrix of a hundred million entries loses no digits. Clipping itself costs no pass: the coefficient goes into the
 * optimizer's constants. Where AdamW is computed by a kernel, one sums the squares, too.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { inLists, namedInputs } from "./one-pass";

/** Norms at the granularities that are logged. */
export interface GradientNorms {
  readonly total: number;
  /** By group, for example "vision". */
  readonly byGroup: Readonly<Record<string, number>>;
  /**
   * By group and layer, for example "vision.0"; parameters outside the blocks are under the group's name with ".other".
   */
  readonly byLayer: Readonly<Record<string, number>>;
  readonly byParameter: Readonly<Record<string, number>>;
}

/** The kernel of @v-triune/backend (native) that sums the squares of tensors in one pass. */
export const SUM_OF_SQUARES = "VTriuneSumOfSquares";

/**
 * Σ g² of one tensor.
 *
 * @param inOnePass by the backend's kernel, which it must have. Default false
 */
export function sumOfSquares(gradient: Tensor, inOnePass = false): number {
  if (inOnePass) return sumsOfSquares([gradient])[0]!;
  const partial = tf.tidy(() => tf.sum(tf.square(gradient), gradient.rank > 0 ? -1 : undefined));
  const values = partial.dataSync();
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  partial.dispose();
  return sum;
}

/** Σ g² of each tensor, by the backend's kernel, which it must have. */
export function sumsOfSquares(gradients: readonly Tensor[]): number[] {
  return inLists(gradients).flatMap((list) => {
    const sums = tf.engine().runKernel(SUM_OF_SQUARES, namedInputs(list), { count: list.length }) as Tensor;
    const values = [...sums.dataSync<"float32">()];
    sums.dispose();
    return values;
  });
}

/** Where a gradient belongs. */
export interface NormedParameter {
  readonly name: string;
  readonly group: string;
  readonly layer?: number;
}

/** Groups sums of squares by parameter into norms. */
export function gradientNorms(
  parameters: readonly NormedParameter[],
  squares: ReadonlyMap<string, number>,
): GradientNorms {
  let total = 0;
  const byGroup: Record<string, number> = {};
  const byLayer: Record<string, number> = {};
  const byParameter: Record<string, number> = {};
  for (const { name, group, layer } of parameters) {
    const square = squares.get(name) ?? 0;
    const layerName = `${group}.${layer ?? "other"}`;
    total += square;
    byGroup[group] = (byGroup[group] ?? 0) + square;
    byLayer[layerName] = (byLayer[layerName] ?? 0) + square;
    byParameter[name] = Math.sqrt(square);
  }
  for (const record of [byGroup, byLayer]) for (const key of Object.keys(record)) record[key] = Math.sqrt(record[key]!);
  return { total: Math.sqrt(total), byGroup, byLayer, byParameter };
}

/** The factor that brings gradients of this norm within `maxNorm`; 1 when they are, or when maxNorm is null. */
export function clipCoefficient(norm: number, maxNorm: number | null): number {
  return maxNorm === null ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
}
