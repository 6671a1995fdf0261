"""Verdicts of answers, one or many, blocking or awaited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, TypedDict, Union, cast

from ._reward import RewardClient
from ._server import Server, client_of, shared_client

#: A text, content parts of a chat API, or messages of which the assistant's last one is read.
Content = Union[str, Sequence[Any], Mapping[str, Any]]
#: Where verdicts come from: an address (several with commas), a client, a server of this process.
Where = Union[str, RewardClient, Server, None]


@dataclass(frozen=True)
class Verdict:
    """What a verifier says of an answer.

    status    "scored"; "skipped" for a bad gold answer; "error" if the judging failed
    reward    None unless scored: neither a bad gold answer nor a fault is ever a 0
    accuracy  whether the answer is right, 0 to 1
    format    whether it has the form that was asked for, 0 to 1
    metrics   more numbers of the verifier, for example the parts of a detection reward
    reason    why it was not scored; "undecided" if the verifier reached its limits and scored 0
    code      of an error, for programs: "params", "timeout", "crash", "request", ..
    """

    status: str
    reward: Optional[float] = None
    accuracy: Optional[float] = None
    format: Optional[float] = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: Optional[str] = None
    code: Optional[str] = None

    @property
    def scored(self) -> bool:
        return self.status == "scored"


class _Needed(TypedDict):
    response: Content
    ground_truth: Content


class Sample(_Needed, total=False):
    """One answer of :func:`verify_many`, as `POST /v1/score` takes it."""

    verifier: str
    params: Mapping[str, Any]
    prompt: Content
    data_source: str
    accuracy_ratio: float
    format_ratio: float


def verify(
    response: Content,
    ground_truth: Content,
    *,
    verifier: str = "answer",
    params: Optional[Mapping[str, Any]] = None,
    prompt: Optional[Content] = None,
    data_source: Optional[str] = None,
    accuracy_ratio: float = 1.0,
    format_ratio: float = 0.0,
    server: Where = None,
) -> Verdict:
    """Whether a response has the gold answer.

    verifier      "answer" for any kind of answer, or "mathverify", "detection", "choice", "text", "number", "point",
                  "json-schema"
    params        of the verifier, for example {"boxes": "thousandths"}
    format_ratio  weight of the format in the reward; 0 by default, so that the reward is the accuracy

    Raises RewardError if no server answers or the request is wrong.
    """
    sample = _sample(response, ground_truth, verifier, params, prompt, data_source, accuracy_ratio, format_ratio)
    return verify_many([sample], server=server)[0]


async def verify_async(
    response: Content,
    ground_truth: Content,
    *,
    verifier: str = "answer",
    params: Optional[Mapping[str, Any]] = None,
    prompt: Optional[Content] = None,
    data_source: Optional[str] = None,
    accuracy_ratio: float = 1.0,
    format_ratio: float = 0.0,
    server: Where = None,
) -> Verdict:
    """:func:`verify` without blocking the event loop."""
    sample = _sample(response, ground_truth, verifier, params, prompt, data_source, accuracy_ratio, format_ratio)
    return (await verify_many_async([sample], server=server))[0]


def verify_many(samples: Iterable[Sample], *, server: Where = None) -> List[Verdict]:
    """Verdicts in the order of the samples, judged in parallel. A sample that cannot be read is an "error" and costs
    the others nothing."""
    requests = [_request(sample) for sample in samples]
    return _verdicts(_client(server).score(requests, on_refusal="skip"))


async def verify_many_async(samples: Iterable[Sample], *, server: Where = None) -> List[Verdict]:
    """:func:`verify_many` without blocking the event loop."""
    requests = [_request(sample) for sample in samples]
    # The first call may start a server.
    client = await asyncio.get_running_loop().run_in_executor(None, _client, server)
    return _verdicts(await client.score_async(requests, on_refusal="skip"))


def _client(server: Where) -> RewardClient:
    if server is None:
        return shared_client()
    if isinstance(server, Server):
        return server.client
    return server if isinstance(server, RewardClient) else client_of(server)


def _sample(
    response: Content,
    ground_truth: Content,
    verifier: str,
    params: Optional[Mapping[str, Any]],
    prompt: Optional[Content],
    data_source: Optional[str],
    accuracy_ratio: float,
    format_ratio: float,
) -> Sample:
    optional = {"params": params, "prompt": prompt, "data_source": data_source}
    sample: Dict[str, Any] = {
        "response": response,
        "ground_truth": ground_truth,
        "verifier": verifier,
        "accuracy_ratio": accuracy_ratio,
        "format_ratio": format_ratio,
        **{key: value for key, value in optional.items() if value is not None},
    }
    return cast(Sample, sample)


def _request(sample: Sample) -> Dict[str, Any]:
    return {"verifier": "answer", "accuracy_ratio": 1.0, "format_ratio": 0.0, **sample}


def _verdicts(results: Iterable[Mapping[str, Any]]) -> List[Verdict]:
    names = ("status", "reward", "accuracy", "format", "metrics", "reason", "code")
    found = []
    for result in results:
        known: Dict[str, Any] = {name: result[name] for name in names if name in result}
        known.update({name: float(known[name]) for name in ("reward", "accuracy", "format") if name in known})
        if result.get("refused") and "code" not in known:
            known["code"] = "request"
        found.append(Verdict(**known))
    return found
