import json

# EasyR1 is given the file: worker.reward.reward_function=.../v_triune/easyr1.py:compute_score
from v_triune.easyr1 import compute_score

gold = json.dumps({"verifier": "mathverify", "ground_truth": "4", "format_ratio": 0})
inputs = [{"response": f"It is \\boxed{{{n}}}.", "response_length": 8, "ground_truth": gold} for n in (4, 5)]
for row in compute_score(inputs):
    print(row["overall"], row["accuracy"], row["scored"])
# 1.0 1.0 1.0
# 0.0 0.0 1.0
