"""EasyR1's own reward manager (verl/workers/reward/function.py of its main branch) with our reward function.

    python easyr1_manager.py CLIENT_FOLDER SERVER_URL EASYR1     prints one JSON line: the rewards and EasyR1's metrics

EASYR1 is a clone. Needs torch, tensordict, ray, transformers and codetiming beside it.
"""

import importlib.util
import json
import os
import sys

os.environ["V_TRIUNE_REWARD_URL"] = sys.argv[2]
sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python/src"), sys.argv[3]]

import numpy as np
import torch
from verl.protocol import DataProto
from verl.workers.reward.config import RewardConfig
from verl.workers.reward.function import AutoRewardManager


class Characters:
    """A tokenizer of characters."""

    def decode(self, ids, skip_special_tokens):
        return "".join(map(chr, ids.tolist()))


config = RewardConfig(reward_function=importlib.util.find_spec("v_triune.easyr1").origin + ":compute_score")
config.post_init()
responses = ["\\boxed{4}", "\\boxed{5}", "\\boxed{4}"]
ids = torch.tensor([[ord(letter) for letter in response] for response in responses])
golds = [json.dumps({"verifier": "mathverify", "ground_truth": gold, "format_ratio": 0}) for gold in ("4", "4", "")]
data = DataProto.from_dict(
    tensors={"responses": ids, "response_mask": torch.ones_like(ids)},
    non_tensors={"ground_truth": np.array(golds, dtype=object)},
)
rewards, metrics = AutoRewardManager(config, Characters()).compute_reward(data)
print("RESULT " + json.dumps({"rewards": rewards.sum(-1).tolist(), "scored": metrics["scored"]}))
