from v_triune_reward import RewardClient

client = RewardClient()  # V_TRIUNE_REWARD_URL, or http://127.0.0.1:8000
rows = [
    ("5 cm", "The width is \\boxed{50\\text{ mm}}."),
    ("May 2016", [{"type": "text", "text": "It was June 2016."}]),
    ("", "4"),
]
requests = [{"response": response, "verifier": "answer", "ground_truth": gold, "format_ratio": 0} for gold, response in rows]
for result in client.score(requests):
    print(result.get("reward", result["status"]))
# 1
# 0
# skipped
