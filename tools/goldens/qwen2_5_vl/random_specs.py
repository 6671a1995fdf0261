#!/usr/bin/env python3
"""Configurations and prompts nobody thought of, for generate.py: sizes, heads, windows, full-attention blocks, tied
or not, pictures and videos of any grid, drawn from a seed.

  python random_specs.py --out DIR --seed N [--count 8] [--family F]   DIR/N/spec.json, one variant a draw
  python generate.py --spec DIR/N/spec.json --out DIR/N                their reference values (of Qwen2-VL and Qwen3-VL
                                                                       by ../qwen3_vl/generate.py --family F)
  npm run parity -- DIR/N [--backend wasm]                             ours beside them
"""

import argparse, json, os, random


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


def of_qwen2_vl(r, sp):
    vision = sp["vision"]
    sp["vision"] = {
        "embed_dim": vision["hidden_size"],
        "hidden_size": sp["text"]["hidden_size"],
        "mlp_ratio": r.randint(1, 4),
        **{
            key: vision[key]
            for key in ("depth", "num_heads", "patch_size", "spatial_merge_size", "temporal_patch_size")
        },
    }


def of_qwen3_vl(r, sp):
    """Heads of any size, a square table of positions, features added after any layers, time stamps of any length."""
    text, vision = sp["text"], sp["vision"]
    half = r.randint(3, 12)
    third = [r.randint(0, half // 3) for _ in range(2)]
    sp["mrope_section"] = [half - sum(third), *third]
    sp["stamp"] = r.randint(1, 5)
    text["head_dim"] = 2 * half
    added = r.randint(0, min(vision["depth"], text["num_hidden_layers"]))
    for key in ("window_size", "fullatt_block_indexes", "tokens_per_second"):
        del vision[key]
    vision["num_position_embeddings"] = r.randint(2, 9) ** 2
    vision["deepstack_visual_indexes"] = sorted(r.sample(range(vision["depth"]), added))


CHANGES = {"qwen2_vl": of_qwen2_vl, "qwen2_5_vl": lambda r, sp: None, "qwen3_vl": of_qwen3_vl}


def variant(r, family):
    heads = r.choice([1, 2, 3, 4, 6, 8])
    keys = r.choice(divisors(heads))
    head_dim = 2 * r.randint(3, 12)
    half = head_dim // 2
    cut = sorted(r.sample(range(1, half), 2)) if half > 2 else [1, 1]
    section = [cut[0], cut[1] - cut[0], half - cut[1]]
    vision_heads = r.choice([1, 2, 3, 4])
    patch, merge = r.choice([6, 10, 14]), r.choice([1, 2, 2, 2, 3])
    depth = r.randint(1, 4)
    vocab_text = r.randint(150, 420)
    hidden = heads * head_dim
    sp = {
        "vocab_text": vocab_text,
        "vocab_size": vocab_text + r.randint(7, 30),
        "tie": r.random() < 0.5,
        "rope_theta": r.choice([1e4, 5e5, 1e6]),
        "mrope_section": section,
        "eps": r.choice([1e-6, 1e-5]),
        "text": {
            "hidden_size": hidden,
            "intermediate_size": r.randint(9, 150),
            "num_hidden_layers": r.randint(1, 4),
            "num_attention_heads": heads,
            "num_key_value_heads": keys,
        },
        "vision": {
            "depth": depth,
            "hidden_size": vision_heads * 4 * r.randint(1, 5),
            "num_heads": vision_heads,
            "intermediate_size": r.randint(7, 60),
            "patch_size": patch,
            "spatial_merge_size": merge,
            "temporal_patch_size": r.choice([1, 2, 2]),
            "window_size": patch * merge * r.randint(1, 4) + r.choice([0, 0, patch - 1]),
            "fullatt_block_indexes": sorted(r.sample(range(depth), r.randint(0, depth))),
            "out_hidden_size": hidden,
            "tokens_per_second": r.choice([1, 2, 4]),
        },
    }

    def grid(frames=1):
        return [frames, merge * r.randint(1, 7), merge * r.randint(1, 7)]

    def text():
        return "t%d" % r.randint(1, 14)

    # a few tokens at least: with one there is nothing to attend to, and gradients of queries are rounding errors
    cases = [{"name": "text_only", "rows": [["t%d" % r.randint(4, 17)]], "nll_grads": True, "big_grads": True}]
    images, row = [], [text()]
    for _ in range(r.randint(1, 3)):
        row += ["i%d" % len(images), text()]
        images.append(grid())
    cases.append({"name": "images", "rows": [row], "images": images, "all_grads": True})
    images, rows = [], []
    for _ in range(r.randint(2, 4)):
        row = [text()]
        if r.random() < 0.6:
            row += ["i%d" % len(images), text()]
            images.append(grid())
        rows.append(row)
    cases.append({"name": "batch", "rows": rows, **({"images": images} if images else {})})
    cases.append(
        {
            "name": "video",
            "rows": [[text(), "v0", text()]],
            "videos": [grid(r.randint(1, 4))],
            "second_per_grid_ts": [r.choice([0.5, 1.0, 1.5])],
        }
    )
    sp["cases"] = cases
    if family != "qwen2_5_vl":  # the others do not count seconds
        del cases[-1]["second_per_grid_ts"]
    CHANGES[family](r, sp)
    return sp


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--out", required=True)
    a.add_argument("--seed", type=int, required=True)
    a.add_argument("--count", type=int, default=8)
    a.add_argument("--family", choices=list(CHANGES), default="qwen2_5_vl")
    args = a.parse_args()
    r = random.Random(args.seed)
    folder = os.path.join(args.out, str(args.seed))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "spec.json"), "w") as f:
        json.dump({"v%d" % i: variant(r, args.family) for i in range(args.count)}, f, indent=1)


if __name__ == "__main__":
    main()
