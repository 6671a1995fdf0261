"""PyTorch's side of packages/policy/src/memory.bench.ts: forward and backward of 8 x 256 tokens.

    python3 tools/peers/pytorch_memory.py FOLDER_WITH_CONFIG CHECKPOINTING(0|1) [THREADS]

Prints one JSON line: the fastest of 3 repetitions and the peak memory of the process.
"""

import json
import os
import resource
import sys
import time

folder, checkpointing = sys.argv[1], sys.argv[2] == "1"
threads = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count()
os.environ["OMP_NUM_THREADS"] = str(threads)

import torch  # noqa: E402  (after the number of threads is set)
import transformers  # noqa: E402

torch.set_num_threads(threads)
transformers.logging.set_verbosity_error()
config = transformers.AutoConfig.from_pretrained(folder)
model = transformers.Qwen2_5_VLForConditionalGeneration(config).float().train()
if checkpointing:
    model.gradient_checkpointing_enable()
for parameter in model.model.visual.parameters():
    parameter.requires_grad = False
vocabulary = config.text_config.vocab_size
texts = torch.randint(10, vocabulary, (8, 257))
best = float("inf")
for repetition in range(4):
    start = time.perf_counter()
    logits = model(input_ids=texts[:, :-1], attention_mask=torch.ones(8, 256, dtype=torch.long)).logits
    torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), texts[:, 1:].reshape(-1)).backward()
    model.zero_grad()
    if repetition > 0:
        best = min(best, time.perf_counter() - start)
print(
    json.dumps(
        {
            "backend": f"torch {torch.__version__}",
            "threads": threads,
            "what": "train 24 layers, 8 x 256 tokens",
            "gradientCheckpointing": checkpointing,
            "ms": round(1000 * best),
            "processMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    ),
    flush=True,
)
