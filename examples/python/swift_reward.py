import asyncio

# ms-swift is given the plugin: --external_plugins .../v_triune/swift.py --reward_funcs v_triune
import v_triune.swift
from swift.rewards import orms

reward = orms["v_triune"](args=None)
columns = {"solution": ["4", "4", ""], "verifier": ["mathverify"] * 3, "format_ratio": [0.0] * 3}
print(asyncio.run(reward(["\\boxed{4}", "\\boxed{5}", "\\boxed{4}"], **columns)))  # None: left out
# [1.0, 0.0, None]
