/**
 * Random weights for training from nothing. Matrices are normal with a standard deviation of gain / √fan-in, norms are
 * 1, biases 0. (Hugging Face's constant 0.02 starts tiny models at a point that they hardly leave.)
 */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { VlmConfig } from "../config/model-config";
import { parameterShapes } from "../families/model-families";
import type { ParameterShape } from "../weights/parameter-shapes";

export interface RandomWeightsOptions {
  readonly seed: number;
  /** Standard deviation of the embedding's entries (and of an untied head's). Default 0.05. */
  readonly embeddingDeviation?: number;
  /**
   * Multiplies 1 / √fan-in for a matrix. Default 1. A small gain where a block writes into the residual stream helps.
   */
  readonly gain?: (shape: ParameterShape) => number;
}

/**
 * Weights for every tensor of the configuration; the same seed gives the same values on every machine.
 *
 * ```ts
 * const policy = createVlm(config, randomWeights(config, { seed: 1 }));
 * ```
 */
export function randomWeights(config: VlmConfig, options: RandomWeightsOptions): Map<string, Float32Array> {
  const normal = normalGenerator(options.seed);
  const out = new Map<string, Float32Array>();
  for (const shape of parameterShapes(config)) {
    const size = shape.shape.reduce((product, n) => product * n, 1);
    const values = new Float32Array(size);
    if (shape.shape.length > 1) {
      const table = shape.name === "model.embed_tokens.weight" || shape.name === "lm_head.weight";
      const deviation = table
        ? (options.embeddingDeviation ?? 0.05)
        : (options.gain?.(shape) ?? 1) / Math.sqrt(size / shape.shape[0]!);
      for (let i = 0; i < size; i++) values[i] = deviation * normal();
    } else if (shape.name.endsWith(".weight")) values.fill(1);
    out.set(shape.name, values);
  }
  return out;
}

/** Standard normal numbers by Box and Muller's method. */
function normalGenerator(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  const uniform = (): number => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
