/**
 * The tensors of a model: name, shape and place. Every family uses the same names inside: `visual.*` for the tower,
 * `model.embed_tokens`, `model.layers.N.*` and `model.norm` for the language model, `lm_head`. Checkpoints may call them
 * something else (./tensor-names).
 */
import type { VlmConfig } from "../config/model-config";

/** Which learning rate and freeze switch a tensor follows: the vision tower, its mergers, or everything else. */
export type ParameterGroup = "vision" | "connector" | "language";

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: ParameterGroup;
  /** The block within the group; absent for embeddings, heads, final norms and mergers. */
  readonly layer?: number;
}

/** Whether a tensor is the weight of a linear layer, and not a table that rows are looked up in. */
export function isLinearWeight({ name, shape }: ParameterShape): boolean {
  return shape.length === 2 && !/(^|\.)(embed_tokens|pos_embed)\.weight$/.test(name);
}

/** Collects tensors in the order in which the model uses them. */
export class ShapeList {
  readonly shapes: ParameterShape[] = [];

  constructor(readonly group: ParameterGroup) {}

  add(name: string, shape: readonly number[], layer?: number): void {
    const { group } = this;
    this.shapes.push(layer === undefined ? { name, shape, group } : { name, shape, group, layer });
  }

  /** A weight [out, in] and a bias. */
  linear(name: string, outputs: number, inputs: number, layer?: number): void {
    this.add(`${name}.weight`, [outputs, inputs], layer);
    this.add(`${name}.bias`, [outputs], layer);
  }

  /** Weight and bias of a LayerNorm. */
  layerNorm(name: string, width: number, layer?: number): void {
    this.add(`${name}.weight`, [width], layer);
    this.add(`${name}.bias`, [width], layer);
  }
}

/** What differs between the language models of Qwen2 and Qwen3. */
export interface LanguageModelParts {
  /** Biases of q, k and v. */
  readonly qkvBias: boolean;
  /** The bias of o. Default false. */
  readonly outputBias?: boolean;
  /** Norms of q and k. Default false. */
  readonly queryKeyNorm?: boolean;
}

/** The tensors of a decoder with grouped queries and SwiGLU. */
export function languageModelShapes(
  { text, tieWordEmbeddings }: VlmConfig,
  parts: LanguageModelParts,
): ParameterShape[] {
  const list = new ShapeList("language");
  const h = text.hiddenSize;
  const queries = text.numHeads * text.headDim;
  const keyValue = text.numKeyValueHeads * text.headDim;
  list.add("model.embed_tokens.weight", [text.vocabSize, h]);
  for (let i = 0; i < text.numLayers; i++) {
    const name = `model.layers.${i}.`;
    list.add(`${name}input_layernorm.weight`, [h], i);
    for (const [part, rows] of [
      ["q", queries],
      ["k", keyValue],
      ["v", keyValue],
    ] as const) {
      list.add(`${name}self_attn.${part}_proj.weight`, [rows, h], i);
      if (parts.qkvBias) list.add(`${name}self_attn.${part}_proj.bias`, [rows], i);
    }
    for (const part of parts.queryKeyNorm ? ["q", "k"] : [])
      list.add(`${name}self_attn.${part}_norm.weight`, [text.headDim], i);
    list.add(`${name}self_attn.o_proj.weight`, [h, queries], i);
    if (parts.outputBias) list.add(`${name}self_attn.o_proj.bias`, [h], i);
    list.add(`${name}post_attention_layernorm.weight`, [h], i);
    list.add(`${name}mlp.gate_proj.weight`, [text.intermediateSize, h], i);
    list.add(`${name}mlp.up_proj.weight`, [text.intermediateSize, h], i);
    list.add(`${name}mlp.down_proj.weight`, [h, text.intermediateSize], i);
  }
  list.add("model.norm.weight", [h]);
  if (!tieWordEmbeddings) list.add("lm_head.weight", [text.vocabSize, h]);
  return list.shapes;
}
