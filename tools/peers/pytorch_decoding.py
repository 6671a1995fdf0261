"""PyTorch's side of packages/policy/src/large-decoding.bench.ts: transformers' `generate` on a Qwen2 of the same shape.

    python3 tools/peers/pytorch_decoding.py SETTINGS_AS_JSON

Prints a line once the model is loaded. Then reads a number of rows a line and prints one JSON line for it: milliseconds
of a step from the first token on, by the clock and of processor time, and the memory that the generation took beside
what the process had, in bytes.
"""

import json
import os
import pathlib
import sys
import time

settings = json.loads(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(settings["threads"])

import torch  # noqa: E402  (after the number of threads is set)
import transformers  # noqa: E402

torch.set_num_threads(settings["threads"])
torch.manual_seed(1)
transformers.logging.set_verbosity_error()
if settings["half"]:
    torch.set_default_dtype(torch.bfloat16)
config = transformers.Qwen2Config(
    hidden_size=settings["hiddenSize"],
    intermediate_size=settings["intermediateSize"],
    num_hidden_layers=settings["numLayers"],
    num_attention_heads=settings["numHeads"],
    num_key_value_heads=settings["numKeyValueHeads"],
    vocab_size=settings["vocabSize"],
    tie_word_embeddings=True,
)
model = transformers.Qwen2ForCausalLM(config).eval()
prompt = torch.arange(10, 10 + settings["prompt"])


class Clock(transformers.StoppingCriteria):
    """Notes when each token is there."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **kwargs):
        self.times.append((time.perf_counter(), time.process_time()))
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def status(key):
    """Bytes of memory from /proc."""
    return 1024 * int(pathlib.Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])


print("loaded", flush=True)
for line in sys.stdin:
    rows, tokens = int(line), settings["steps"] + 1
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    clock = Clock()
    with torch.inference_mode():
        made = model.generate(
            input_ids=prompt.repeat(rows, 1),
            attention_mask=torch.ones(rows, settings["prompt"], dtype=torch.long),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            use_cache=True,
            stopping_criteria=[clock],
        )
    assert made.shape == (rows, settings["prompt"] + tokens)
    more = status("VmHWM") - before
    ms, cpu = (1000 * (last - first) / settings["steps"] for first, last in zip(clock.times[0], clock.times[-1]))
    print(json.dumps({"ms": ms, "cpu": cpu, "more": more}), flush=True)
