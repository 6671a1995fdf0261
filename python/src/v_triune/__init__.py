"""V-Triune's verifiers from Python: is this answer right?

    >>> import v_triune
    >>> v_triune.verify("The width is 50 mm.", "5 cm").reward
    1.0

The verifiers run in a reward server: the one that `V_TRIUNE_REWARD_URL` names, else one that this process starts with
npx (Node 20 or newer) and ends with itself. Reward functions for trainers: docs/python.md.
"""

from ._reward import RewardClient, RewardError
from ._server import Server, ServerError
from ._verify import Sample, Verdict, verify, verify_async, verify_many, verify_many_async

__version__ = "0.1.0"
__all__ = [
    "RewardClient",
    "RewardError",
    "Sample",
    "Server",
    "ServerError",
    "Verdict",
    "verify",
    "verify_async",
    "verify_many",
    "verify_many_async",
]
