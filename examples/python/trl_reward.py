import sys

from datasets import Dataset
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import GRPOConfig, GRPOTrainer

from v_triune_reward import trl_reward  # V_TRIUNE_REWARD_URL, or http://127.0.0.1:8000

model, output = sys.argv[1:]
gold = {"verifier": "mathverify", "ground_truth": "4", "format_ratio": 0.0}
question = [{"role": "user", "content": "How many circles are there?"}]
rows = [{"prompt": question, "reward_model": gold, "data_source": "circles"}] * 8
arguments = GRPOConfig(output, max_steps=1, per_device_train_batch_size=4, num_generations=4, max_completion_length=12, use_cpu=True, bf16=False, report_to=[], save_strategy="no", logging_steps=1)
trainer = GRPOTrainer(AutoModelForImageTextToText.from_pretrained(model), trl_reward, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=AutoProcessor.from_pretrained(model))
trainer.train()
logged = trainer.state.log_history[0]
print(logged["v_triune_reward/unscored"], 0.0 <= logged["reward"] <= 1.0)
# 0.0 True
