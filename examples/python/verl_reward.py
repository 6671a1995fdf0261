import asyncio

# verl is given this file: reward.custom_reward_function.path=$(python -c "import v_triune_reward as m; print(m.__file__)")
from v_triune_reward import compute_score


async def rows():
    # verl's reward manager asks row by row; calls that arrive together become one request.
    model = {"verifier": "mathverify", "ground_truth": "\\boxed{4}", "format_ratio": 0.0}
    return await asyncio.gather(*[compute_score("sums", f"It is \\boxed{{{n}}}.", "\\boxed{4}", {"reward_model": model}) for n in (4, 5)])


for row in asyncio.run(rows()):
    print(row["score"], row["scored"], row["error"])
# 1.0 1.0 0.0
# 0.0 1.0 0.0
