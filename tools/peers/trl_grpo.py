"""TRL's side of packages/training/src/update/large-grpo.bench.ts: one step of GRPOTrainer.

    python3 tools/peers/trl_grpo.py SETTINGS_AS_JSON

The prompt is as long as the other sides', with a drawn picture of the same size. Each token of the vocabulary is a
word of its own, so that any answer has a text. Prints one JSON line as pytorch_grpo.py does, without `check`.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

settings = json.loads(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(settings["threads"])
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import datasets  # noqa: E402  (after the number of threads is set)
import numpy  # noqa: E402
import PIL.Image  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402

torch.set_num_threads(settings["threads"])
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
datasets.disable_progress_bars()
model = transformers.Qwen2_5_VLForConditionalGeneration.from_pretrained(settings["folder"], dtype=torch.float32)
config, vision = model.config, model.config.vision_config
if settings.get("freezeVision"):
    model.model.visual.requires_grad_(False)

# The special tokens have the ids that config.json gives them.
special = ["<pad>", "<bos>", "<eos>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
words = special + [f"w{i}" for i in range(len(special), config.text_config.vocab_size)]
backend = tokenizers.Tokenizer(
    tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<pad>")
)
backend.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
backend.add_special_tokens(special)
tokenizer = transformers.PreTrainedTokenizerFast(
    tokenizer_object=backend,
    pad_token="<pad>",
    eos_token="<eos>",
    padding_side="left",
    additional_special_tokens=special[3:],
)
tokenizer.chat_template = (
    "{% for m in messages %}{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %} <|vision_start|><|image_pad|><|vision_end|> {% elif 'text' in c %}{{ c['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{% endfor %}"
)
pictures = transformers.Qwen2VLImageProcessor(patch_size=vision.patch_size, merge_size=vision.spatial_merge_size)
processor = transformers.Qwen2_5_VLProcessor(
    image_processor=pictures,
    tokenizer=tokenizer,
    video_processor=transformers.Qwen2VLVideoProcessor(),
    chat_template=tokenizer.chat_template,
)
side = settings["patches"] * vision.patch_size
picture = PIL.Image.fromarray(numpy.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=numpy.uint8))
question = " ".join(f"w{100 + i}" for i in range(2 * settings["text"] - 2))
data = datasets.Dataset.from_list(
    [{"prompt": [{"role": "user", "content": question}], "image": picture} for _ in range(2)]
)


def status(key):
    """Bytes of memory from /proc."""
    return 1024 * int(pathlib.Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])


class Clock:
    """Time and memory since its making."""

    def __init__(self):
        pathlib.Path("/proc/self/clear_refs").write_text("5")
        self.start, self.used = time.perf_counter(), time.process_time()

    def phase(self):
        seconds = time.perf_counter() - self.start
        return {"s": seconds, "cpu": time.process_time() - self.used, "peak": status("VmHWM")}


measured = {}
steps = []


class Trainer(trl.GRPOTrainer):
    """Notes its phases: generation, and all the rest of a step."""

    def _generate_single_turn(self, *args, **kwargs):
        self.before = self.clock.phase()
        self.clock = Clock()
        made = super()._generate_single_turn(*args, **kwargs)
        assert all(len(ids) == settings["tokens"] for ids in made[0])
        measured["generate"] = self.clock.phase()
        self.clock = Clock()
        return made


class Steps(transformers.TrainerCallback):
    def on_step_begin(self, *args, **kwargs):
        trainer.clock = Clock()

    def on_step_end(self, *args, **kwargs):
        after = trainer.clock.phase()
        update = {key: after[key] + trainer.before[key] for key in ("s", "cpu")}
        measured["update"] = {**update, "peak": max(after["peak"], trainer.before["peak"])}
        steps.append({**measured, "check": None})


def reward(completion_ids, **_):
    return [sum(token % 7 for token in ids) / len(ids) for ids in completion_ids]


adapter = None
if settings.get("rank"):
    import peft

    targets = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj)"
    adapter = peft.LoraConfig(r=settings["rank"], lora_alpha=2 * settings["rank"], target_modules=targets)
banned = [[config.image_token_id], [config.video_token_id]]
with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(
        model=model,
        reward_funcs=reward,
        processing_class=processor,
        train_dataset=data,
        peft_config=adapter,
        callbacks=[Steps()],
        args=trl.GRPOConfig(
            output_dir=folder,
            max_steps=settings["steps"],
            learning_rate=1e-6,
            weight_decay=0.01,
            per_device_train_batch_size=settings["rollouts"],
            num_generations=settings["rollouts"],
            max_completion_length=settings["tokens"],
            # No answer ends before: the end token is banned as well.
            generation_kwargs={"min_new_tokens": settings["tokens"], "bad_words_ids": banned},
            top_k=0,
            beta=0.0,
            bf16=False,
            use_cpu=True,
            gradient_checkpointing=False,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
    )
    trainer.train()
print(json.dumps(min(steps, key=lambda one: one["generate"]["s"] + one["update"]["s"])), flush=True)
