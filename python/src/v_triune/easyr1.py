"""EasyR1's reward function:

    worker.reward.reward_function=$(python -c "import v_triune.easyr1 as m; print(m.__file__)"):compute_score

A ground truth is the gold answer, or JSON text with reward_model's keys (verifier, ground_truth, verifier_parm,
accuracy_ratio, format_ratio). `overall` is the reward; a sample that is not scored gets `unscored_reward`, with
`scored` = 0.0 beside it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from v_triune import _reward

REWARD_NAME = "v_triune"
REWARD_TYPE = "batch"


def compute_score(
    reward_inputs: Sequence[Mapping[str, Any]],
    verifier: Optional[str] = None,
    url: Optional[str] = None,
    token: Optional[str] = None,
    on_error: Optional[str] = None,
    unscored_reward: Optional[float] = None,
    **_: Any,
) -> List[Dict[str, float]]:
    if not isinstance(reward_inputs, (list, tuple)):
        raise ValueError("a list expected: set worker.reward.reward_type=batch where EasyR1 has that setting")
    unscored = _reward._unscored_reward(unscored_reward)
    named = _reward._setting(verifier, "V_TRIUNE_REWARD_VERIFIER", None)

    def request(_index: int, item: Mapping[str, Any], ignored: Any) -> Any:
        label = item["ground_truth"]
        model = _reward._label_model(label)
        gold = model.get("ground_truth") if model else label
        return _reward._request_of(item["response"], gold, model, verifier=named, ignored=ignored)

    results = _reward._score_all(_reward._client(url, token), list(reward_inputs), request, _reward._on_error(on_error))
    rows = []
    for result in results:
        scored = result["status"] == "scored"
        rows.append(
            {
                "overall": _reward._reward(result, unscored),
                "format": float(result["format"]) if scored else unscored,
                "accuracy": float(result["accuracy"]) if scored else unscored,
                **_reward._marks(result),
            }
        )
    return rows
