"""What this package needs of the one-file client. Types: _reward.pyi."""

from v_triune_reward import (  # noqa: F401
    RewardClient,
    RewardError,
    _as_dict,
    _client,
    _label_model,
    _marks,
    _on_error,
    _request_of,
    _reward,
    _score_all,
    _score_all_async,
    _setting,
    _unscored_reward,
    trl_reward,
)
