"""verl's own reward manager loads v_triune_reward.py and scores a DataProto-shaped batch through our server.

python verl_manager.py CLIENT_FOLDER SERVER_URL      prints one JSON line: what run_single gave for each row
"""

import asyncio
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")
client, url = sys.argv[1:3]

import numpy as np
import torch
import verl
from hydra import compose, initialize_config_dir
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager

words = ["<pad>", "<eos>", "<unk>", "answer", "is", "\\boxed{4}", "\\boxed{5}"]
made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")

with initialize_config_dir(os.path.join(os.path.dirname(verl.__file__), "trainer", "config"), version_base=None):
    config = compose(
        "ppo_trainer",
        overrides=[
            f"reward.custom_reward_function.path={client}/v_triune_reward.py",
            "reward.custom_reward_function.name=compute_score",
            f"+reward.custom_reward_function.reward_kwargs.url={url}",
            "+reward.custom_reward_function.reward_kwargs.metrics=[answer_extracted]",
            f"reward.reward_manager.name={sys.argv[3] if len(sys.argv) > 3 else 'naive'}",
        ],
    )

model = {"style": "rule", "verifier": "mathverify", "format_ratio": 0.0}
samples = [
    ("answer is \\boxed{4}", "\\boxed{4}"),
    ("answer is \\boxed{5}", "\\boxed{4}"),
    ("answer is \\boxed{4}", ""),
    ("answer", "\\boxed{4}"),
]
length = 8
responses = torch.full((len(samples), length), tokenizer.pad_token_id)
mask = torch.zeros(len(samples), length, dtype=torch.long)
for row, (text, _) in enumerate(samples):
    ids = tokenizer(text)["input_ids"] + [tokenizer.eos_token_id]
    responses[row, : len(ids)] = torch.tensor(ids)
    mask[row, : len(ids)] = 1
prompts = torch.full((len(samples), 2), 3)
gold = [{**model, "ground_truth": ground_truth} for _, ground_truth in samples]
batch = DataProto.from_dict(
    tensors={
        "prompts": prompts,
        "responses": responses,
        "input_ids": torch.cat([prompts, responses], 1),
        "attention_mask": torch.cat([torch.ones_like(prompts), mask], 1),
    },
    non_tensors={
        "data_source": np.array(["geometry3k"] * len(samples), object),
        "reward_model": np.array(gold, object),
        "extra_info": np.array([{"index": row, "reward_model": gold[row]} for row in range(len(samples))], object),
    },
)


async def score():
    manager = load_reward_manager(config, tokenizer)
    return await asyncio.gather(*[manager.run_single(batch[row : row + 1]) for row in range(len(samples))])


rows = asyncio.run(score())
print(
    "RESULT "
    + json.dumps(
        [
            {
                "reward": float(row["reward_score"]),
                "extra": {
                    key: float(value)
                    for key, value in row["reward_extra_info"].items()
                    if isinstance(value, (int, float))
                },
            }
            for row in rows
        ]
    )
)
