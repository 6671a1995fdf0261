/**
 * Qwen2.5's decoder over packed tokens (arXiv 2412.15115; transformers 5.23 `Qwen2_5_VLTextModel`): RMSNorm, attention with
 * grouped queries, biases on q, k, v and M-RoPE, RMSNorm, SwiGLU, both with residuals.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config";
import { attention } from "../kernels/attention";
import { checkpoint } from "../kernels/checkpoint";
import { gatherRows } from "../kernels/gather-rows";
import { rmsNorm } from "../kernels/rms-norm";
import type { RotaryTable } from "../kernels/rotary";
import { rotaryTensors } from "../kernels/rotary-values";
import { swiglu } from "../kernels/swiglu";
import type { Trace } from "../vision/trace";
import type { ModelWeights } from "../weights/model-weights";
import type { PackedTokens } from "./packed-batch";
import { textRotary } from "./text-rotary";

export interface LanguageModelOptions {
  /** Rows whose final hidden states are wanted, in this order and possibly more than once. Default: all of them. */
  readonly select?: Int32Array;
  /** Called with each layer's packed q, k, v before rotation; generation fills its cache from them. */
  readonly onQkv?: (layer: number, qkv: tf.Tensor2D, rotary: RotaryTable) => void;
  readonly trace?: Trace;
  /** Keeps only each layer's input for the backward pass and computes the layer again there. */
  readonly checkpointing?: boolean;
}

/** Rows of the embedding with visual features in their places, [N, hidden]. */
export function embedTokens(
  tokens: PackedTokens,
  features: tf.Tensor2D | undefined,
  weights: ModelWeights,
): tf.Tensor2D {
  const text = gatherRows(weights.matrix("model.embed_tokens.weight"), tokens.ids);
  return features ? tf.add(text, gatherRows(features, tokens.visualRows)) : text;
}

/**
 * @param features one row per merged visual token, in the order of `tokens.visuals`; undefined without pictures
 * @returns hidden states after the final norm, [N or select.length, hidden]
 */
export function languageModel(
  tokens: PackedTokens,
  features: tf.Tensor2D | undefined,
  weights: ModelWeights,
  config: TextConfig,
  options: LanguageModelOptions = {},
): tf.Tensor2D {
  return tf.tidy(() => {
    const { select, onQkv, trace } = options;
    const rotary = rotaryTensors(textRotary(tokens.positions, config));
    let hidden = embedTokens(tokens, features, weights);
    trace?.("hidden.0", hidden);
    for (let i = 0; i < config.numLayers; i++) {
      // After the last attention rows are independent: the rest is computed only for the rows that are wanted.
      const keep = i === config.numLayers - 1 ? select : undefined;
      const place: DecoderLayer = { index: i, tokens, weights, config, keep, onQkv };
      const layer = (x: tf.Tensor2D, table: RotaryTable, again = false): tf.Tensor2D =>
        decoderLayer(place, x, table, again);
      if (options.checkpointing) {
        const variables = weights.variablesUnder(`model.layers.${i}.`);
        hidden = checkpoint(hidden, [rotary.cos, rotary.sin], variables, (x, [cos, sin], again) =>
          layer(x, { cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D }, again),
        );
      } else hidden = tf.tidy(() => layer(hidden, rotary));
      if (i < config.numLayers - 1) trace?.(`hidden.${i + 1}`, hidden);
    }
    const final = rmsNorm(hidden, weights.vector("model.norm.weight"), config.rmsNormEps);
    trace?.(`hidden.${config.numLayers}`, final);
    return final;
  });
}

/** One layer, without the hidden states that go through it. */
interface DecoderLayer {
  readonly index: number;
  readonly tokens: PackedTokens;
  readonly weights: ModelWeights;
  readonly config: TextConfig;
  /** Rows that are needed after this layer. Default: all. */
  readonly keep: Int32Array | undefined;
  readonly onQkv: LanguageModelOptions["onQkv"];
}

/** @param again whether it is computed a second time, for its gradients only */
function decoderLayer(
  { index, tokens, weights, config, keep, onQkv }: DecoderLayer,
  x: tf.Tensor2D,
  rotary: RotaryTable,
  again: boolean,
): tf.Tensor2D {
  const name = `model.layers.${index}`;
  const normal = rmsNorm(x, weights.vector(`${name}.input_layernorm.weight`), config.rmsNormEps);
  const qkv = weights.project(normal, [
    `${name}.self_attn.q_proj`,
    `${name}.self_attn.k_proj`,
    `${name}.self_attn.v_proj`,
  ]);
  onQkv?.(index, qkv, rotary);
  const attended = attention(qkv, rotary, tokens.plan, {
    heads: config.numHeads,
    keyValueHeads: config.numKeyValueHeads,
    headDim: config.headDim,
  });
  const [residual, values] = keep ? [gatherRows(x, keep), gatherRows(attended, keep)] : [x, attended];
  const hidden: tf.Tensor2D = tf.add(residual, weights.project(values, [`${name}.self_attn.o_proj`]));
  const inner = rmsNorm(hidden, weights.vector(`${name}.post_attention_layernorm.weight`), config.rmsNormEps);
  return tf.add(
    hidden,
    weights.project(
      swiglu(weights.project(inner, [`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`])),
      [`${name}.mlp.down_proj`],
      { value: !again },
    ),
  );
}

/** The matrix that turns hidden states into logits, [vocabulary, hidden]. */
export function headWeight(weights: ModelWeights): tf.Tensor2D {
  return weights.matrix(weights.has("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight");
}
