import skyrl_gym

import v_triune.skyrl  # registers "v_triune"; in SkyRL: environment.env_class=v_triune

for answer in ("\\boxed{4}", "\\boxed{5}"):
    extras = {"reward_spec": {"verifier": "mathverify", "ground_truth": "4", "format_ratio": 0}, "data_source": "sums"}
    environment = skyrl_gym.make("v_triune", env_config={}, extras=extras)
    environment.init([{"role": "user", "content": "2 + 2?"}])
    step = environment.step(answer)
    print(step["reward"], step["done"], step["metadata"]["status"], environment.get_metrics()["accuracy"])
# 1.0 True scored 1.0
# 0.0 True scored 0.0
