/**
 * The decoder of Qwen2 and Qwen3 over packed tokens (arXiv 2407.10671, 2505.09388; transformers 5.23
 * `Qwen2_5_VLTextModel`, `Qwen3VLTextModel`): RMSNorm, attention with grouped queries and M-RoPE, RMSNorm, SwiGLU, both
 * with residuals. Biases and norms of q and k are applied where the model has them.
 *
 * DeepStack (arXiv 2406.04334), for a tower that gives more than one set of features: set k is added to the visual rows
 * after layer k - 1.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config";
import { addResidual } from "../kernels/add-residual";
import { attention } from "../kernels/attention";
import type { AttentionHeads } from "../kernels/attention-plan";
import { checkpoint, type GradientCheckpointing } from "../kernels/checkpoint";
import { gatherRows } from "../kernels/gather-rows";
import type { LinearOptions } from "../kernels/linear-options";
import { normHeads } from "../kernels/norm-heads";
import { rmsNorm } from "../kernels/rms-norm";
import type { RotaryTable } from "../kernels/rotary";
import { rotaryTensors } from "../kernels/rotary-values";
import { swiglu } from "../kernels/swiglu";
import type { Trace } from "../vision/trace";
import type { Matrix } from "../kernels/bfloat16-matrix";
import type { ModelWeights } from "../weights/model-weights";
import type { PackedTokens } from "./packed-batch";
import { textRotary } from "./text-rotary";

export interface LanguageModelOptions {
  /** Rows whose final hidden states are wanted, in this order and possibly more than once. Default: all of them. */
  readonly select?: Int32Array;
  /**
   * Called with each layer's packed q, k, v, normed where they are, before rotation; generation fills its cache from
   * them. With `past`, its rows come first.
   */
  readonly onQkv?: (layer: number, qkv: tf.Tensor2D, rotary: RotaryTable) => void;
  /**
   * Rows of q, k, v that tokens before have in a layer, keys rotated, queries unused, [plan.rows - N, width]: the
   * attention sees them, nothing else is computed for them. For `packContinuations`.
   */
  readonly past?: (layer: number) => tf.Tensor2D;
  readonly trace?: Trace;
  /** Default false. */
  readonly checkpointing?: GradientCheckpointing;
}

/**
 * @param features one row per merged visual token, in the order of `tokens.visuals`, [tokens, (1 + k) · hidden];
 *   undefined without pictures
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
    const { select, onQkv, past, trace } = options;
    const rotary = rotaryTensors(textRotary(tokens.positions, config));
    const visual = features ? featureSets(features, config.hiddenSize) : [];
    const embedded = gatherRows(weights.matrix("model.embed_tokens.weight"), tokens.ids);
    let hidden: tf.Tensor2D = visual[0] ? addResidual(embedded, gatherRows(visual[0], tokens.visualRows)) : embedded;
    trace?.("hidden.0", hidden);
    for (let i = 0; i < config.numLayers; i++) {
      // After the last attention rows are independent: the rest is computed only for the rows that are wanted.
      const keep = i === config.numLayers - 1 ? select : undefined;
      const mlpAgain = options.checkpointing === "mlp";
      const place: DecoderLayer = { index: i, tokens, weights, config, keep, onQkv, past, mlpAgain };
      const layer = (x: tf.Tensor2D, table: RotaryTable, again = false): tf.Tensor2D =>
        decoderLayer(place, x, table, again);
      if (options.checkpointing === true) {
        const variables = weights.variablesUnder(`model.layers.${i}.`);
        hidden = checkpoint(hidden, [rotary.cos, rotary.sin], variables, (x, [cos, sin], again) =>
          layer(x, { cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D }, again),
        );
      } else {
        const input = hidden;
        hidden = tf.tidy(() => layer(input, rotary));
      }
      const added = visual[i + 1];
      if (added) {
        const rows = keep ? keep.map((row) => tokens.visualRows[row]!) : tokens.visualRows;
        hidden = addResidual(hidden, gatherRows(added, rows));
      }
      if (i < config.numLayers - 1) trace?.(`hidden.${i + 1}`, hidden);
    }
    const final = rmsNorm(hidden, weights.vector("model.norm.weight"), config.rmsNormEps, weights.inOneOp);
    trace?.(`hidden.${config.numLayers}`, final);
    return final;
  });
}

/** The features' sets side by side, apart: [tokens, (1 + k) · hidden] → 1 + k of [tokens, hidden]. */
function featureSets(features: tf.Tensor2D, hiddenSize: number): tf.Tensor2D[] {
  const count = features.shape[1] / hiddenSize;
  return count === 1 ? [features] : (tf.split(features, count, 1) as tf.Tensor2D[]);
}

