"""Two GRPO steps of TRL on the CPU with a tiny random model, rewarded by our server through v_triune_reward.py.

    python trl_two_steps.py CLIENT_FOLDER SERVER_URL     prints one JSON line: TRL's completions, their requests, and
    the rewards it got

Nothing is downloaded: model and tokenizer are made here.
"""

import json
import os
import sys
import tempfile

os.environ.update(
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    WANDB_DISABLED="true",
    CUDA_VISIBLE_DEVICES="",
    V_TRIUNE_REWARD_URL=sys.argv[2],
)
sys.path.insert(0, sys.argv[1])

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from v_triune_reward import make_trl_reward

torch.manual_seed(7)
torch.set_num_threads(1)
words = ["<pad>", "<eos>", "<unk>", "answer", "is", "\\boxed{1}", "\\boxed{2}", "\\boxed{3}", "count"]
made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
)
config = Qwen2Config(
    vocab_size=len(words),
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    pad_token_id=0,
    eos_token_id=1,
    bos_token_id=None,
)
# Every third sample has a gold answer that cannot be read: TRL has to get None for it.
rows = [
    {
        "prompt": "count",
        "data_source": "clevr",
        "reward_model": json.dumps(
            {
                "verifier": "mathverify",
                "ground_truth": "" if i % 3 == 2 else "\\boxed{%d}" % (i % 3 + 1),
                "format_ratio": 0.0,
            }
        ),
    }
    for i in range(6)
]

seen = []
ours = make_trl_reward()


async def recorded(prompts, completions, **columns):
    rewards = await ours(prompts, completions, **columns)
    seen.extend(
        {"response": completion, **json.loads(model), "reward": reward}
        for completion, model, reward in zip(completions, columns["reward_model"], rewards)
    )
    return rewards


with tempfile.TemporaryDirectory() as folder:
    arguments = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=6,
        max_steps=2,
        beta=0.0,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        gradient_checkpointing=False,
    )
    trainer = GRPOTrainer(
        model=Qwen2ForCausalLM(config),
        processing_class=tokenizer,
        reward_funcs=recorded,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    logged = [record["reward"] for record in trainer.state.log_history if "reward" in record]
    unscored = [
        record["v_triune_reward/unscored"]
        for record in trainer.state.log_history
        if "v_triune_reward/unscored" in record
    ]
print(
    "RESULT " + json.dumps({"seen": seen, "logged": logged, "unscored": unscored, "steps": trainer.state.global_step})
)
