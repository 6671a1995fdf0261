/** A model's tensors under the names that its family's published checkpoints use. */
import type { VlmConfig } from "../config/model-config";
import { familyOf } from "../families/model-families";
import type { SafetensorsEntry } from "../safetensors/encode";
import type { ModelWeights } from "../weights/model-weights";

/** All tensors, adapters merged in; values are fetched when they are asked for. */
export function storedTensors(config: VlmConfig, weights: ModelWeights): readonly SafetensorsEntry[] {
  const family = familyOf(config);
  return weights.shapes.map(({ name, shape }) => ({
    name: family.storedName(name),
    shape,
    data: () => weights.values(name),
  }));
}
