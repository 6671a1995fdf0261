/** The parts of a published config.json that the families share, in the order in which they are written. */
import type { TextConfig, VlmConfig } from "./model-config";

/** End-of-sequence tokens as config.json has them: a number, a list, or nothing. */
export function idOrList(ids: readonly number[]): number | readonly number[] | undefined {
  return ids.length === 1 ? ids[0] : ids.length === 0 ? undefined : ids;
}

/** Special tokens of the language model. */
export function textTokensJson(config: VlmConfig): Record<string, unknown> {
  return {
    bos_token_id: config.bosTokenId,
    eos_token_id: idOrList(config.eosTokenIds),
    pad_token_id: config.padTokenId,
  };
}

/** Special tokens for pictures and videos. */
export function visionTokensJson(config: VlmConfig): Record<string, unknown> {
  return {
    vision_start_token_id: config.visionStartTokenId,
    vision_end_token_id: config.visionEndTokenId,
    image_token_id: config.imageTokenId,
    video_token_id: config.videoTokenId,
  };
}

/**
 * The flat layout of the published Qwen2-VL and Qwen2.5-VL checkpoints: transformers 5.23 and 4.57 both load it to
 * equal logits (4.57 cannot run the nested one).
 */
export function flatConfigJson(
  architecture: string,
  config: VlmConfig,
  vision: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { text } = config;
  return {
    architectures: [architecture],
    attention_dropout: 0,
    ...textTokensJson(config),
    ...visionTokensJson(config),
    ...textSizesJson(text),
    max_window_layers: text.numLayers,
    model_type: config.modelType,
    num_attention_heads: text.numHeads,
    num_hidden_layers: text.numLayers,
    num_key_value_heads: text.numKeyValueHeads,
    rms_norm_eps: text.rmsNormEps,
    rope_theta: text.ropeTheta,
    rope_scaling: { type: "mrope", mrope_section: text.mropeSection },
    sliding_window: text.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: "float32",
    use_cache: true,
    use_sliding_window: false,
    vision_config: vision,
    vocab_size: text.vocabSize,
  };
}

/** Widths of the language model. */
export function textSizesJson(text: TextConfig): Record<string, unknown> {
  return {
    hidden_act: "silu",
    hidden_size: text.hiddenSize,
    initializer_range: text.initializerRange,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: text.maxPositionEmbeddings,
  };
}
