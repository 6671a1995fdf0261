"""Rewards for `verifiers` (0.4), which prime-rl trains and evaluates with. Plug it into any taskset:

    --env.taskset.task.rewards.v_triune.fn v_triune.prime:v_triune

or name it in a task of your own: `class MyTask(vf.Task): v_triune = vf.reward(v_triune.prime.v_triune)`. The task's
data has `reward_model` in Orsta's layout, or `ground_truth` (also `answer`, `solution`) with `verifier`,
`verifier_parm`, `accuracy_ratio`, `format_ratio`.
"""

from __future__ import annotations

from typing import Any, Dict

from v_triune import _reward

_KEYS = ("verifier", "verifier_parm", "accuracy_ratio", "format_ratio")


async def v_triune(task: Any, trace: Any) -> float:
    """The reward of the trace's last reply. What is not scored raises RewardError: `verifiers` then has an error, not
    a 0."""
    data: Dict[str, Any] = {**task.model_dump(), **(task.model_extra or {})}
    model = _reward._as_dict(data.get("reward_model")) or {key: data.get(key) for key in _KEYS}
    gold = next(
        (data[key] for key in ("ground_truth", "answer", "solution") if data.get(key) is not None),
        model.get("ground_truth"),
    )

    def request(_index: int, response: Any, ignored: Any) -> Any:
        named = _reward._setting(None, "V_TRIUNE_REWARD_VERIFIER", None)
        return _reward._request_of(response, gold, model, data.get("data_source"), verifier=named, ignored=ignored)

    (result,) = await _reward._score_all_async(_reward._client(None, None), [trace.last_reply], request, "raise")
    if result["status"] != "scored":
        raise _reward.RewardError(f"a sample was not scored, {result['status']}: {result.get('reason')}")
    for part in ("accuracy", "format"):
        trace.record_metric(f"v_triune/{part}", float(result[part]))
    return float(result["reward"])