function attentionHeads({ numHeads, numKeyValueHeads, headDim }: TextConfig): AttentionHeads {
  return { heads: numHeads, keyValueHeads: numKeyValueHeads, headDim };
}

/** Queries, keys and values of a layer side by side, before rotation. @param x after the layer's first norm */
export function projectQkv(
  x: tf.Tensor2D,
  layer: number,
  weights: ModelWeights,
  config: TextConfig,
  options?: LinearOptions,
): tf.Tensor2D {
  const name = `model.layers.${layer}.self_attn`;
  const qkv = weights.project(x, [`${name}.q_proj`, `${name}.k_proj`, `${name}.v_proj`], options);
  if (!weights.has(`${name}.q_norm.weight`)) return qkv;
  const norms = {
    query: weights.vector(`${name}.q_norm.weight`),
    key: weights.vector(`${name}.k_norm.weight`),
    epsilon: config.rmsNormEps,
  };
  return normHeads(qkv, norms, attentionHeads(config));
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
  readonly past: LanguageModelOptions["past"];
  /** Whether what follows attention keeps only its input for the backward pass. */
  readonly mlpAgain: boolean;
}

/** @param again whether it is computed a second time, for its gradients only */
function decoderLayer(
  { index, tokens, weights, config, keep, onQkv, past, mlpAgain }: DecoderLayer,
  x: tf.Tensor2D,
  rotary: RotaryTable,
  again: boolean,
): tf.Tensor2D {
  const name = `model.layers.${index}`;
  const normal = rmsNorm(x, weights.vector(`${name}.input_layernorm.weight`), config.rmsNormEps, weights.inOneOp);
  const own = projectQkv(normal, index, weights, config);
  const before = past?.(index);
  const qkv = before ? tf.concat2d([before, own], 0) : own;
  onQkv?.(index, qkv, rotary);
  const seen = attention(qkv, rotary, tokens.plan, attentionHeads(config), weights.inOneOp);
  const attended = before ? tf.slice2d(seen, [before.shape[0], 0], [-1, -1]) : seen;
  const [residual, values] = keep ? [gatherRows(x, keep), gatherRows(attended, keep)] : [x, attended];
  const hidden = addResidual(residual, weights.project(values, [`${name}.self_attn.o_proj`]));
  const norm = `${name}.post_attention_layernorm.weight`;
  const mlp = (x: tf.Tensor2D, again: boolean): tf.Tensor2D => {
    const inner = rmsNorm(x, weights.vector(norm), config.rmsNormEps, weights.inOneOp);
    const gateAndUp = weights.project(inner, [`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`]);
    const value = !again;
    return addResidual(x, weights.project(swiglu(gateAndUp, weights.inOneOp), [`${name}.mlp.down_proj`], { value }));
  };
  if (!mlpAgain) return mlp(hidden, again);
  const variables = [...weights.variablesUnder(norm), ...weights.variablesUnder(`${name}.mlp.`)];
  return checkpoint(hidden, [], variables, (x, _, again) => mlp(x, again));
}

/** The matrix that turns hidden states into logits, [vocabulary, hidden]. */
export function headWeight(weights: ModelWeights): Matrix {
  return weights.matrix(weights.has("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight");
}
