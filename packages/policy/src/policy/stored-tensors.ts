/** A model's tensors under the names that its family's published checkpoints use. */
import type { VlmConfig } from "../config/model-config";
import { familyOf } from "../families/model-families";
import type { WeightDtype } from "../kernels/bfloat16-matrix";
import type { SafetensorsEntry } from "../safetensors/encode";
import type { ModelWeights } from "../weights/model-weights";

/** All tensors, adapters merged in; values are fetched when they are asked for. */
export function storedTensors(
  config: VlmConfig,
  weights: ModelWeights,
  dtype: WeightDtype = "float32",
): readonly SafetensorsEntry[] {
  const family = familyOf(config);
  return weights.shapes.map(({ name, shape }) => ({
    name: family.storedName(name),
    shape,
    dtype: dtype === "bfloat16" ? "BF16" : "F32",
    data: () => weights.values(name),
  }));
}
