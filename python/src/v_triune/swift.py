"""ms-swift's GRPO:

    swift rlhf --rlhf_type grpo --reward_funcs v_triune
        --external_plugins $(python -c "import importlib.util as u; print(u.find_spec('v_triune.swift').origin)")

Columns are those of `v_triune_reward.make_trl_reward`: `reward_model` in Orsta's layout, or `solution` (also
`ground_truth`, `answer`) with `verifier`. Samples that are not scored are None, which ms-swift leaves out.
"""

from __future__ import annotations

from typing import Any, List, Optional

from v_triune import _reward

try:  # ms-swift 4
    from swift.rewards import AsyncORM, orms
except ImportError:  # ms-swift 3
    from swift.plugin import ORM as AsyncORM
    from swift.plugin import orms


class VTriuneReward(AsyncORM):  # type: ignore[misc]
    """A coroutine, so that ms-swift awaits several reward functions together."""

    async def __call__(
        self, completions: List[Any], trainer_state: Any = None, **columns: Any
    ) -> List[Optional[float]]:
        columns.pop("prompts", None)
        rewards: List[Optional[float]] = await _reward.trl_reward(
            None, completions, trainer_state=trainer_state, **columns
        )
        return rewards


orms["v_triune"] = VTriuneReward
