import base64
import io
import os
import sys

from datasets import Dataset
from openenv.core import GenericEnvClient
from PIL import Image
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration
from trl import GRPOConfig, GRPOTrainer

URL = os.environ.get("V_TRIUNE_URL", "http://127.0.0.1:8000")


class Task:
    """One session of the server. TRL makes one for each answer of a batch, and uses it again."""

    def __init__(self):
        self._env = GenericEnvClient(base_url=URL).sync()
        self._env.connect()

    def reset(self, index, **_):
        """The question as TRL takes it: the parts of a message."""
        (question,) = self._env.reset(split="train", index=index).observation["messages"]
        return [{"type": "image", "image": picture(part)} if part["type"] == "image_url" else part for part in question["content"]]

    def _judge(self, completion):
        return self._env.step({"response": completion}).reward  # None for what was not scored: TRL leaves it out


def picture(part):
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].split(",")[1])))


def reward(completions, environments, **_):
    return [task._judge(completion) for task, completion in zip(environments, completions)]


rows = [{"prompt": [{"role": "user", "content": ""}], "index": index} for index in range(8)]
folder, output = sys.argv[1:]
processor = AutoProcessor.from_pretrained(folder)
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder)
arguments = GRPOConfig(output, max_steps=2, per_device_train_batch_size=8, num_generations=4, max_completion_length=24, use_cpu=True, bf16=False, report_to=[], save_strategy="no", logging_steps=1)
trainer = GRPOTrainer(model, reward, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=processor, environment_factory=Task)
trainer.train()
print("RESULT", [round(record["reward"], 3) for record in trainer.state.log_history if "reward" in record])
