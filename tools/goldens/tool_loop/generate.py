#!/usr/bin/env python3
"""Token streams and masks of TRL's tool loop for conversations whose turns are fixed.

  pip install trl==1.16.0 transformers==5.23.0 torch datasets pillow
  python generate.py [--tokenizer ../tokenizer] [--out .]

GRPOTrainer._tool_call_loop runs as it is, with Qwen2.5-VL's processor over the tokenizer of ../tokenizer. Two parts are
replaced: the model (_generate_single_turn gives the next turn of the script) and the parser of calls (the JSON between
<tool_call> tags), which is not what is compared.
"""

import argparse, json, os, re
from PIL import Image
from transformers import AutoTokenizer, Qwen2VLImageProcessor, Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor
import transformers, trl
import trl.trainer.grpo_trainer as module

HERE = os.path.dirname(os.path.abspath(__file__))
# Qwen2.5-VL's template in short, with the tool messages of Qwen2.5's.
TEMPLATE = """{% macro parts(content) %}{% if content is string %}{{ content }}{% else %}{% for part in content %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{% endmacro %}
{%- for message in messages %}{% if message['role'] == 'tool' %}{% if loop.first or messages[loop.index0 - 1]['role'] != 'tool' %}<|im_start|>user{% endif %}
<tool_response>
{{ parts(message['content']) }}
</tool_response>{% if loop.last or messages[loop.index0 + 1]['role'] != 'tool' %}<|im_end|>
{% endif %}{% else %}<|im_start|>{{ message['role'] }}
{{ parts(message['content']) }}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def call(name, **arguments):
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


QUESTION = "Which number is in the red frame?"
# Turns of the model; the last call of the fourth conversation goes over the limit of turns.
SCRIPTS = [
    [call("look", box=[4, 4, 40, 40]), "It is blurred. " + call("look", box=[0, 0, 28, 56]), "<answer>7</answer>"],
    ["<answer>3</answer>"],
    [call("tell") + call("look", box=[1, 2, 30, 31]), "<think>two results</think><answer>1</answer>"],
    [call("tell"), call("tell"), call("tell")],
]
MAX_CALLS = 2


def look(box):
    width, height = box[2] - box[0], box[3] - box[1]
    picture = Image.new("RGB", (2 * width, 2 * height), (width % 256, height % 256, 90))
    return [{"type": "image", "image": picture}, {"type": "text", "text": f"{width} x {height}"}]


def tell():
    return "the answer is 7, 三"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", default=os.path.join(HERE, "..", "tokenizer"))
    parser.add_argument("--out", default=HERE)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.tokenizer)
    settings = dict(min_pixels=56 * 56, max_pixels=112 * 112, patch_size=14, temporal_patch_size=2, merge_size=2)
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**settings), tokenizer, Qwen2VLVideoProcessor(), chat_template=TEMPLATE
    )
    picture = Image.new("RGB", (84, 56), (200, 10, 10))
    messages = [{"role": "user", "content": [{"type": "image", "image": picture}, {"type": "text", "text": QUESTION}]}]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)[0]
    eos = tokenizer.convert_tokens_to_ids("<|im_end|>")
    turns = [[tokenizer.encode(text) + [eos] for text in script] for script in SCRIPTS]
    at = [1] * len(turns)

    def parse(_tokenizer, ids, prefix=None, tools=None):
        text = tokenizer.decode(ids)
        calls = [json.loads(body) for body in re.findall(r"<tool_call>(.*?)</tool_call>", text, re.S)]
        message = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [{"type": "function", "function": value} for value in calls]
        return message

    class Fixed(module.GRPOTrainer):
        def __init__(self):
            pass

        def _generate_single_turn(self, prompt_ids, images, fields, num_generations=1, has_tool_images=False):
            answers = []
            for ids in prompt_ids:
                which = next(i for i, own in enumerate(turns) if i in waiting and starts(ids, i))
                answers.append(list(turns[which][at[which]]))
                at[which] += 1
            return answers, None

        def _prepare_inputs(self, inputs):
            return inputs

    waiting = set(range(len(turns)))

    def starts(ids, which):
        first = prompt + turns[which][0]
        return ids[: len(first)] == first

    module.parse_response = parse
    transformers.Trainer._prepare_inputs = lambda self, inputs: inputs
    trainer = Fixed.__new__(Fixed)
    tools = {"look": look, "tell": tell}
    values = dict(
        max_tool_calling_iterations=MAX_CALLS,
        _sync_tool_dicts=[tools] * len(turns),
        _async_tool_dicts=[{}] * len(turns),
        use_vllm=False,
        max_completion_length=4096,
        _is_vlm=True,
        tools=[look, tell],
        processing_class=processor,
        _tokenizer=tokenizer,
        chat_template=TEMPLATE,
        chat_template_kwargs={},
        environment_factories=None,
        rollout_func=None,
        async_loop=None,
        model=type(
            "M", (), {"config": type("C", (), {"text_config": type("T", (), {"max_position_embeddings": 8192})})}
        ),
    )
    trainer.__dict__.update(values)
    first = [list(own[0]) for own in turns]
    mask, _, ids, _, calls, failures, images = trainer._tool_call_loop(
        [list(messages) for _ in turns],
        [list(prompt) for _ in turns],
        first,
        [[parse(tokenizer, own)] for own in first],
        None,
        [[picture] for _ in turns],
        {},
    )
    result = {
        "versions": {"trl": trl.__version__, "transformers": transformers.__version__},
        "processor": {"minPixels": 56 * 56, "maxPixels": 112 * 112},
        "question": QUESTION,
        "picture": [84, 56],
        "maxTurns": MAX_CALLS + 1,
        "calls": calls,
        "failures": failures,
        "prompt": prompt,
        "conversations": [
            {"turns": own, "ids": i, "mask": m, "pictures": [list(p.size) for p in p]}
            for own, i, m, p in zip(turns, ids, mask, images)
        ],
    }
    with open(os.path.join(args.out, "chat_template.jinja"), "w") as file:
        file.write(TEMPLATE)
    with open(os.path.join(args.out, "cases.json"), "w") as file:
        json.dump(result, file, indent=None, separators=(",", ":"))
        file.write("\n")


main()
