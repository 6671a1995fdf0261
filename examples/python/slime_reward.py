import asyncio
from types import SimpleNamespace

# slime is given its name: --custom-rm-path v_triune_reward.slime_reward
from v_triune_reward import slime_reward

label = {"verifier": "mathverify", "ground_truth": "4", "format_ratio": 0}
samples = [SimpleNamespace(prompt="2 + 2?", response=f"\\boxed{{{n}}}", label=label, metadata={}) for n in (4, 5)]
print(asyncio.run(slime_reward(SimpleNamespace(rm_url=None), samples)))
# [1.0, 0.0]
