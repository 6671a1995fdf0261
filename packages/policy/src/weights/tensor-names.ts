/**
 * A tensor has up to three names: the one this package uses inside (./parameter-shapes), the one in the family's
 * checkpoints, and the one in transformers 5's memory, which peft's adapters follow.
 *
 *     inside, and stored by Qwen2-VL and Qwen2.5-VL   visual.blocks.0..         model.layers.0..                  lm_head..
 *     in memory, and stored by Qwen3-VL               model.visual.blocks.0..   model.language_model.layers.0..   lm_head..
 *
 * Everything that decides by a name (frozen groups, learning rates, LoRA, checkpointing) sees the first alone.
 */

/** The name inside of a tensor or layer that may carry its name in memory. */
export function internalName(name: string): string {
  if (name.startsWith("model.language_model.")) return `model.${name.slice("model.language_model.".length)}`;
  if (name.startsWith("model.visual.")) return name.slice("model.".length);
  return name;
}

/** The name in transformers 5's memory of a tensor or layer. */
export function moduleName(name: string): string {
  if (name.startsWith("model.")) return `model.language_model.${name.slice("model.".length)}`;
  return name.startsWith("visual.") ? `model.${name}` : name;
}
