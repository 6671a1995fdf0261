"""Opens a curated corpus as Python's libraries do, and fails where one of them sees something else than was written.

    python tools/interop/open_corpus.py CORPUS [--model FOLDER]

- pandas: columns, nested values, picture bytes.
- Hugging Face datasets: pictures are Image features, the nested columns keep their names and types.
- verl's RLHFDataset (with --model, a folder with a processor): rows, prompts with pictures, token ids.

Prints one JSON line a check; a library that is not installed is skipped out loud. Exit code 1 when a check fails.
"""

import argparse
import glob
import importlib.util
import io
import json
import os
import sys
import tempfile
import traceback

COLUMNS = ["data_source", "images", "prompt", "ability", "reward_model", "extra_info"]
RATIOS = ["iou_max_label_first", "iou_max_iou_first", "iou_completeness", "map", "map50", "map75"]


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def count_of(file):
    """The count a corpus file's name states, copies included."""
    stem = os.path.basename(file)[: -len(".parquet")]
    stem, _, copies = stem.partition("_x")
    return int(stem.rsplit("_", 1)[1]) * int(copies or 1)


def check_pandas(files, _model):
    import pandas
    from PIL import Image

    rows = 0
    for file in files:
        table = pandas.read_parquet(file)
        expect(list(table.columns) == COLUMNS, f"{file}: columns {list(table.columns)}")
        expect(len(table) == count_of(file), f"{file}: {len(table)} rows")
        for _, row in table.iterrows():
            text = "".join(turn["content"] for turn in row["prompt"])
            expect(
                text.count("<image>") == len(row["images"]),
                f"{file}: {row['extra_info']['id']}: pictures and marks differ",
            )
            for image in row["images"]:
                Image.open(io.BytesIO(image["bytes"])).load()
            ratio = row["reward_model"]["verifier_parm"]["det_reward_ratio"]
            expect(sorted(ratio) == sorted(RATIOS), f"{file}: ratios {sorted(ratio)}")
        rows += len(table)
    return {"version": pandas.__version__, "rows": rows}


def check_datasets(files, _model):
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    rows = pictures = 0
    with tempfile.TemporaryDirectory() as cache:
        for file in files:
            data = datasets.load_dataset("parquet", data_files=file, split="train", cache_dir=cache)
            expect(list(data.features) == COLUMNS, f"{file}: features {list(data.features)}")
            expect(
                isinstance(data.features["images"].feature, datasets.Image),
                f"{file}: images are {data.features['images']}",
            )
            reward = data.features["reward_model"]
            expect(reward["accuracy_ratio"].dtype == "float32", f"{file}: accuracy_ratio is {reward['accuracy_ratio']}")
            expect(
                reward["verifier_parm"]["det_verifier_normalized"].dtype == "bool", f"{file}: {reward['verifier_parm']}"
            )
            for row in data:
                for image in row["images"]:
                    expect(min(image.size) >= 28, f"{file}: a picture of {image.size}")
                    pictures += 1
            rows += len(data)
        one = datasets.load_dataset("parquet", data_files={"train": files}, split="train", cache_dir=cache)
        expect(len(one) == rows, f"all files at once: {len(one)} rows instead of {rows}")
    return {"version": datasets.__version__, "rows": rows, "pictures": pictures}


def check_verl(files, model):
    if model is None:
        return "no --model FOLDER was given"
    import asyncio

    import verl
    from hydra import compose, initialize_config_dir
    from transformers import AutoProcessor, AutoTokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    processor, tokenizer = AutoProcessor.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    config_folder = os.path.join(os.path.dirname(verl.__file__), "trainer", "config")
    lengths = []
    with tempfile.TemporaryDirectory() as cache, initialize_config_dir(config_folder, version_base=None):
        overrides = [
            "data.train_files=x",
            "data.filter_overlong_prompts=False",
            "data.max_prompt_length=4096",
            f"+data.cache_dir={cache}",
        ]
        config = compose("ppo_trainer", overrides=overrides).data
        data = RLHFDataset(list(files), tokenizer=tokenizer, processor=processor, config=config)
        expect(len(data) == sum(map(count_of, files)), f"{len(data)} rows")
        step = max(1, len(data) // 40)
        for i in range(0, len(data), step):
            item = data[i]
            expect(item["data_source"] != "" and item["reward_model"]["ground_truth"] != "", f"row {i}: {item}")
            images, _ = asyncio.run(RLHFDataset.process_vision_info(item["raw_prompt"], 14, config))
            text = processor.apply_chat_template(item["raw_prompt"], tokenize=False, add_generation_prompt=True)
            ids = processor(text=[text], images=images, return_tensors="pt")["input_ids"]
            expect(
                images is not None and len(images) == text.count("<|image_pad|>"), f"row {i}: pictures and marks differ"
            )
            lengths.append(int(ids.shape[1]))
        batch = collate_fn([data[0], data[1]])
        expect(len(batch["data_source"]) == 2, f"a batch of {batch.keys()}")
    return {"version": verl.__version__, "rows": len(data), "looked_at": len(lengths), "longest_prompt": max(lengths)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("--model")
    options = parser.parse_args()
    files = sorted(
        glob.glob(os.path.join(options.corpus, "train_*.parquet"))
        + glob.glob(os.path.join(options.corpus, "test_*.parquet"))
    )
    expect(files, f"no train_*.parquet in {options.corpus}")
    failed = False
    for library, needs, check in (
        ("pandas", ["pandas", "PIL"], check_pandas),
        ("datasets", ["datasets", "PIL"], check_datasets),
        ("verl", ["verl", "transformers", "qwen_vl_utils", "torchvision"], check_verl),
    ):
        missing = [name for name in needs if importlib.util.find_spec(name) is None]
        outcome = {"library": library}
        if missing:
            outcome["skipped"] = f"not installed: {', '.join(missing)}"
        else:
            try:
                result = check(files, options.model)
                outcome.update({"skipped": result} if isinstance(result, str) else {"ok": True, **result})
            except Exception as error:
                failed = True
                outcome.update({"ok": False, "error": f"{type(error).__name__}: {error}"[:500]})
                traceback.print_exc()
        print(json.dumps(outcome), flush=True)
    sys.exit(1 if failed else 0)


main()
