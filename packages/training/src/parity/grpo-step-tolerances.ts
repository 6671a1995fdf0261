/**
 * Tolerances of golden training steps: three to five times the noise between PyTorch's own ways of computing the same
 * steps (two threads, other attention kernels, no padding), as measured in the folder's noise.json.
 */

/** Tolerances of one scenario; they widen where a large learning rate amplifies rounding. */
export interface StepTolerances {
  readonly firstLogProbs: number;
  readonly laterLogProbs: number;
  /** loss, policy loss, ppo_kl, entropy */
  readonly loss: number;
  readonly gradNorm: number;
  readonly gradient: number;
  readonly kl: number;
  readonly ratio: number;
  /** 99.5 % of the entries of a parameter. */
  readonly parameter: number;
  readonly parameterNorm: number;
  readonly deltaNorm: number;
  readonly deltaCos: number;
  readonly moments: number;
}

/** @param learningRate the largest of the scenario */
export function stepTolerances(learningRate: number, lora: boolean): StepTolerances {
  const calm = learningRate <= 3e-3;
  return {
    firstLogProbs: 5e-5,
    laterLogProbs: calm ? 5e-4 : 1e-2,
    loss: calm ? 1e-5 : 3e-4,
    gradNorm: calm ? 1e-4 : 3e-3,
    gradient: 1e-4,
    kl: calm ? 3e-5 : 5e-4,
    ratio: calm ? 5e-4 : 1e-2,
    parameter: calm ? (lora ? 1e-5 : 2e-6) : 3e-4,
    parameterNorm: calm ? 3e-5 : 5e-4,
    deltaNorm: 1e-3,
    deltaCos: 2e-2,
    moments: calm ? 1e-3 : 1e-2,
  };
}

/**
 * The key biases: softmax does not see a constant, so their gradients nearly cancel and AdamW magnifies what is left.
 */
export function isKeyBias(name: string): boolean {
  return name.endsWith("k_proj.bias") || name.endsWith("attn.qkv.bias");
}

/** Tolerances of {@link isKeyBias} parameters. */
export const KEY_BIAS = { deltaNorm: 1e-2, deltaCos: 5e-2, learningRates: 0.5 } as const;
