/**
 * The files beside the demonstration model's weights, in Hugging Face's layout: transformers loads the folder as it is.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pictureSize } from "./drawing/canvas";
import { embeddingRows, tokenId, tokenizerJson, vocabulary } from "./vocabulary";

const chatTemplate = `{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string -%}
{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' or 'image' in part -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif 'text' in part -%}
{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
`;

/** Qwen2.5-VL in small: window and full attention, M-RoPE, merger, tied embeddings; about 1.2 M parameters. */
export const demoModelConfig = {
  architectures: ["Qwen2_5_VLForConditionalGeneration"],
  model_type: "qwen2_5_vl",
  torch_dtype: "float32",
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  hidden_act: "silu",
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  rope_scaling: { type: "mrope", mrope_section: [4, 6, 6] },
  vocab_size: embeddingRows(vocabulary),
  tie_word_embeddings: true,
  use_sliding_window: false,
  attention_dropout: 0,
  initializer_range: 0.02,
  bos_token_id: tokenId("<|im_start|>"),
  eos_token_id: tokenId("<|im_end|>"),
  pad_token_id: tokenId("<|endoftext|>"),
  vision_start_token_id: tokenId("<|vision_start|>"),
  vision_end_token_id: tokenId("<|vision_end|>"),
  image_token_id: tokenId("<|image_pad|>"),
  video_token_id: tokenId("<|video_pad|>"),
  vision_config: {
    model_type: "qwen2_5_vl",
    depth: 3,
    hidden_size: 96,
    intermediate_size: 192,
    num_heads: 3,
    hidden_act: "silu",
    out_hidden_size: 128,
    in_chans: 3,
    patch_size: 14,
    spatial_patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    tokens_per_second: 2,
    window_size: 56,
    fullatt_block_indexes: [1],
  },
} as const;

/** What another model of this architecture has in place of the demonstration's. */
export interface ModelFolderChanges {
  /** The special tokens first. */
  readonly tokens?: readonly string[];
  /** Fewest and most pixels of a picture as the model sees it. */
  readonly pixels?: { readonly least: number; readonly most: number };
}

/** Writes config, tokenizer, chat template and processor settings; the weights are the policy's to save. */
export async function writeDemoModelFolder(folder: string, changes: ModelFolderChanges = {}): Promise<void> {
  const { tokens = vocabulary, pixels = { least: 56 * 56, most: pictureSize * pictureSize * 4 } } = changes;
  await mkdir(folder, { recursive: true });
  const json = (name: string, value: unknown) => writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
  await json("config.json", { ...demoModelConfig, vocab_size: embeddingRows(tokens) });
  await json("tokenizer.json", tokenizerJson(tokens));
  await json("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: "<|im_end|>",
    pad_token: "<|endoftext|>",
    unk_token: "<unk>",
    clean_up_tokenization_spaces: false,
    model_max_length: demoModelConfig.max_position_embeddings,
  });
  await json("generation_config.json", {
    bos_token_id: demoModelConfig.bos_token_id,
    eos_token_id: demoModelConfig.eos_token_id,
    pad_token_id: demoModelConfig.pad_token_id,
    do_sample: false,
  });
  await json("preprocessor_config.json", {
    image_processor_type: "Qwen2VLImageProcessor",
    processor_class: "Qwen2_5_VLProcessor",
    do_convert_rgb: true,
    do_rescale: true,
    do_normalize: true,
    do_resize: true,
    min_pixels: pixels.least,
    max_pixels: pixels.most,
    patch_size: 14,
    temporal_patch_size: 2,
    merge_size: 2,
    resample: 3,
    rescale_factor: 1 / 255,
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_std: [0.26862954, 0.26130258, 0.27577711],
  });
  await writeFile(join(folder, "chat_template.jinja"), chatTemplate);
}
