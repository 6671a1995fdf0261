"""PyTorch's side of packages/training/src/update/large-training.bench.ts: one update, repeated.

    python3 tools/peers/pytorch_training.py SETTINGS_AS_JSON

Prints one JSON line: the least milliseconds of an update by the clock and of processor time, the most memory of the
process while it trains, in bytes, and the loss before the first update.
"""

import json
import math
import os
import pathlib
import sys
import time

settings = json.loads(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(settings["threads"])

import torch  # noqa: E402  (after the number of threads is set)
import transformers  # noqa: E402

torch.set_num_threads(settings["threads"])
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
dtype = getattr(torch, settings.get("dtype", "float32"))
model = transformers.Qwen2_5_VLForConditionalGeneration.from_pretrained(settings["folder"], dtype=dtype).train()
config = model.config
if settings.get("rank"):
    import peft

    targets = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj)"
    model = peft.get_peft_model(
        model, peft.LoraConfig(r=settings["rank"], lora_alpha=2 * settings["rank"], target_modules=targets)
    )
if settings.get("checkpointing"):
    model.gradient_checkpointing_enable()
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01, fused=True)

rows, length, patches = settings["rows"], settings["length"], settings.get("patches")
vocabulary = config.text_config.vocab_size
ids = 10 + (torch.arange(rows)[:, None] * 7919 + torch.arange(length + 1)[None] * 104729) % (vocabulary - 10)
predicted = length
extra = {}
if patches:
    vision = config.vision_config
    tokens = (patches // vision.spatial_merge_size) ** 2
    ids[:, 0] = config.vision_start_token_id
    ids[:, 1 : 1 + tokens] = config.image_token_id
    predicted = length - 1 - tokens
    width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    at = 0.37 * torch.arange(patches**2 * width, dtype=torch.float64)
    pixels = torch.cat([torch.sin(at + row).float().view(-1, width) for row in range(rows)])
    extra = {
        "pixel_values": pixels,
        "image_grid_thw": torch.tensor([[1, patches, patches]] * rows),
        "mm_token_type_ids": (ids[:, :-1] == config.image_token_id).int(),
    }
inputs, targets = ids[:, :-1], ids[:, -predicted:]


def update():
    logits = model(
        input_ids=inputs, attention_mask=torch.ones_like(inputs), logits_to_keep=predicted, use_cache=False, **extra
    ).logits
    loss = torch.nn.functional.cross_entropy(logits.float().reshape(-1, vocabulary), targets.reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


pathlib.Path("/proc/self/clear_refs").write_text("5")
found, first = [], math.nan
for repetition in range(settings["updates"]):
    start, used = time.perf_counter(), time.process_time()
    loss = update()
    if repetition == 0:
        first = loss
    else:
        found.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - used)))
peak = 1024 * int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
ms, cpu = (min(column) for column in zip(*found))
print(json.dumps({"ms": ms, "cpu": cpu, "peak": peak, "loss": first}), flush=True)
