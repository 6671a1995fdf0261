import os

from openenv.core import GenericEnvClient

with GenericEnvClient(base_url=os.environ.get("V_TRIUNE_URL", "http://127.0.0.1:8000")).sync() as env:
    for answer in ("There are \\boxed{5}.", "There are \\boxed{4}."):
        task = env.reset(split="train", index=0)
        (question,) = task.observation["messages"]  # as chat APIs take it, pictures as data URIs
        kinds = [part["type"] for part in question["content"]]
        result = env.step({"response": answer})
        verdict = result.observation["metadata"]
        print(kinds, verdict["data_source"], verdict["status"], verdict["accuracy"], result.done)
# ['image_url', 'text'] demo_count scored 1 True
# ['image_url', 'text'] demo_count scored 0 True
