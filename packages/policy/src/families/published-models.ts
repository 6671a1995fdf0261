/**
 * config.json of the published checkpoints, as far as sizes go: Qwen2-VL (arXiv 2409.12191), Qwen2.5-VL (arXiv
 * 2502.13923) and Qwen3-VL (arXiv 2511.21631), Instruct, on huggingface.co/Qwen. Keys that they leave out have the
 * values of transformers' configuration classes here. `source` says where the sizes of each were read; numbers of
 * parameters follow from the sizes, and agree with what model pages show (2.21 B and 8.29 B of Qwen2-VL).
 */

/** A checkpoint that people have. */
export interface PublishedModel {
  /** Without `-Instruct`. */
  readonly name: string;
  /** Where the sizes of the language model and of the tower were read. */
  readonly source: string;
  readonly parameters: number;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

const tokens = {
  bos_token_id: 151643,
  eos_token_id: 151645,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  image_token_id: 151655,
  video_token_id: 151656,
};
const flat = {
  ...tokens,
  hidden_act: "silu",
  initializer_range: 0.02,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
  sliding_window: 32768,
  torch_dtype: "bfloat16",
  use_sliding_window: false,
};
const small = { hidden_size: 1536, intermediate_size: 8960, num_attention_heads: 12, num_hidden_layers: 28 };
const middle = { hidden_size: 3584, intermediate_size: 18944, num_attention_heads: 28, num_hidden_layers: 28 };

function qwen2Vl(sizes: Readonly<Record<string, unknown>>) {
  return {
    architectures: ["Qwen2VLForConditionalGeneration"],
    model_type: "qwen2_vl",
    ...flat,
    max_position_embeddings: 32768,
    ...sizes,
    vision_config: {
      depth: 32,
      embed_dim: 1280,
      mlp_ratio: 4,
      num_heads: 16,
      in_chans: 3,
      hidden_size: sizes["hidden_size"],
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      temporal_patch_size: 2,
    },
  };
}

function qwen25Vl(sizes: Readonly<Record<string, unknown>>) {
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    ...flat,
    max_position_embeddings: 128000,
    ...sizes,
    vision_config: {
      depth: 32,
      hidden_act: "silu",
      hidden_size: 1280,
      intermediate_size: 3420,
      num_heads: 16,
      in_chans: 3,
      out_hidden_size: sizes["hidden_size"],
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      window_size: 112,
      fullatt_block_indexes: [7, 15, 23, 31],
      tokens_per_second: 2,
      temporal_patch_size: 2,
    },
  };
}

function qwen3Vl(
  sizes: Readonly<Record<string, unknown>>,
  tie_word_embeddings: boolean,
  vision: Readonly<Record<string, unknown>>,
) {
  return {
    architectures: ["Qwen3VLForConditionalGeneration"],
    model_type: "qwen3_vl",
    image_token_id: 151655,
    video_token_id: 151656,
    vision_start_token_id: 151652,
    vision_end_token_id: 151653,
    tie_word_embeddings,
    text_config: {
      attention_bias: false,
      bos_token_id: 151643,
      eos_token_id: 151645,
      dtype: "bfloat16",
      head_dim: 128,
      hidden_act: "silu",
      initializer_range: 0.02,
      max_position_embeddings: 262144,
      model_type: "qwen3_vl_text",
      num_key_value_heads: 8,
      rms_norm_eps: 1e-6,
      rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: "default" },
      rope_theta: 5e6,
      tie_word_embeddings,
      vocab_size: 151936,
      ...sizes,
    },
    vision_config: {
      hidden_act: "gelu_pytorch_tanh",
      in_channels: 3,
      model_type: "qwen3_vl",
      num_heads: 16,
      num_position_embeddings: 2304,
      out_hidden_size: sizes["hidden_size"],
      patch_size: 16,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      ...vision,
    },
  };
}

const smallTower = { deepstack_visual_indexes: [5, 11, 17], depth: 24, hidden_size: 1024, intermediate_size: 4096 };
const largeTower = { deepstack_visual_indexes: [8, 16, 24], depth: 27, hidden_size: 1152, intermediate_size: 4304 };

/** One entry per checkpoint, for estimates before a download. */
export const publishedModels: readonly PublishedModel[] = [
  {
    name: "Qwen2-VL-2B",
    source:
      "config.json of huggingface.co/Qwen/Qwen2-VL-2B-Instruct-AWQ; tower: Qwen2VLVisionConfig of transformers 5.24",
    parameters: 2_208_985_600,
    config: qwen2Vl({ ...small, num_key_value_heads: 2, tie_word_embeddings: true, vocab_size: 151936 }),
  },
  {
    name: "Qwen2-VL-7B",
    source:
      "config.json of fine-tuned Qwen2-VL-7B-Instruct (huggingface.co); tower: Qwen2VLVisionConfig of transformers 5.24",
    parameters: 8_291_375_616,
    config: qwen2Vl({ ...middle, num_key_value_heads: 4, tie_word_embeddings: false, vocab_size: 152064 }),
  },
  {
    name: "Qwen2.5-VL-3B",
    source: "config.json of AWQ and other copies of Qwen2.5-VL-3B-Instruct (huggingface.co); rest: transformers 5.24",
    parameters: 3_754_622_976,
    config: qwen25Vl({
      hidden_size: 2048,
      intermediate_size: 11008,
      num_attention_heads: 16,
      num_hidden_layers: 36,
      num_key_value_heads: 2,
      tie_word_embeddings: true,
      vocab_size: 151936,
    }),
  },
  {
    name: "Qwen2.5-VL-7B",
    source:
      "config.json of huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct-AWQ; rest: Qwen2_5_VLVisionConfig of transformers 5.24",
    parameters: 8_292_166_656,
    config: qwen25Vl({ ...middle, num_key_value_heads: 4, tie_word_embeddings: false, vocab_size: 152064 }),
  },
  {
    name: "Qwen3-VL-2B",
    source:
      "language model: config.json of Qwen3-1.7B, which it is; tower: that of Qwen3-VL-4B. Not read at its own source",
    parameters: 2_127_532_032,
    config: qwen3Vl(
      { hidden_size: 2048, intermediate_size: 6144, num_attention_heads: 16, num_hidden_layers: 28 },
      true,
      smallTower,
    ),
  },
  {
    name: "Qwen3-VL-4B",
    source: "config.json of Qwen3-VL-4B-Instruct as public repositories quote it",
    parameters: 4_437_815_808,
    config: qwen3Vl(
      { hidden_size: 2560, intermediate_size: 9728, num_attention_heads: 32, num_hidden_layers: 36 },
      true,
      smallTower,
    ),
  },
  {
    name: "Qwen3-VL-8B",
    source:
      "GGUF metadata of ollama.com/library/qwen3-vl:8b-instruct; config.json of fine-tuned copies (huggingface.co)",
    parameters: 8_767_123_696,
    config: qwen3Vl(
      { hidden_size: 4096, intermediate_size: 12288, num_attention_heads: 32, num_hidden_layers: 36 },
      false,
      largeTower,
    ),
  },
];
