/**
 * The tensors of a Qwen2.5-VL checkpoint: name, shape and place in the model. Names are those of the published
 * checkpoints and of `save_pretrained` (`visual.*`, `model.*`, `lm_head.weight`).
 */
import type { Qwen25VlConfig } from "../config/model-config";

/** Which learning rate and freeze switch a tensor follows: the vision tower, its merger, or everything else. */
export type ParameterGroup = "vision" | "connector" | "language";

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: ParameterGroup;
  /** The block within the group; absent for embeddings, heads, final norms and the merger. */
  readonly layer?: number;
}

/** Every tensor a checkpoint of this configuration holds, in the order the model uses them. */
export function parameterShapes(config: Qwen25VlConfig): ParameterShape[] {
  const { text, vision } = config;
  const out: ParameterShape[] = [];
  const add = (name: string, shape: number[], group: ParameterGroup, layer?: number): void => {
    out.push(layer === undefined ? { name, shape, group } : { name, shape, group, layer });
  };

  const d = vision.hiddenSize;
  add(
    "visual.patch_embed.proj.weight",
    [d, vision.inChannels, vision.temporalPatchSize, vision.patchSize, vision.patchSize],
    "vision",
  );
  for (let i = 0; i < vision.depth; i++) {
    const name = `visual.blocks.${i}.`;
    const linear = (part: string, rows: number, columns: number): void => {
      add(`${name}${part}.weight`, [rows, columns], "vision", i);
      add(`${name}${part}.bias`, [rows], "vision", i);
    };
    add(`${name}norm1.weight`, [d], "vision", i);
    add(`${name}norm2.weight`, [d], "vision", i);
    linear("attn.qkv", 3 * d, d);
    linear("attn.proj", d, d);
    linear("mlp.gate_proj", vision.intermediateSize, d);
    linear("mlp.up_proj", vision.intermediateSize, d);
    linear("mlp.down_proj", d, vision.intermediateSize);
  }
  const merged = d * vision.spatialMergeSize ** 2;
  add("visual.merger.ln_q.weight", [d], "connector");
  add("visual.merger.mlp.0.weight", [merged, merged], "connector");
  add("visual.merger.mlp.0.bias", [merged], "connector");
  add("visual.merger.mlp.2.weight", [vision.outHiddenSize, merged], "connector");
  add("visual.merger.mlp.2.bias", [vision.outHiddenSize], "connector");

  const h = text.hiddenSize;
  const keyValue = text.numKeyValueHeads * text.headDim;
  add("model.embed_tokens.weight", [text.vocabSize, h], "language");
  for (let i = 0; i < text.numLayers; i++) {
    const name = `model.layers.${i}.`;
    add(`${name}input_layernorm.weight`, [h], "language", i);
    for (const [part, rows] of [
      ["q", text.numHeads * text.headDim],
      ["k", keyValue],
      ["v", keyValue],
    ] as const) {
      add(`${name}self_attn.${part}_proj.weight`, [rows, h], "language", i);
      add(`${name}self_attn.${part}_proj.bias`, [rows], "language", i);
    }
    add(`${name}self_attn.o_proj.weight`, [h, text.numHeads * text.headDim], "language", i);
    add(`${name}post_attention_layernorm.weight`, [h], "language", i);
    add(`${name}mlp.gate_proj.weight`, [text.intermediateSize, h], "language", i);
    add(`${name}mlp.up_proj.weight`, [text.intermediateSize, h], "language", i);
    add(`${name}mlp.down_proj.weight`, [h, text.intermediateSize], "language", i);
  }
  add("model.norm.weight", [h], "language");
  if (!config.tieWordEmbeddings) add("lm_head.weight", [text.vocabSize, h], "language");
  return out;
}

/**
 * The published name of a tensor that may carry the name it has in transformers 5's memory (`model.language_model.*`,
 * `model.visual.*`), as some checkpoints and all peft adapters do.
 */
export function publishedName(name: string): string {
  if (name.startsWith("model.language_model.")) return `model.${name.slice("model.language_model.".length)}`;
  if (name.startsWith("model.visual.")) return name.slice("model.".length);
  return name;
}
