"""What transformers makes of a checkpoint: ids of texts and chats, greedy answers and their log-probabilities, as JSON
after the word RESULT.

    python reference.py FOLDER QUESTIONS.json

QUESTIONS.json: {"texts": [..], "chats": [[{role, content}, ..], ..], "tokens": how many tokens an answer may have}
"""

import json
import sys

import torch
from transformers import AutoModelForImageTextToText, AutoTokenizer

folder, questions = sys.argv[1], json.load(open(sys.argv[2]))
torch.set_num_threads(2)
tokenizer = AutoTokenizer.from_pretrained(folder)
model, loading = AutoModelForImageTextToText.from_pretrained(
    folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
)
problems = {key: sorted(map(str, value)) for key, value in loading.items() if value}
answers = []
for chat in questions["chats"]:
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    with torch.no_grad():
        out = model.generate(input_ids=ids, do_sample=False, max_new_tokens=questions["tokens"])[0, ids.shape[1] :]
        logits = model(input_ids=torch.cat([ids, out[None]], dim=1)).logits[0, ids.shape[1] - 1 : -1]
    logp = torch.log_softmax(logits.double(), -1).gather(-1, out[:, None])[:, 0]
    answers.append(
        {
            "prompt": prompt,
            "promptIds": ids[0].tolist(),
            "ids": out.tolist(),
            "text": tokenizer.decode(out, skip_special_tokens=True),
            "logProbs": logp.tolist(),
        }
    )
result = {
    "problems": problems,
    "texts": [tokenizer(text, add_special_tokens=False).input_ids for text in questions["texts"]],
    "answers": answers,
}
print("RESULT " + json.dumps(result))
