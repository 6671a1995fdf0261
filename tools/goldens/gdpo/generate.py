#!/usr/bin/env python3
"""Golden numbers of GDPO: verl's compute_gdpo_outcome_advantage and TRL's
multi_objective_aggregation="normalize_then_sum".

    pip download --no-deps verl==0.9.1 trl==1.16.0
    python generate.py verl-0.9.1-py3-none-any.whl trl-1.16.0-py3-none-any.whl > gdpo.json

Needs torch and numpy alone: the functions are taken out of the wheels by their names and run as they are. Of TRL's
trainer that is the branch of the method that computes advantages. float32, 9 significant digits, which restores the
float32 exactly; a missing reward is null.
"""

import ast, json, math, sys, textwrap, types, zipfile
from collections import defaultdict
from typing import Any, Optional

import numpy as np
import torch

torch.set_num_threads(1)


def source(wheel, path):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(path).decode()


def functions(text, *names):
    """The source of functions of a module, without their decorators."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.decorator_list = []
            found.append(ast.unparse(node))
    assert len(found) == len(names), (names, len(found))
    return "\n\n".join(found)


def verl_function(wheel):
    masked = {"torch": torch}
    exec(
        functions(
            source(wheel, "verl/utils/torch_functional.py"), "masked_sum", "masked_mean", "masked_var", "masked_whiten"
        ),
        masked,
    )
    scope = {
        "torch": torch,
        "np": np,
        "defaultdict": defaultdict,
        "Optional": Optional,
        "Any": Any,
        "AlgoConfig": dict,
        "verl_F": types.SimpleNamespace(masked_whiten=masked["masked_whiten"]),
    }
    text = source(wheel, "verl/trainer/ppo/core_algos.py")
    exec(functions(text, "compute_grpo_outcome_advantage", "compute_gdpo_outcome_advantage"), scope)
    return scope["compute_gdpo_outcome_advantage"]


def trl_function(wheel):
    """(rewards [B, K] with NaN, weights [K], group size) -> advantages [B]"""
    scope = {"torch": torch}
    exec(functions(source(wheel, "trl/trainer/utils.py"), "nanstd"), scope)
    for node in ast.walk(ast.parse(source(wheel, "trl/trainer/grpo_trainer.py"))):
        if not (
            isinstance(node, ast.If)
            and ast.unparse(node.test) == "self.multi_objective_aggregation == 'normalize_then_sum'"
        ):
            continue
        body = "\n".join(ast.unparse(statement) for statement in node.body)
        wrapped = (
            "def advantages(self, rewards_per_func, num_generations, device):\n"
            "    unscorable_mask = torch.isnan(rewards_per_func).all(dim=1)\n"
            f"{textwrap.indent(body, '    ')}\n"
            "    return torch.nan_to_num(advantages, nan=0.0)\n"
        )
        exec(wrapped, scope)
        return lambda rewards, weights, size: scope["advantages"](
            types.SimpleNamespace(reward_funcs=[None] * rewards.shape[1], reward_weights=weights), rewards, size, "cpu"
        )
    raise SystemExit("trl: no branch for normalize_then_sum")


def number(value):
    return None if math.isnan(value) else float(f"{value:.9g}")


def numbers(tensor):
    return [numbers(row) if row.dim() > 0 else number(row.item()) for row in tensor]


def cases():
    """name -> rewards [B, K], group size, weights, tokens of each row"""
    g = torch.Generator().manual_seed(7)
    uniform = lambda *shape: torch.rand(*shape, generator=g)
    binary = lambda *shape: (uniform(*shape) > 0.5).float()
    lengths = lambda rows: torch.randint(1, 9, (rows,), generator=g)
    nan = float("nan")
    dense = torch.cat([binary(16, 1), uniform(16, 1), (uniform(16, 1) * 10).round() / 10], dim=1)
    yield "dense", dense, 4, [1.0, 0.5, 0.1], lengths(16)
    # Format is always right: the component has no signal anywhere.
    yield "one_without_signal", torch.cat([binary(8, 1), torch.ones(8, 1)], dim=1), 4, [1.0, 0.1], lengths(8)
    # The second group has no signal in any component.
    part = torch.cat([uniform(8, 1), binary(8, 1)], dim=1)
    part[4:] = torch.tensor([0.25, 1.0])
    yield "group_without_signal", part, 4, [0.9, 0.1], lengths(8)
    # A component does not apply to the second group, and one answer of the first has no score at all.
    missing = torch.cat([uniform(12, 1), uniform(12, 1)], dim=1)
    missing[4:8, 1] = nan
    missing[2] = nan
    yield "missing", missing, 4, [1.0, 1.0], lengths(12)
    yield "pairs", uniform(6, 2), 2, [1.0, 3.0], lengths(6)
    yield "scales", torch.cat([uniform(12, 1) * 1000, uniform(12, 1) / 1000], dim=1), 6, [1.0, 1.0], lengths(12)


def main(verl_wheel, trl_wheel):
    verl, trl = verl_function(verl_wheel), trl_function(trl_wheel)
    found = []
    for name, rewards, size, weights, tokens in cases():
        rows = rewards.shape[0]
        groups = [row // size for row in range(rows)]
        case = {
            "name": name,
            "rewards": numbers(rewards),
            "groups": groups,
            "weights": weights,
            "tokens": tokens.tolist(),
            "trl": numbers(trl(rewards, torch.tensor(weights), size)),
        }
        if not torch.isnan(rewards).any():  # verl has no missing rewards
            width = int(tokens.max())
            mask = (torch.arange(width)[None, :] < tokens[:, None]).float()
            keys = [f"r{k}" for k in range(rewards.shape[1])]
            advantages, _ = verl(
                token_level_rewards=torch.zeros(rows, width),
                response_mask=mask,
                index=np.array(groups),
                config={"gdpo_reward_keys": keys, "gdpo_reward_weights": weights},
                non_tensor_batch={key: rewards[:, k].numpy() for k, key in enumerate(keys)},
                batch={
                    "prompts": torch.zeros(rows, 1),
                    "attention_mask": torch.cat([torch.ones(rows, 1), mask], dim=1).long(),
                },
            )
            case["verl"] = numbers(advantages[:, 0])  # the same on every token of a row
        found.append(case)
    heading = {"verl": "0.9.1", "trl": "1.16.0", "torch": torch.__version__.split("+")[0]}
    lines = ",\n".join(json.dumps(case) for case in found)
    print(f'{{"versions": {json.dumps(heading)},\n"cases": [\n{lines}\n]}}')


main(*sys.argv[1:])
