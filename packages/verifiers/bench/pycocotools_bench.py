"""Times pycocotools on one detection problem. usage: pycocotools_bench.py PROBLEM.json [REPEATS]; prints one JSON line.

PROBLEM.json holds images, categories, annotations and detections in COCO's layout; detection.bench.ts writes it.
"""

import contextlib
import io
import json
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def evaluate(problem):
    with contextlib.redirect_stdout(io.StringIO()):
        gold = COCO()
        gold.dataset = {
            "info": {},
            **{key: problem[key] for key in ("images", "categories")},
            "annotations": [dict(a) for a in problem["annotations"]],
        }
        gold.createIndex()
        found = gold.loadRes([dict(d) for d in problem["detections"]])
        run = COCOeval(gold, found, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats.tolist()


def main():
    with open(sys.argv[1]) as file:
        problem = json.load(file)
    best, stats = float("inf"), None
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        started = time.perf_counter()
        stats = evaluate(problem)
        best = min(best, time.perf_counter() - started)
    print(json.dumps({"seconds": best, "stats": stats}))


main()
