"""OpenRLHF's own single-turn executor (openrlhf/utils/agent.py) fetches its rewards from our server and through our
client file.

    python openrlhf_executor.py CLIENT_FOLDER SERVER_URL TOKENIZER [PROCESSOR]   prints one JSON line: reward, score,
    logs of each case

The package's __init__ files pull in deepspeed and are not run; agent.py, what it imports and the tokenizer are the
real ones. Only the engine is ours: it "generates" the ids that a case states. With PROCESSOR, a folder of a
Qwen2.5-VL processor, one case has a picture.
"""

import asyncio
import importlib.util
import json
import os
import sys
import types

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")
client, url, tokenizer_path, *processor_path = sys.argv[1:]

root = importlib.util.find_spec("openrlhf").submodule_search_locations[0]
for name, folder in (("openrlhf", root), ("openrlhf.utils", os.path.join(root, "utils"))):
    package = types.ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package

from openrlhf.utils.agent import SingleTurnAgentExecutor
from transformers import AutoProcessor, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
HEAD = "<|im_end|>\n<|im_start|>assistant\n"
ASK = (
    "<|im_start|>system\nPut the answer into \\boxed{}, for example \\boxed{4}.<|im_end|>\n<|im_start|>user\nWhat is 2 + 2?"
    + HEAD
)
LABEL = json.dumps({"verifier": "mathverify", "ground_truth": "\\boxed{4}", "accuracy_ratio": 1.0, "format_ratio": 0.0})


class Engine:
    def __init__(self, answer, tokenizer):
        self.answer, self.tokenizer = answer, tokenizer

    async def generate(self, prompt_ids, params, multi_modal_data=None):
        out = types.SimpleNamespace(
            token_ids=self.tokenizer(self.answer, add_special_tokens=False)["input_ids"],
            text=self.answer,
            finish_reason="stop",
            logprobs=None,
        )
        return types.SimpleNamespace(outputs=[out])


CASES = [
    ("right", ASK, "It is \\boxed{4}<|im_end|>", LABEL, 2048, None),
    ("wrong, the prompt shows the right one", ASK, "It is \\boxed{5}<|im_end|>", LABEL, 2048, None),
    ("end token after the end", ASK, "It is \\boxed{4}<|im_end|><|endoftext|>", LABEL, 2048, None),
    ("a prompt cut at its beginning", ASK, "It is \\boxed{4}<|im_end|>", LABEL, 40, None),
    ("a bare gold answer", ASK, "It is \\boxed{4}<|im_end|>", "4", 2048, None),
    (
        "an empty gold answer",
        ASK,
        "It is \\boxed{4}<|im_end|>",
        json.dumps({"verifier": "mathverify", "ground_truth": ""}),
        2048,
        None,
    ),
]
if processor_path:
    from PIL import Image

    pictured = ASK.replace("What is", "<|vision_start|><|image_pad|><|vision_end|>What is")
    CASES.append(
        (
            "a picture, right",
            pictured,
            "It is \\boxed{4}<|im_end|>",
            LABEL,
            4096,
            [Image.new("RGB", (112, 84), (40, 90, 160))],
        )
    )
    CASES.append(
        (
            "a picture, wrong",
            pictured,
            "It is \\boxed{5}<|im_end|>",
            LABEL,
            4096,
            [Image.new("RGB", (112, 84), (40, 90, 160))],
        )
    )


async def run(endpoints):
    executor = SingleTurnAgentExecutor(endpoints)
    rows = []
    for name, prompt, answer, label, limit, images in CASES:
        reader = AutoProcessor.from_pretrained(processor_path[0]) if images else tokenizer
        params = types.SimpleNamespace(max_tokens=20, logprobs=None)
        out = await executor.execute(
            prompt, label, params, limit, reader, Engine(answer, getattr(reader, "tokenizer", reader)), images=images
        )
        plain = lambda value: value.tolist() if hasattr(value, "tolist") else value
        rows.append(
            {
                "case": name,
                "reward": plain(out["reward"]),
                "scores": plain(out["scores"]),
                "logs": {key: plain(value) for key, value in out["extra_logs"].items()},
            }
        )
    return rows


os.environ.update(V_TRIUNE_REWARD_URL=url, V_TRIUNE_REWARD_VERIFIER="mathverify")
over_http = asyncio.run(run([url + "/openrlhf", url + "/openrlhf"]))
through_file = asyncio.run(run(os.path.join(client, "v_triune_reward.py")))
print("RESULT " + json.dumps({"http": over_http, "file": through_file}))
