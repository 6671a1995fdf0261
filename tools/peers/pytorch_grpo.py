"""PyTorch's sides of packages/training/src/update/large-grpo.bench.ts: one GRPO step with a picture.

    python3 tools/peers/pytorch_grpo.py SETTINGS_AS_JSON

Prints one JSON line: seconds of the generation and of the update, by the clock and of processor time, the most memory
of the process in each, in bytes, and the mean log-probability of a fixed answer before the first update. Of several
steps it is the fastest.
"""

import json
import os
import pathlib
import sys
import time

settings = json.loads(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(settings["threads"])
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402  (after the number of threads is set)
import transformers  # noqa: E402
from transformers.modeling_outputs import BaseModelOutputWithPooling  # noqa: E402

torch.set_num_threads(settings["threads"])
torch.manual_seed(1)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
model = transformers.Qwen2_5_VLForConditionalGeneration.from_pretrained(settings["folder"], dtype=torch.float32)
config = model.config
inner = model.model
if settings.get("freezeVision"):
    inner.visual.requires_grad_(False)
if settings.get("rank"):
    import peft

    targets = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj)"
    lora = peft.LoraConfig(r=settings["rank"], lora_alpha=2 * settings["rank"], target_modules=targets)
    model = peft.get_peft_model(model, lora)

patches, text, shared = settings["patches"], settings["text"], settings["side"] == "shared"
vision = config.vision_config
picture_tokens = (patches // vision.spatial_merge_size) ** 2
length = picture_tokens + 2 * text
prompt = 10 + (torch.arange(length) * 104729) % settings["words"]
prompt[text - 1] = config.vision_start_token_id
prompt[text : text + picture_tokens] = config.image_token_id
prompt[text + picture_tokens] = config.vision_end_token_id
width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
pixels = torch.sin(0.37 * torch.arange(patches**2 * width, dtype=torch.float64)).float().view(-1, width)
grid = torch.tensor([[1, patches, patches]])
banned = torch.tensor([config.image_token_id, config.video_token_id])


def status(key):
    """Bytes of memory from /proc."""
    return 1024 * int(pathlib.Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])


def timed(run):
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    start, used = time.perf_counter(), time.process_time()
    result = run()
    phase = {"s": time.perf_counter() - start, "cpu": time.process_time() - used, "peak": status("VmHWM")}
    return result, phase


def inputs(ids):
    """What the model takes beside the tokens: the picture of each row, or its features for all of them."""
    rows = len(ids)
    more = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "image_grid_thw": grid.repeat(rows, 1),
        "mm_token_type_ids": (ids == config.image_token_id).int(),
    }
    if not shared:
        return {**more, "pixel_values": pixels.repeat(rows, 1)}
    features = inner.get_image_features(pixels, grid, return_dict=True).pooler_output
    return {**more, "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features * rows)}}


@torch.no_grad()
def generate(rows, tokens):
    model.eval()
    if not shared:
        ids = prompt.repeat(rows, 1)
        return model.generate(
            **inputs(ids),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            bad_words_ids=[[token] for token in banned.tolist()],
        )[:, length:]
    cache = transformers.DynamicCache()
    logits = model(**inputs(prompt[None]), cache=cache, use_cache=True, logits_to_keep=1).logits[:, -1].repeat(rows, 1)
    cache.batch_repeat_interleave(rows)
    position = length + inner.rope_deltas.item()
    made = []
    for step in range(tokens):
        logits[:, banned] = -torch.inf
        made.append(torch.multinomial(torch.softmax(logits, -1), 1))
        if step + 1 < tokens:
            at = torch.full((3, rows, 1), position + step)
            logits = model(input_ids=made[-1], position_ids=at, cache=cache, use_cache=True, logits_to_keep=1).logits[
                :, -1
            ]
    return torch.cat(made, 1)


def log_probs(completions):
    rows, tokens = completions.shape
    ids = torch.cat([prompt.repeat(rows, 1), completions], 1)
    logits = model(**inputs(ids), logits_to_keep=tokens + 1, use_cache=False).logits[:, :-1]
    chosen = logits.gather(-1, completions[..., None])[..., 0]
    return chosen - torch.stack([row.logsumexp(-1) for row in logits])


trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0.01, fused=True)


def update(completions, advantages):
    model.train()
    found = log_probs(completions)
    ratio = torch.exp(found - found.detach())
    advantages = advantages[:, None]
    loss = -torch.min(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()


def step(completions):
    rewards = (completions % 7).float().mean(1)
    update(completions, (rewards - rewards.mean()) / (rewards.std() + 1e-6))


fixed = 10 + (torch.arange(2)[:, None] * 7919 + torch.arange(8)[None] * 104729) % settings["words"]
with torch.no_grad():
    check = log_probs(fixed)[0].mean().item()
generate(2, 8)
update(fixed, torch.tensor([-1.0, 1.0]))
measured = []
for _ in range(settings["steps"]):
    completions, generation = timed(lambda: generate(settings["rollouts"], settings["tokens"]))
    assert completions.shape == (settings["rollouts"], settings["tokens"])
    _, updated = timed(lambda: step(completions))
    measured.append({"generate": generation, "update": updated, "check": check})
print(json.dumps(min(measured, key=lambda one: one["generate"]["s"] + one["update"]["s"])), flush=True)
