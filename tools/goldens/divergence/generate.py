#!/usr/bin/env python3
"""Golden numbers of the divergence from a teacher: over the student's likeliest tokens by TRL's
compute_topk_self_distillation_loss, and over the teacher's by the loss of its trainer with a teacher on a server
(_compute_server_forward_kl_loss).

    pip download --no-deps trl==1.16.0
    python generate.py trl-1.16.0-py3-none-any.whl > divergence.json

Needs torch alone: the functions are taken out of the wheel by their names and run as they are, in float64. Of each
case: the loss of each token, and the gradient of the losses' sum in the student's logits.
"""

import ast, json, sys, zipfile
from types import SimpleNamespace

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
NAMES = ("compute_divergence", "add_tail_bucket", "compute_topk_self_distillation_loss")


SERVER_NAMES = ("_jsd_divergence", "_add_tail_bucket", "_compute_server_forward_kl_loss")


def functions(wheel, file, names):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(file).decode()
    scope = {"torch": torch, "F": F}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            exec(ast.unparse(node), scope)
    return scope


def server_loss(wheel):
    method = functions(wheel, "trl/experimental/server_distillation/server_distillation_trainer.py", SERVER_NAMES)[
        "_compute_server_forward_kl_loss"
    ]

    def loss(student, teacher, k, tail):
        top = torch.log_softmax(teacher, -1).topk(k, dim=-1)
        trainer = SimpleNamespace(loss_add_tail=tail, _reduce_divergence_loss=lambda values, **_: values.sum(-1))
        result = {"topk_logprobs": top.values, "topk_token_ids": top.indices}
        return method(trainer, result, torch.log_softmax(student, -1), torch.zeros(student.shape[0], dtype=torch.long))

    return loss


def main():
    loss = functions(sys.argv[1], "trl/experimental/sdpo/loss_utils.py", NAMES)["compute_topk_self_distillation_loss"]
    by_server = server_loss(sys.argv[1])
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
                losses = loss(
                    logits, teacher, distillation_topk=k, distillation_alpha=alpha, distillation_add_tail=tail
                )
                losses.sum().backward()
                cases.append(
                    {
                        "over": "policy",
                        "k": k,
                        "alpha": alpha,
                        "tail": tail,
                        "student": student.tolist(),
                        "teacher": teacher.tolist(),
                        "losses": losses.tolist(),
                        "gradient": logits.grad.tolist(),
                    }
                )
        for tail in (True, False):
            if k == 1 and not tail:
                continue
            logits = student.clone().requires_grad_()
            losses = by_server(logits, teacher, k, tail)
            losses.sum().backward()
            cases.append(
                {
                    "over": "teacher",
                    "k": k,
                    "alpha": 0.0,
                    "tail": tail,
                    "student": student.tolist(),
                    "teacher": teacher.tolist(),
                    "losses": losses.tolist(),
                    "gradient": logits.grad.tolist(),
                }
            )
    json.dump({"trl": "1.16.0", "torch": torch.__version__, "cases": cases}, sys.stdout)
    print()


main()
