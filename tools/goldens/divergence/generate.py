#!/usr/bin/env python3
"""Golden numbers of the divergence from a teacher over the student's likeliest tokens: TRL's compute_topk_self_distillation_loss.

    pip download --no-deps trl==1.16.0
    python generate.py trl-1.16.0-py3-none-any.whl > divergence.json

Needs torch alone: the functions are taken out of the wheel by their names and run as they are, in float64. Of each case: the loss of each token, and
the gradient of the losses' sum in the student's logits.
"""
import ast, json, sys, zipfile

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
NAMES = ("compute_divergence", "add_tail_bucket", "compute_topk_self_distillation_loss")


def loss_function(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("trl/experimental/sdpo/loss_utils.py").decode()
    scope = {"torch": torch, "F": F}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in NAMES:
            exec(ast.unparse(node), scope)
    return scope["compute_topk_self_distillation_loss"]


def main():
    loss = loss_function(sys.argv[1])
    torch.manual_seed(5)
    cases = []
    for vocabulary, spread, k in ((12, 1.0, 4), (12, 3.0, 1), (40, 2.0, 8)):
        student = (spread * torch.randn(3, vocabulary, dtype=torch.float64)).round(decimals=4)
        teacher = (student + spread * torch.randn(3, vocabulary, dtype=torch.float64)).round(decimals=4)
        for alpha in (0.0, 0.3, 0.5, 1.0):
            for tail in (True, False):
                if k == 1 and not tail:
                    continue  # one token alone always has probability 1
                logits = student.clone().requires_grad_()
                losses = loss(logits, teacher, distillation_topk=k, distillation_alpha=alpha, distillation_add_tail=tail)
                losses.sum().backward()
                cases.append({"k": k, "alpha": alpha, "tail": tail, "student": student.tolist(), "teacher": teacher.tolist(),
                              "losses": losses.tolist(), "gradient": logits.grad.tolist()})
    json.dump({"trl": "1.16.0", "torch": torch.__version__, "cases": cases}, sys.stdout)
    print()


main()
