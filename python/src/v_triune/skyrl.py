"""SkyRL-Gym's environment of one answer:

    import v_triune.skyrl                         # registers "v_triune"
    environment.env_class=v_triune                # of SkyRL; the data set's column `env_class` does the same

A row has `reward_spec` ({"ground_truth": ..}, SkyRL's own) or `reward_model` in Orsta's layout, with `verifier` and
its parameters. SkyRL wants a number: an answer that is not scored gets `unscored_reward`, and `scored` = 0.0 in the
metrics.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from v_triune import _reward
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput
from skyrl_gym.envs.registration import register, registry


class VTriuneEnv(BaseTextEnv):  # type: ignore[misc]
    """Judges the first answer and is done."""

    def __init__(
        self, env_config: Optional[Mapping[str, Any]] = None, extras: Optional[Mapping[str, Any]] = None
    ) -> None:
        super().__init__()
        config, extras = env_config or {}, extras or {}
        self._config = {key: config.get(key) for key in ("url", "token", "verifier", "on_error", "unscored_reward")}
        self._model = _reward._as_dict(extras.get("reward_model")) or _reward._as_dict(extras.get("reward_spec"))
        self._source = extras.get("data_source")
        self._metrics: Dict[str, float] = {}

    def step(self, action: Any) -> BaseTextEnvStepOutput:
        config = self._config
        unscored = _reward._unscored_reward(config["unscored_reward"])
        named = _reward._setting(config["verifier"], "V_TRIUNE_REWARD_VERIFIER", None)

        def request(_index: int, response: Any, ignored: Any) -> Any:
            return _reward._request_of(
                response, self._model.get("ground_truth"), self._model, self._source, verifier=named, ignored=ignored
            )

        client = _reward._client(config["url"], config["token"])
        (result,) = _reward._score_all(client, [action], request, _reward._on_error(config["on_error"]))
        self._metrics = _reward._marks(result)
        if result["status"] == "scored":
            self._metrics.update(accuracy=float(result["accuracy"]), format=float(result["format"]))
        output: BaseTextEnvStepOutput = {
            "observations": [],
            "reward": _reward._reward(result, unscored),
            "done": True,
            "metadata": {key: value for key, value in result.items() if key != "refused"},
        }
        return output

    def get_metrics(self) -> Dict[str, Any]:
        return dict(self._metrics)


if "v_triune" not in registry:
    register(id="v_triune", entry_point=VTriuneEnv)
