"""Times five filter rules in a Python library: python tools/peers/filter_peers.py ENGINE FILE OUTPUT, one JSON line
out.

ENGINE is duckdb, polars, pandas or datasets. The table has question, answer, boxes (JSON text), width and height; a
row goes when its answer holds one of = [ ] ( ) ; or more than 20 characters, its question lists choices, or it has
over 10 boxes or one over half the picture. The time is that of reading, filtering and writing, without the import.
packages/data-filters/src/curation.bench.ts runs it beside our own.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import time

LISTED = r"(?:\([A-Da-d]\)|\b[A-D][.)])\s"
SYMBOLS = r"[=\[\]();]"


def with_duckdb(source, output):
    import duckdb

    start = time.perf_counter()
    largest = "list_max(list_transform(from_json(boxes, '[[\"BIGINT\"]]'), lambda b: (b[3] - b[1]) * (b[4] - b[2])))"
    duckdb.connect().execute(
        f"""COPY (SELECT * FROM read_parquet('{source}') WHERE NOT regexp_matches(answer, '{SYMBOLS}') AND length(answer) <= 20
        AND NOT regexp_matches(question, '{LISTED}') AND json_array_length(boxes) <= 10
        AND coalesce({largest}, 0) <= 0.5 * width * height) TO '{output}' (FORMAT parquet)"""
    )
    return time.perf_counter() - start


def with_polars(source, output):
    import polars as pl

    start = time.perf_counter()
    boxes, corner = pl.col("boxes").str.json_decode(pl.List(pl.List(pl.Int64))), pl.element().list.get
    largest = boxes.list.eval((corner(2) - corner(0)) * (corner(3) - corner(1))).list.max().fill_null(0)
    text = (
        ~pl.col("answer").str.contains(SYMBOLS)
        & (pl.col("answer").str.len_chars() <= 20)
        & ~pl.col("question").str.contains(LISTED)
    )
    kept = (
        pl.scan_parquet(source)
        .filter(text)
        .filter((boxes.list.len() <= 10) & (largest <= 0.5 * pl.col("width") * pl.col("height")))
    )
    kept.collect().write_parquet(output)
    return time.perf_counter() - start


def boxes_fit(boxes, width, height):
    boxes = json.loads(boxes)
    return len(boxes) <= 10 and all((x2 - x1) * (y2 - y1) <= 0.5 * width * height for x1, y1, x2, y2 in boxes)


def with_pandas(source, output):
    import pandas

    start = time.perf_counter()
    table = pandas.read_parquet(source)
    table = table[
        ~table.answer.str.contains(SYMBOLS) & (table.answer.str.len() <= 20) & ~table.question.str.contains(LISTED)
    ]
    fit = [boxes_fit(*row) for row in zip(table.boxes, table.width, table.height)]
    table[fit].to_parquet(output)
    return time.perf_counter() - start


def with_datasets(source, output):
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    listed, symbols = re.compile(LISTED), re.compile(SYMBOLS)

    def keep(row):
        if symbols.search(row["answer"]) or len(row["answer"]) > 20 or listed.search(row["question"]):
            return False
        return boxes_fit(row["boxes"], row["width"], row["height"])

    cache = tempfile.mkdtemp(dir=os.path.dirname(output))
    start = time.perf_counter()
    kept = datasets.load_dataset("parquet", data_files=source, split="train", cache_dir=cache).filter(keep)
    filtered = time.perf_counter() - start
    kept.to_parquet(output)
    shutil.rmtree(cache, ignore_errors=True)
    return filtered


ENGINES = {"duckdb": with_duckdb, "polars": with_polars, "pandas": with_pandas, "datasets": with_datasets}

if __name__ == "__main__":
    engine, source, output = sys.argv[1:]
    try:
        seconds = ENGINES[engine](source, output)
    except ImportError as error:
        print(json.dumps({"engine": engine, "skipped": str(error)}))
    else:
        import importlib.metadata

        import pyarrow.parquet

        print(
            json.dumps(
                {
                    "engine": engine,
                    "version": importlib.metadata.version(engine),
                    "seconds": seconds,
                    "kept": pyarrow.parquet.read_metadata(output).num_rows,
                }
            )
        )
