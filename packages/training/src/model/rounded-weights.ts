import { openSafetensors } from "@v-triune/policy";
import type { ModelConfig } from "../config/training-config";

/**
 * What to tell when `model.dtype: bfloat16` changes numbers, because the checkpoint holds matrices in another type.
 * Undefined where it does not.
 *
 * @throws WeightsError of `@v-triune/policy`
 */
export function roundedWeights(model: ModelConfig): string | undefined {
  if (model.dtype !== "bfloat16" || model.init !== "pretrained") return undefined;
  const reader = openSafetensors(model.path);
  try {
    const infos = reader.names.map((name) => reader.info(name));
    const other = infos.find(({ shape, dtype }) => shape.length === 2 && dtype !== "BF16");
    return (
      other &&
      `The checkpoint holds ${other.dtype}: matrices that are not trained are rounded to bfloat16, as model.dtype says. ` +
        "model.dtype: float32 keeps them."
    );
  } finally {
    reader.close();
  }
}
