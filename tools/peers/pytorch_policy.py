"""PyTorch's side of docs/performance.md, "Policy": the same model and batches as packages/policy/src/policy.bench.ts.

    python3 -m venv v && v/bin/pip install torch transformers torchvision pillow
    v/bin/python tools/peers/pytorch_policy.py THREADS

Prints one JSON line a measurement, the fastest of 12 repetitions after one that warms up.
"""

import json
import os
import pathlib
import sys
import time

threads = int(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(threads)

import torch  # noqa: E402  (after the number of threads is set)
import transformers  # noqa: E402

torch.set_num_threads(threads)
torch.manual_seed(1)
transformers.logging.set_verbosity_error()

config = transformers.AutoConfig.from_pretrained(pathlib.Path(__file__).parent / "tiny-qwen2_5_vl")
model = transformers.Qwen2_5_VLForConditionalGeneration(config).float()
vocabulary = config.text_config.vocab_size


def fastest(what, body, tokens, times=12):
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - start)
    best = min(seconds[1:])
    print(
        json.dumps(
            {
                "threads": threads,
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "what": what,
                "ms": round(1000 * best),
                "tokensPerSecond": round(tokens / best),
            }
        ),
        flush=True,
    )


prompts = torch.randint(7, vocabulary, (32, 32))


def generate():
    with torch.inference_mode():
        made = model.generate(
            input_ids=prompts,
            attention_mask=torch.ones_like(prompts),
            max_new_tokens=64,
            min_new_tokens=64,
            do_sample=True,
            top_k=0,
            use_cache=True,
        )
    assert made.shape == (32, 96)


def decode():
    """The same without `generate`'s own work: a forward pass a token over cached keys and values."""
    with torch.inference_mode():
        cache = transformers.DynamicCache()
        ids = prompts
        for _ in range(64):
            logits = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
            ids = torch.multinomial(torch.softmax(logits, -1), 1)


texts = torch.randint(7, vocabulary, (32, 128))


def train():
    logits = model(input_ids=texts, attention_mask=torch.ones_like(texts)).logits
    torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, vocabulary), texts[:, 1:].reshape(-1)).backward()
    model.zero_grad()


seeing = torch.randint(7, vocabulary, (32, 40))
seeing[:, 3] = config.vision_start_token_id
seeing[:, 4:20] = config.image_token_id
vision = config.vision_config
pixels = torch.randn(32 * 64, vision.in_channels * vision.temporal_patch_size * vision.patch_size**2)
grids = torch.tensor([[1, 8, 8]] * 32)


def look():
    model(
        input_ids=seeing,
        attention_mask=torch.ones_like(seeing),
        pixel_values=pixels,
        image_grid_thw=grids,
        mm_token_type_ids=(seeing == config.image_token_id).int(),
    ).logits.square().mean().backward()
    model.zero_grad()


model.eval()
fastest("generate 32 x 64 tokens", generate, 32 * 64)
fastest("generate 32 x 64 tokens, by hand", decode, 32 * 64)
model.train()
fastest("train 32 x 128 tokens", train, 32 * 128)
fastest("forward and backward, 32 pictures of 112 x 112", look, 32 * 40)
