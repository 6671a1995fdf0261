#!/usr/bin/env python3
"""The gradient of one GRPO loss over answers of several turns, in float64 (PyTorch, eager attention, one thread).

python generate.py [--model ../qwen2_5_vl/base] [--seed 5]
"""

import argparse, importlib.metadata, json, math, os
import torch
from safetensors.torch import save_file
from transformers import Qwen2_5_VLForConditionalGeneration

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
HERE = os.path.dirname(os.path.abspath(__file__))
# Parts of a sequence: mN the model's own N tokens, tN N tokens that it is shown, [t, h, w] a picture that it is shown.
PROMPTS = [["t3", [1, 4, 6], "t4"], ["t6"]]
ROLLOUTS = [
    {
        "prompt": 0,
        "parts": ["m4", "t2", [1, 4, 4], "t3", "m3", "t2", [1, 6, 4], [1, 4, 4], "t1", "m5"],
        "advantage": 1.25,
    },
    {"prompt": 0, "parts": ["m2", "t5", "m6"], "advantage": -0.75},
    {"prompt": 1, "parts": ["m3", "t1", [1, 4, 4], "t2", "m2"], "advantage": -0.5},
    {"prompt": 1, "parts": ["m7"], "advantage": 1.0},
]
LOW, HIGH, DUAL = 0.2, 0.28, 3.0


def saved_name(n):
    return n.replace("model.language_model.", "model.").replace("model.visual.", "visual.")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--model", default=os.path.join(HERE, "../qwen2_5_vl/base"))
    a.add_argument("--seed", type=int, default=5)
    a = a.parse_args()
    g = torch.Generator().manual_seed(a.seed)
    special = json.load(open(os.path.join(a.model, "index.json")))["special_tokens"]
    model = (
        Qwen2_5_VLForConditionalGeneration.from_pretrained(a.model, attn_implementation="eager", dtype=torch.float32)
        .double()
        .eval()
    )
    vision = model.config.vision_config
    start, pad, end, text = (
        special[k] for k in ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|endoftext|>")
    )
    tensors, pictures = {}, []

    def make(parts):
        ids, mask, grids = [], [], []
        for part in parts:
            if isinstance(part, list):
                n = math.prod(part)
                dims = 3 * vision.temporal_patch_size * vision.patch_size**2
                pixels = ((torch.randn(n, dims, generator=g) + torch.randn(n, 1, generator=g)) * 256).round() / 256
                tensors[f"pixels.{len(pictures)}"] = pixels
                pictures.append({"grid": part})
                grids.append(len(pictures) - 1)
                new = [start] + [pad] * (n // vision.spatial_merge_size**2) + [end]
            else:
                new = torch.randint(0, text, (int(part[1:]),), generator=g).tolist()
            ids += new
            mask += [int(part[0] == "m") if isinstance(part, str) else 0] * len(new)
        return {"ids": ids, "mask": mask, "pictures": grids}

    prompts = [make(p) for p in PROMPTS]
    rollouts = [{"prompt": r["prompt"], "advantage": r["advantage"], **make(r["parts"])} for r in ROLLOUTS]

    def log_probs(r):
        p = prompts[r["prompt"]]
        ids = torch.tensor([p["ids"] + r["ids"]])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": (ids == pad).int()}
        seen = p["pictures"] + r["pictures"]
        if seen:
            inputs["image_grid_thw"] = torch.tensor([pictures[i]["grid"] for i in seen])
            inputs["pixel_values"] = torch.cat([tensors[f"pixels.{i}"] for i in seen]).double()
        model.model.rope_deltas = None
        logits = model(**inputs, use_cache=False).logits[0, len(p["ids"]) - 1 : -1]
        assert logits.dtype == torch.float64
        return torch.log_softmax(logits, -1).gather(-1, torch.tensor(r["ids"])[:, None]).squeeze(-1)

    total, count, near = 0.0, sum(sum(r["mask"]) for r in rollouts), math.inf
    for r in rollouts:
        lp, mask = log_probs(r), torch.tensor(r["mask"], dtype=torch.float64)
        old = (lp.detach() + 0.4 * torch.randn(lp.shape, generator=g, dtype=torch.float64)).float().double()
        r["log_probs"], r["old_log_probs"] = (lp.detach() * mask).tolist(), (old * mask).tolist()
        ratio, adv = torch.exp(lp - old), r["advantage"]
        clipped = torch.maximum(-adv * ratio, -adv * torch.clamp(ratio, 1 - LOW, 1 + HIGH))
        loss = torch.minimum(torch.tensor(-adv * DUAL, dtype=torch.float64), clipped) if adv < 0 else clipped
        total = total + (loss * mask).sum() / count
        bound = 1 + HIGH if adv > 0 else 1 - LOW
        near = min(near, float(((ratio - bound).abs() + (1 - mask) * 9).detach().min()))
    total.backward()
    gradients = {saved_name(n): p.grad for n, p in model.named_parameters()}
    assert all(v is not None for v in gradients.values())
    # Large matrices: the rows whose gradient is largest.
    rows = {}
    for name, value in gradients.items():
        if value.dim() == 2 and value.shape[0] > 8:
            kept = value.norm(dim=1).topk(8).indices.sort().values
            rows[name] = kept.tolist()
            value = value[kept]
        tensors[f"grad.{name}"] = value.float()
    save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(HERE, "turns.safetensors"))
    versions = {k: importlib.metadata.version(k) for k in ("torch", "transformers")}
    out = {
        "versions": versions,
        "seed": a.seed,
        "clip": [LOW, HIGH, DUAL],
        "pictures": pictures,
        "prompts": prompts,
        "rollouts": rollouts,
        "loss": float(total.detach()),
        "nearest_clip_bound": near,
        "rows": rows,
        "norms": {n: float(v.norm()) for n, v in gradients.items()},
    }
    json.dump(out, open(os.path.join(HERE, "turns.json"), "w"), separators=(",", ":"))
    print(f"loss {float(total.detach()):.12f}, nearest clip bound {near:.4f}, {count} tokens")


main()
