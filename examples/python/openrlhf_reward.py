import json

# OpenRLHF is given this file: --reward.remote_url $(python -c "import v_triune_reward as m; print(m.__file__)")
from v_triune_reward import reward_func

prompt = "<|im_start|>user\n2 + 2?<|im_end|>\n<|im_start|>assistant\n"
label = json.dumps({"verifier": "mathverify", "ground_truth": "4", "format_ratio": 0})
found = reward_func(queries=[prompt + "\\boxed{4}<|im_end|>", prompt + "\\boxed{5}"], prompts=[prompt] * 2, labels=[label] * 2)
print([float(reward) for reward in found["rewards"]])
print([float(scored) for scored in found["extra_logs"]["scored"]])
# [1.0, 0.0]
# [1.0, 1.0]
