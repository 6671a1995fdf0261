"""slime's own remote_rm (slime/rollout/rm_hub/__init__.py) and its custom reward path ask our server.

    python slime_remote_rm.py CLIENT_FOLDER SERVER_URL SLIME_CHECKOUT     prints one JSON line: rewards by the two ways

slime is not on PyPI. What rm_hub imports beside aiohttp (other graders, the trainer's types) is replaced by empty
modules, as neither way uses it; `load_function` imports by name, as slime's does.
"""

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import types

client, url, checkout = sys.argv[1:]
sys.path.insert(0, client)


class Anything(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Empty:
    """Finds an empty module for everything below slime but rm_hub itself."""

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self, is_package=True) if name.split(".")[0] == "slime" else None

    def create_module(self, spec):
        return Anything(spec.name)

    def exec_module(self, module):
        module.__path__ = []


sys.meta_path.insert(0, Empty())


def load_function(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


importlib.import_module("slime.utils.misc").load_function = load_function
importlib.import_module("slime.rollout")
spec = importlib.util.spec_from_file_location(
    "slime.rollout.rm_hub", os.path.join(checkout, "slime/rollout/rm_hub/__init__.py"), submodule_search_locations=[]
)
rm_hub = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = rm_hub
spec.loader.exec_module(rm_hub)

LABEL = json.dumps({"verifier": "mathverify", "ground_truth": "\\boxed{4}", "accuracy_ratio": 1.0, "format_ratio": 0.0})


def sample(response, label=LABEL):
    return types.SimpleNamespace(
        prompt="What is 2 + 2?", response=response, label=label, metadata={}, custom_rm_path=None
    )


SAMPLES = [
    sample("It is \\boxed{4}<|im_end|>"),
    sample("It is \\boxed{5}"),
    sample("It is \\boxed{4}", LABEL.replace("4", "3")),
]


async def main():
    remote = types.SimpleNamespace(rm_url=url + "/slime", rm_type="remote_rm", custom_rm_path=None)
    custom = types.SimpleNamespace(rm_url=url, rm_type=None, custom_rm_path="v_triune_reward.slime_reward")
    found = {
        "remote_rm": await rm_hub.batched_async_rm(remote, SAMPLES),
        "custom, one by one": [await rm_hub.async_rm(custom, one) for one in SAMPLES],
        "custom, all at once": await rm_hub.batched_async_rm(custom, SAMPLES),
    }
    session = getattr(rm_hub, "_shared_session", None)
    if session is not None:
        await session.close()
    print("RESULT " + json.dumps(found))


asyncio.run(main())
