#!/usr/bin/env python3
"""Golden changes of a mean between two windows, with scipy.stats.bootstrap.

  python generate.py > mean_change.json

A unit is [sum, count] of a prompt's rollouts. Windows are drawn apart (multi-sample bootstrap), so no unit recurs.
"""

import json
import numpy as np
import scipy
from scipy.stats import bootstrap

rng = np.random.default_rng(1)


def window(prompts: int, mean: float, largest: int) -> np.ndarray:
    counts = rng.integers(1, largest + 1, prompts)
    chances = rng.beta(mean * 2, (1 - mean) * 2, prompts)
    return np.stack([rng.binomial(counts, chances), counts], axis=1).astype(float)


def ratio(units: np.ndarray) -> float:
    return units[:, 0].sum() / units[:, 1].sum()


cases = []
for name, before, after in [
    ("alike", window(200, 0.5, 8), window(200, 0.5, 8)),
    ("fell", window(300, 0.6, 8), window(120, 0.3, 16)),
    ("few", window(24, 0.4, 8), window(30, 0.7, 8)),
    ("rare", window(150, 0.05, 8), window(150, 0.1, 8)),
]:
    result = bootstrap(
        (np.arange(len(before)), np.arange(len(after))),
        lambda b, a: ratio(after[a]) - ratio(before[b]),
        vectorized=False,
        paired=False,
        n_resamples=40_000,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    cases.append(
        {
            "name": name,
            "before": before.astype(int).tolist(),
            "after": after.astype(int).tolist(),
            "change": ratio(after) - ratio(before),
            "error": float(result.standard_error),
            "low": float(result.confidence_interval.low),
            "high": float(result.confidence_interval.high),
        }
    )
print(json.dumps({"scipy": scipy.__version__, "numpy": np.__version__, "cases": cases}))
