"""A job folder of `v-triune export verl`, taken by verl itself: its data by RLHFDataset, its reward function by the
reward manager.

    python verl_job.py JOB MODEL SERVER_URL      prints one JSON line

The launch script's overrides are checked apart: `./launch.sh --cfg job`.
"""

import asyncio
import json
import os
import re
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")
job, model, url = sys.argv[1:4]

import numpy as np
import torch
import verl
from hydra import compose, initialize_config_dir
from transformers import AutoProcessor, AutoTokenizer
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager
from verl.utils.dataset.rl_dataset import RLHFDataset

with initialize_config_dir(os.path.join(os.path.dirname(verl.__file__), "trainer", "config"), version_base=None):
    config = compose(
        "ppo_trainer",
        overrides=[
            "data.max_prompt_length=512",
            "data.filter_overlong_prompts=True",
            "data.filter_overlong_prompts_workers=1",
            f"+data.cache_dir={tempfile.mkdtemp()}",
            f"reward.custom_reward_function.path={job}/reward.py",
            "reward.custom_reward_function.name=compute_score",
            f"+reward.custom_reward_function.reward_kwargs.url={url}",
            "+reward.custom_reward_function.reward_kwargs.epsilon=0.99",
        ],
    )
tokenizer = AutoTokenizer.from_pretrained(model)
processor = AutoProcessor.from_pretrained(model)
found = {}
for split in ("train", "eval"):
    data = RLHFDataset(f"{job}/data/{split}.parquet", tokenizer=tokenizer, processor=processor, config=config.data)
    item = data[0]
    pictures, _ = asyncio.run(RLHFDataset.process_vision_info(item["raw_prompt"], 14, config.data))
    text = processor.apply_chat_template(item["raw_prompt"], tokenize=False, add_generation_prompt=True)
    grid = processor(text=[text], images=pictures, return_tensors="pt")["image_grid_thw"].tolist()
    found[split] = {
        "rows": len(data),
        "index": int(item["index"]),
        "split": item["extra_info"]["split"],
        "verifier": item["reward_model"]["verifier"],
        "pictures": len(pictures),
        "patch_grid": grid,
        "told_size": np.asarray(
            item["extra_info"]["image_grid_thw"].tolist()
            if hasattr(item["extra_info"]["image_grid_thw"], "tolist")
            else item["extra_info"]["image_grid_thw"]
        ).tolist(),
    }

    # The gold answer is right; what the manager makes of it goes through the server. Gold boxes are relative
    # (0..1000), a model's are pixels.
    rows = [data[at] for at in range(min(len(data), 8))]
    answers = []
    for row in rows:
        gold = row["reward_model"]["ground_truth"]
        if row["reward_model"]["verifier"] == "detection":
            _, height, width = np.asarray(
                row["extra_info"]["image_grid_thw"].tolist()
                if hasattr(row["extra_info"]["image_grid_thw"], "tolist")
                else row["extra_info"]["image_grid_thw"]
            )[0]
            gold = re.sub(
                r"\[(\d+), (\d+), (\d+), (\d+)\]",
                lambda box: (
                    "["
                    + ", ".join(
                        str(round(int(value) * size / 1000, 2))
                        for value, size in zip(box.groups(), (width, height, width, height))
                    )
                    + "]"
                ),
                gold,
            )
        answers.append(gold)
    length = max(len(tokenizer(answer)["input_ids"]) for answer in answers) + 1
    responses = torch.full((len(rows), length), tokenizer.pad_token_id)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    for at, answer in enumerate(answers):
        ids = tokenizer(answer)["input_ids"] + [tokenizer.eos_token_id]
        responses[at, : len(ids)] = torch.tensor(ids)
        mask[at, : len(ids)] = 1
    prompts = torch.full((len(rows), 2), tokenizer.pad_token_id)
    batch = DataProto.from_dict(
        tensors={
            "prompts": prompts,
            "responses": responses,
            "input_ids": torch.cat([prompts, responses], 1),
            "attention_mask": torch.cat([torch.ones_like(prompts), mask], 1),
        },
        non_tensors={
            key: np.array([row[key] for row in rows], object) for key in ("data_source", "reward_model", "extra_info")
        },
    )

    async def score():
        manager = load_reward_manager(config, tokenizer)
        return await asyncio.gather(*[manager.run_single(batch[at : at + 1]) for at in range(len(rows))])

    scored = asyncio.run(score())
    found[split]["rewards"] = [
        {
            "source": row["data_source"],
            "reward": float(one["reward_score"]),
            **{key: float(one["reward_extra_info"][key]) for key in ("accuracy", "format", "scored")},
        }
        for row, one in zip(rows, scored)
    ]

print("RESULT " + json.dumps(found))
