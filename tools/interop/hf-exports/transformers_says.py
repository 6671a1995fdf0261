"""Log-probabilities of completions by transformers, for models and peft adapters in folders; and adapters by peft.

    python transformers_says.py JOBS.json

JOBS.json: [{name, model, adapter?, make?: {target_modules, r}, rows: [{ids, cut, case?}], out?}]. A row's pictures are
those of the case's files. With `make`, peft wraps the model in an adapter with random values and saves it to `adapter`
first. Prints {name: {problems, logProbs: [[..] per row]}} after the word RESULT.
"""

import json
import sys
import warnings

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

warnings.filterwarnings("ignore")
V5 = int(transformers.__version__.split(".")[0]) >= 5
torch.set_num_threads(1)


def load(folder):
    model, loading = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    problems = {key: sorted(map(str, value)) for key, value in loading.items() if value}
    return model.eval(), problems


def inputs(row, config):
    ids = torch.tensor([row["ids"]])
    found = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if "case" in row:
        values, case = load_file(f"{row['case']}.safetensors"), json.load(open(f"{row['case']}.json"))
        found["pixel_values"] = values["pixel_values"]
        found["image_grid_thw"] = torch.tensor(case["image_grid_thw"])
    if V5:
        found["mm_token_type_ids"] = (ids == config.image_token_id).int()
    return found


def log_probs(model, rows):
    values = []
    for row in rows:
        with torch.no_grad():
            logits = model(**inputs(row, model.config), use_cache=False).logits[0].double()
        logp = torch.log_softmax(logits[:-1], -1)
        targets = torch.tensor(row["ids"][1:])
        values.append(logp.gather(-1, targets[:, None])[row["cut"] - 1 :, 0].tolist())
    return values


def with_adapter(model, job):
    from peft import LoraConfig, PeftModel, get_peft_model

    if "make" not in job:
        return PeftModel.from_pretrained(model, job["adapter"])
    torch.manual_seed(5)
    wrapped = get_peft_model(model, LoraConfig(lora_alpha=12, init_lora_weights=False, **job["make"]))
    wrapped.save_pretrained(job["adapter"])
    return wrapped


results = {}
for job in json.load(open(sys.argv[1])):
    try:
        model, problems = load(job["model"])
        if "adapter" in job:
            model = with_adapter(model, job)
        results[job["name"]] = {"problems": problems, "logProbs": log_probs(model, job["rows"])}
    except Exception as error:  # told apart by name, so that one model does not hide the others
        results[job["name"]] = {"problems": {type(error).__name__: [str(error)[:2000]]}, "logProbs": []}
print("RESULT " + json.dumps({"version": transformers.__version__, "results": results}))
