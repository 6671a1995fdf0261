"""Rewards from a V-Triune reward server for verl, TRL, OpenRLHF and slime.

One file, standard library only, Python >= 3.8.

    verl      reward.custom_reward_function.path=v_triune_reward.py  reward.custom_reward_function.name=compute_score
              +reward.custom_reward_function.reward_kwargs.url=http://127.0.0.1:8000
    TRL       from v_triune_reward import trl_reward;  GRPOTrainer(reward_funcs=trl_reward, ...)
    OpenRLHF  --reward.remote_url v_triune_reward.py            (or the server's own /openrlhf)
    slime     --custom-rm-path v_triune_reward.slime_reward     (or the server's own /slime)
    anything  client = RewardClient("http://127.0.0.1:8000")
              client.score([{"response": .., "verifier": "mathverify", "ground_truth": ..}])

Responses, prompts and gold answers may be content parts ([{"type": "text", "text": ..}, {"type": "image_url", ..}])
or messages with them: the texts are joined, pictures and calls of tools are left out, and of several messages the
assistant's last one is the response. A part of an unknown kind is an `error` that names the kind.

A sample says how it is rewarded: its `reward_model` (Orsta layout: verifier, ground_truth, verifier_parm,
accuracy_ratio, format_ratio) is looked for in the columns, in `extra_info` and in the label. Arguments, and the
variables that stand in for them where a trainer passes none:

    url              V_TRIUNE_REWARD_URL        servers, several separated by commas; default http://127.0.0.1:8000
    token            V_TRIUNE_REWARD_TOKEN      bearer token
    verifier         V_TRIUNE_REWARD_VERIFIER   of samples that name none
    on_error         V_TRIUNE_REWARD_ON_ERROR   skip (default) or raise
    unscored_reward  V_TRIUNE_REWARD_UNSCORED   default 0.0

What was not scored is never a silent 0. A `skipped` sample has a bad gold answer, an `error` could not be judged
(timeout, crash, wrong parameters). Both are left out: TRL gets None; verl and the others have no word for it and get
`unscored_reward`, with `scored` = 0.0 beside it where there is room. Each batch with such samples logs a warning that
counts the reasons (logger "v_triune_reward"). With on_error="raise" an `error` raises RewardError instead. An answer
that a verifier could not decide within its limits is scored 0 and counted as `undecided`. A server that does not
answer, and a sample that names no verifier, raise RewardError in any case.
"""

import asyncio
import collections
import http.client
import json
import logging
import os
import random
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

__all__ = [
    "RewardClient",
    "RewardError",
    "compute_score",
    "reward_func",
    "slime_reward",
    "trl_reward",
    "make_trl_reward",
]

_RETRY_STATUS = {429, 502, 503, 504}
_REFUSAL_STATUS = {400, 404, 413, 422}
_log = logging.getLogger("v_triune_reward")


class RewardError(RuntimeError):
    """The server could not be reached, refused the request, or could not judge a sample."""


class _Refused(RewardError):
    """The server refused what the request holds; it may take a part of it."""


# Kinds of content parts: those with text, by the key that has it, and those that are left out. The server reads the
# same ones.
_TEXT_KINDS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_IGNORED_KINDS = frozenset(
    "image image_url image_file input_image output_image video video_url input_video "
    "audio audio_url input_audio output_audio file input_file "
    "thinking redacted_thinking reasoning tool_use tool_call tool_result function_call function_call_output".split()
)
_BARE_MEDIA = ("image", "image_url", "video", "audio", "inline_data", "inlineData", "file_data", "fileData")
_WITHOUT_CONTENT = ("tool_calls", "function_call", "refusal", "audio")
_MOST_LEVELS = 8


class _BadText(RewardError):
    """A text of one sample that cannot be read; it says nothing of the others."""


class _BadContent(_BadText):
    """Content that cannot be read: where it is, what is expected, what was found."""

    def __init__(self, where, expected, found):
        super().__init__(f"{where}: {expected} expected, found {found}")
        self.where, self.found = where, found


def _shown(value):
    try:
        text = "null" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _is_part(value):
    if not hasattr(value, "keys"):
        return False
    kind = value.get("type")
    if isinstance(kind, str):
        return kind != "message"
    return "text" in value or any(key in value for key in _BARE_MEDIA)


def _is_message(value):
    return hasattr(value, "keys") and not _is_part(value) and (isinstance(value.get("role"), str) or "content" in value)


def _response_text(value, where="response", ignored=None):
    """The text of a response: a string, content parts, or messages, of which the assistant's last one counts."""
    value = _as_list(value)
    items = value if isinstance(value, (list, tuple)) else [value]
    if not any(_is_message(item) for item in items):
        return _content_text(value, where, ignored)
    for index in range(len(items) - 1, -1, -1):
        if _is_message(items[index]) and items[index].get("role") in (None, "assistant", "model"):
            return _content_text(items[index], f"{where}[{index}]" if items is value else where, ignored)
    roles = dict.fromkeys(_shown(item.get("role")) for item in items if _is_message(item))
    raise _BadContent(where, "a message of the assistant", f"messages of {', '.join(roles)}")


def _prompt_text(value, where="prompt", ignored=None):
    """The text of a prompt: that of all its messages."""
    value = _as_list(value)
    if not isinstance(value, (list, tuple)) or not any(_is_message(item) for item in value):
        return _content_text(value, where, ignored)
    return "\n".join(_content_text(item, f"{where}[{index}]", ignored) for index, item in enumerate(value))


def _as_list(value):
    """Parquet rows hold lists as numpy arrays."""
    return value.tolist() if hasattr(value, "tolist") and not isinstance(value, str) else value


def _content_text(value, where, ignored, level=0):
    value = _as_list(value)
    if isinstance(value, str):
        return value
    if level > _MOST_LEVELS:
        raise _BadContent(where, f"at most {_MOST_LEVELS} levels of content", "more")
    if isinstance(value, (list, tuple)):
        return "".join(_content_text(item, f"{where}[{index}]", ignored, level + 1) for index, item in enumerate(value))
    if _is_message(value):
        key = "content" if "content" in value or "parts" not in value else "parts"
        if value.get(key) is not None:
            return _content_text(value[key], f"{where}.{key}", ignored, level + 1)
        if key in value or any(name in value for name in _WITHOUT_CONTENT):
            return ""
        raise _BadContent(f"{where}.content", "a string, content parts or null", "nothing")
    if hasattr(value, "keys"):
        return _part_text(value, where, ignored)
    raise _BadContent(where, "a string or content parts", _shown(value))


def _part_text(part, where, ignored):
    kind = part.get("type")
    if kind is None and "text" not in part:
        left_out = next((key for key in _BARE_MEDIA if key in part), None)
    else:
        left_out = kind if isinstance(kind, str) and kind in _IGNORED_KINDS else None
    if left_out is not None:
        if ignored is not None:
            ignored[left_out] += 1
        return ""
    key = "text" if kind is None and "text" in part else _TEXT_KINDS.get(kind) if isinstance(kind, str) else None
    if key is None:
        if kind is None:
            raise _BadContent(where, "a string or content parts", _shown(dict(part)))
        raise _BadContent(
            f"{where}.type", f"a kind of part that is known ({', '.join(_TEXT_KINDS)}, image_url, ..)", _shown(kind)
        )
    if key not in part:
        raise _BadContent(f"{where}.{key}", "a string", "nothing")
    if part[key] is None:
        return ""
    if not isinstance(part[key], str):
        raise _BadContent(f"{where}.{key}", "a string", _shown(part[key]))
    return part[key]


def _gold_text(value, ignored=None):
    """A gold answer: a text, or content parts. A list of texts is not one: its items must not be joined."""
    value = _as_list(value)
    if isinstance(value, (list, tuple)) and value and all(_is_message(item) or _is_part(item) for item in value):
        try:
            return _response_text(value, "ground_truth", ignored)
        except _BadContent as error:
            raise _BadGold(f"gold: {error}") from error
    if not isinstance(value, str):
        raise _BadGold(f"gold: ground_truth is {value!r}, expected a string")
    return value


class RewardClient:
    """Scores batches on one or several servers. Safe to use from several threads; connections are kept open.

    url      "http://host:port", a list of them, or a text with commas
    timeout  seconds for one HTTP request
    retries  further tries after a connection fault or a status of 429, 502, 503, 504; every try takes the next server
    batch    samples in one HTTP request; larger lists are sent in parallel
    """

    def __init__(self, url=None, token=None, timeout=120.0, retries=4, batch=64, parallel=8):
        url = url or os.environ.get("V_TRIUNE_REWARD_URL", "http://127.0.0.1:8000")
        self.urls = [u.strip().rstrip("/") for u in (url.split(",") if isinstance(url, str) else url) if u.strip()]
        if not self.urls:
            raise ValueError("no reward server: pass url= or set V_TRIUNE_REWARD_URL, e.g. http://127.0.0.1:8000")
        for u in self.urls:
            if urlsplit(u).scheme not in ("http", "https") or not urlsplit(u).hostname:
                raise ValueError(f"{u!r} is no server address, expected something like http://127.0.0.1:8000")
        self.token = token or os.environ.get("V_TRIUNE_REWARD_TOKEN")
        self.timeout, self.retries, self.batch = timeout, retries, batch
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="v-triune-reward")
        self._turn = random.randrange(len(self.urls))
        self._lock = threading.Lock()

    def score(self, requests, on_refusal="raise"):
        """Scores a list of dicts and returns one result for each, in order.

        A sample that the server does not take (an unknown verifier, a ratio below 0) raises RewardError; with
        on_refusal="skip" it is an `error` with "refused": True, and the others are scored.

        request  response, verifier, ground_truth; optional prompt, data_source, params, accuracy_ratio, format_ratio
        result   {"status": "scored", "reward", "accuracy", "format", "metrics", "reason"?: "undecided"}
                 or {"status": "skipped" | "error", "reason"}
        """
        score_part = self._score_apart if on_refusal == "skip" else self._score_part
        parts = self._parts(requests)
        if len(parts) <= 1:
            return score_part(parts[0]) if parts else []
        return [result for part in self._pool.map(score_part, parts) for result in part]

    async def score_async(self, requests, on_refusal="raise"):
        """The same without blocking the event loop."""
        score_part = self._score_apart if on_refusal == "skip" else self._score_part
        loop = asyncio.get_running_loop()
        done = await asyncio.gather(
            *[loop.run_in_executor(self._pool, score_part, part) for part in self._parts(requests)]
        )
        return [result for part in done for result in part]

    def close(self):
        """Ends the client's threads, and with them their connections."""
        self._pool.shutdown(wait=False)

    def _parts(self, requests):
        requests = list(requests)
        return [requests[i : i + self.batch] for i in range(0, len(requests), self.batch)]

    def _score_apart(self, requests):
        """Marks what is refused. A server that refuses all for one is asked again for the halves, until the samples
        that cause it stand alone."""
        try:
            return [
                {**result, "refused": True} if result.get("code") == "request" else result
                for result in self._send_part(requests)
            ]
        except _Refused as refusal:
            if len(requests) == 1:
                return [{"status": "error", "reason": str(refusal), "refused": True}]
            middle = len(requests) // 2
            return self._score_apart(requests[:middle]) + self._score_apart(requests[middle:])

    def _score_part(self, requests):
        results = self._send_part(requests)
        for result in results:
            if result.get("code") == "request":
                raise _Refused(f"the server does not take a request: {result.get('reason')}")
        return results

    def _send_part(self, requests):
        reply = self._post("/v1/score", {"requests": requests})
        results = reply.get("results") if isinstance(reply, dict) else None
        if not isinstance(results, list) or len(results) != len(requests):
            found = f"{len(results)} results" if isinstance(results, list) else "no results"
            raise RewardError(f"the reward server answered {found} to {len(requests)} requests")
        return results

    def _post(self, path, body):
        data = json.dumps(body).encode()
        fault = None
        for attempt in range(self.retries + 1):
            with self._lock:
                url = self.urls[self._turn % len(self.urls)]
                self._turn += 1
            wait = min(8.0, 0.25 * 2**attempt)
            try:
                status, headers, text = self._request(url, path, data)
            except (OSError, http.client.HTTPException) as error:
                fault = f"{url}: {type(error).__name__}: {error}"
            else:
                if status == 200:
                    try:
                        return json.loads(text)
                    except ValueError as error:
                        raise RewardError(f"{url}{path}: the reply is not JSON ({error})") from error
                fault = f"{url}{path}: HTTP {status}: {text[:300]}"
                if status in _REFUSAL_STATUS:
                    raise _Refused(fault)
                if status not in _RETRY_STATUS:
                    raise RewardError(fault)
                try:
                    wait = min(30.0, float(headers.get("Retry-After", wait)))
                except ValueError:
                    pass
            if attempt < self.retries:
                # With several servers the next one is tried at once; only a whole round of faults waits.
                if (attempt + 1) % len(self.urls) == 0:
                    time.sleep(wait * (0.75 + random.random() / 2))
        raise RewardError(f"no reward server answered after {self.retries + 1} tries; the last fault was {fault}")

    def _request(self, url, path, data):
        kept = self._local.__dict__.setdefault("connections", {})
        fresh = url not in kept
        try:
            return self._exchange(url, path, data, kept)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # A kept connection may have been closed while it was idle: that is no fault of the server.
            if fresh:
                raise
            return self._exchange(url, path, data, kept)

    def _exchange(self, url, path, data, kept):
        parts = urlsplit(url)
        connection = kept.pop(url, None)
        if connection is None:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(parts.hostname, parts.port, timeout=self.timeout)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request("POST", parts.path + path, data, headers)
            reply = connection.getresponse()
            text = reply.read().decode("utf-8", "replace")
        except BaseException:
            connection.close()
            raise
        if not reply.will_close:
            kept[url] = connection
        return reply.status, reply.headers, text


_clients = {}
_clients_lock = threading.Lock()


def _client(url=None, token=None, **settings):
    # One client for each process, address and setting: a forked worker must not share its parent's sockets.
    key = (os.getpid(), str(url), token, tuple(sorted(settings.items())))
    with _clients_lock:
        if key not in _clients:
            _clients[key] = RewardClient(url, token, **settings)
        return _clients[key]


def _as_dict(value):
    """A dict, also from JSON text; anything else is empty."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return dict(value) if hasattr(value, "keys") else {}


def _label_model(label):
    """The reward_model that a label is. A gold answer may be JSON, too: it is a label's model only if it names a gold
    answer or a verifier."""
    found = _as_dict(label)
    return found if "ground_truth" in found or "verifier" in found else {}


def _plain(value):
    """numpy scalars and arrays, which Parquet rows hold, as JSON."""
    if hasattr(value, "keys"):
        return {str(key): _plain(value[key]) for key in value.keys()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


_SPECIAL_RUN = re.compile(r"(<\|[\w.-]{1,40}\|>|<[a-z]\w{0,30}>)\1*")
_END_TOKENS = re.compile(r"(?:(?:<\|[\w.-]{1,40}\|>|</s>|<eos>|<pad>|<end_of_turn>)\s*)+\Z")
_LEAST_COMMON = 16  # a shorter common part of prompt and query may be chance


def _without_end_tokens(response):
    """Removes what ends a response: <|im_end|>, <|endoftext|>, </s>, .."""
    return _END_TOKENS.sub("", response)


def _after_repeated_tokens(query, prompt):
    """The query begins with the prompt, in which each special token may occur any number of times in a row."""
    at = end = 0
    for run in _SPECIAL_RUN.finditer(prompt):
        text, token = prompt[end : run.start()], run.group(1)
        if not query.startswith(text + token, at):
            return None
        at += len(text)
        while query.startswith(token, at):
            at += len(token)
        end = run.end()
    return query[at + len(prompt) - end :] if query.startswith(prompt[end:], at) else None


def _response_in_query(query, prompt):
    """The response inside OpenRLHF's query, which is the decoded ids of prompt and response.

    Decoding repeats a picture's token for each patch, a long prompt has lost its beginning, and some tokenizers put a
    token in front or join blanks. A prompt often shows the answer's form, so a query is never taken for the response
    as a whole.
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    lead = re.match(r"\s*(?:<\|?[\w.-]{1,40}\|?>)?\s*", query).end()
    for found in (_after_repeated_tokens(query, prompt), _after_repeated_tokens(query[lead:], prompt.lstrip())):
        if found is not None:
            return found
    at = prompt.find(query[:_LEAST_COMMON], 1)
    while 0 < at <= len(prompt) - _LEAST_COMMON:
        if query.startswith(prompt[at:]):
            return query[len(prompt) - at :]
        at = prompt.find(query[:_LEAST_COMMON], at + 1)
    end, at = prompt[-2 * _LEAST_COMMON :], -1
    for _ in range(prompt.count(end) if len(end) >= _LEAST_COMMON else 0):
        at = query.find(end, at + 1)
        if at < 0:
            break
    if at < 0:
        raise _BadText("a query does not hold its prompt, so that nobody can tell where the response begins")
    return query[at + len(end) :]


def _request_of(
    response, ground_truth, reward_model, data_source=None, prompt=None, run=None, verifier=None, ignored=None
):
    """One wire request of a sample in Orsta's layout. `run` is what the run adds: step, total_steps, is_training,
    epsilon, ..; `ignored` counts the content parts that are left out."""
    model = _as_dict(reward_model)
    params = {
        **_as_dict(model.get("verifier_parm", model.get("params"))),
        **{k: v for k, v in (run or {}).items() if v is not None},
    }
    name = model.get("verifier") or verifier
    if not name:
        raise RewardError(
            "this sample names no verifier: put Orsta's reward_model (verifier, ground_truth, ..) into extra_info, "
            "a column or the label, pass verifier=, or set V_TRIUNE_REWARD_VERIFIER"
        )
    gold = _gold_text(ground_truth if ground_truth is not None else model.get("ground_truth"), ignored)
    request = {
        "response": _response_text(response, ignored=ignored),
        "verifier": str(name),
        "ground_truth": gold,
        "params": _plain(params),
        "accuracy_ratio": _plain(model.get("accuracy_ratio")),
        "format_ratio": _plain(model.get("format_ratio")),
    }
    if data_source is not None:
        request["data_source"] = str(data_source)
    if prompt is not None:
        request["prompt"] = _prompt_text(prompt, ignored=ignored)
    return request


def _setting(value, variable, default):
    return os.environ.get(variable, default) if value is None else value


def _on_error(value):
    found = _setting(value, "V_TRIUNE_REWARD_ON_ERROR", "skip")
    if found not in ("skip", "raise"):
        raise ValueError(f"on_error is {found!r}, expected 'skip' or 'raise'")
    return found


def _unscored_reward(value):
    return float(_setting(value, "V_TRIUNE_REWARD_UNSCORED", 0.0))


class _BadGold(Exception):
    """A sample whose gold answer is no text: it is skipped like any other bad gold answer."""


def _read_all(items, read):
    """The requests of a batch that can be read, and the results of all others by their places."""
    requests, unread, ignored = [], {}, collections.Counter()
    for index, item in enumerate(items):
        try:
            requests.append(read(index, item, ignored))
        except _BadGold as error:
            unread[index] = {"status": "skipped", "reason": str(error)}
        except RewardError as error:
            # Trainers that ask one by one would end their run by a single bad sample.
            unread[index] = {
                "status": "error",
                "reason": str(error),
                "refused": len(items) > 1 or not isinstance(error, _BadText),
            }
    _log_ignored(ignored)
    return requests, unread


def _log_ignored(ignored):
    if ignored:
        _log.info(
            "content parts that are no text: %s",
            ", ".join(f"{kind} ({count})" for kind, count in ignored.most_common()),
        )


def _merged(count, unread, scored, on_error):
    scored = iter(scored)
    return _settle([unread[index] if index in unread else next(scored) for index in range(count)], on_error)


def _settle(results, on_error):
    """Logs what is left out and what is undecided. Raises for the first error where that is asked for, and for a
    mistake that all share: no sample of the batch is lost by that."""
    errors = [result for result in results if result["status"] == "error"]
    if errors and (on_error == "raise" or all(result.get("refused") for result in results)):
        raise RewardError(f"a sample could not be judged: {errors[0].get('reason')}")
    left_out = collections.Counter(
        f"{result['status']}: {result.get('reason')}" for result in results if result["status"] != "scored"
    )
    undecided = sum(_is_undecided(result) for result in results)
    if left_out:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in left_out.most_common(5))
        _log.warning("%d of %d samples left out: %s", sum(left_out.values()), len(results), reasons)
    if undecided:
        _log.info("%d of %d answers scored 0 because they could not be decided", undecided, len(results))
    return results


def _score_all(client, items, read, on_error):
    requests, unread = _read_all(items, read)
    return _merged(len(items), unread, client.score(requests, on_refusal="skip"), on_error)


async def _score_all_async(client, items, read, on_error):
    requests, unread = _read_all(items, read)
    return _merged(len(items), unread, await client.score_async(requests, on_refusal="skip"), on_error)


def _reward(result, unscored):
    return float(result["reward"]) if result["status"] == "scored" else unscored


def _is_undecided(result):
    return result["status"] == "scored" and result.get("reason") == "undecided"


def _marks(result):
    """What a trainer's log can count."""
    return {
        "scored": float(result["status"] == "scored"),
        "error": float(result["status"] == "error"),
        "undecided": float(_is_undecided(result)),
    }


class _Gatherer:
    """Puts single calls that arrive together, as verl makes them, into one request."""

    def __init__(self, client, wait=0.004):
        self.client, self.wait, self.waiting, self.timer = client, wait, [], None
        self.tasks = set()  # the loop itself keeps only weak references

    async def score(self, request):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.waiting.append((request, future))
        if len(self.waiting) >= self.client.batch:
            self._send(loop)
        elif self.timer is None:
            self.timer = loop.call_later(self.wait, self._send, loop)
        return await future

    def _send(self, loop):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        batch, self.waiting = self.waiting, []
        if batch:
            task = loop.create_task(self._run(batch))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _run(self, batch):
        try:
            results = await self.client.score_async([request for request, _ in batch], on_refusal="skip")
            # What is to be raised for one sample is raised in its own call.
            _settle(results, "skip")
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else RewardError(repr(error)))
            return
        for (_, future), result in zip(batch, results):
            if not future.done():
                future.set_result(result)


async def compute_score(
    data_source,
    solution_str,
    ground_truth,
    extra_info=None,
    url=None,
    token=None,
    verifier=None,
    on_error=None,
    unscored_reward=None,
    metrics=(),
    step=None,
    total_steps=None,
    is_training=None,
    epsilon=None,
    **_,
):
    """verl's custom reward function. Every row has the same keys: score, accuracy, format, scored, error, undecided
    and those in `metrics`.

    The sample's reward_model is read from extra_info["reward_model"] or from extra_info itself.
    """
    on_error, unscored = _on_error(on_error), _unscored_reward(unscored_reward)
    info = extra_info if hasattr(extra_info, "keys") else {}
    model = info["reward_model"] if "reward_model" in info else info
    run = {
        "step": step,
        "total_steps": total_steps,
        "is_training": is_training,
        "epsilon": epsilon,
        "image_grid_thw": _plain(info["image_grid_thw"]) if "image_grid_thw" in info else None,
    }
    verifier, ignored = _setting(verifier, "V_TRIUNE_REWARD_VERIFIER", None), collections.Counter()
    try:
        request = _request_of(
            solution_str, ground_truth, model, data_source, run=run, verifier=verifier, ignored=ignored
        )
    except _BadGold as error:
        result = _settle([{"status": "skipped", "reason": str(error)}], on_error)[0]
    except _BadContent as error:
        result = _settle([{"status": "error", "reason": str(error)}], on_error)[0]
    else:
        _log_ignored(ignored)
        result = await _gatherer(_client(url, token)).score(request)
    if result["status"] == "error" and on_error == "raise":
        raise RewardError(f"a sample could not be judged: {result.get('reason')}")
    found = result if result["status"] == "scored" else {"accuracy": unscored, "format": unscored, "metrics": {}}
    row = {
        "score": _reward(result, unscored),
        "accuracy": float(found["accuracy"]),
        "format": float(found["format"]),
        **_marks(result),
    }
    for name in metrics:
        row[str(name)] = float(found["metrics"].get(name, 0.0))
    return row


def _gatherer(client):
    """The gatherer of the running loop."""
    loop = asyncio.get_running_loop()
    gatherers = client.__dict__.setdefault("gatherers", {})
    found = gatherers.get(id(loop))
    if found is None or found[0] is not loop:
        found = gatherers[id(loop)] = (loop, _Gatherer(client))
    return found[1]


def make_trl_reward(url=None, token=None, verifier=None, on_error=None, epsilon=None, name="v_triune_reward"):
    """A reward function for TRL's trainers (async, so that several are awaited together).

    Columns: `reward_model` in Orsta's layout, or `ground_truth` (also `solution`, `answer`) with `verifier`,
    `verifier_parm`, `accuracy_ratio`, `format_ratio`; `data_source` if there is one. Samples that are not scored are
    None, which TRL leaves out.
    """

    async def reward(
        prompts, completions, completion_ids=None, trainer_state=None, log_metric=None, log_extra=None, **columns
    ):
        run = {"epsilon": epsilon}
        if trainer_state is not None:
            run.update(
                step=getattr(trainer_state, "global_step", None),
                total_steps=getattr(trainer_state, "max_steps", None) or None,
            )

        def at(column, index):
            values = columns.get(column)
            return values[index] if isinstance(values, (list, tuple)) and index < len(values) else None

        def request(index, completion, ignored):
            model = _as_dict(at("reward_model", index)) or {
                key: at(key, index) for key in ("verifier", "verifier_parm", "accuracy_ratio", "format_ratio")
            }
            golds = [model.get("ground_truth")] + [at(key, index) for key in ("ground_truth", "solution", "answer")]
            gold = next((value for value in golds if value is not None), None)
            named = _setting(verifier, "V_TRIUNE_REWARD_VERIFIER", None)
            return _request_of(
                completion, gold, model, at("data_source", index), run=run, verifier=named, ignored=ignored
            )

        results = await _score_all_async(_client(url, token), completions, request, _on_error(on_error))
        scored = [result for result in results if result["status"] == "scored"]
        if log_metric is not None:
            log_metric(f"{name}/unscored", float(len(results) - len(scored)))
            for mark in ("error", "undecided"):
                log_metric(f"{name}/{mark}", sum(_marks(result)[mark] for result in results))
            for part in ("accuracy", "format"):
                if scored:
                    log_metric(f"{name}/{part}", sum(result[part] for result in scored) / len(scored))
        return [_reward(result, None) for result in results]

    reward.__name__ = name
    return reward


trl_reward = make_trl_reward()


def reward_func(
    queries, prompts, labels, url=None, token=None, verifier=None, on_error=None, unscored_reward=None, **_
):
    """OpenRLHF's reward function file. A label is the gold answer, or JSON text with reward_model's keys."""
    unscored = _unscored_reward(unscored_reward)
    named = _setting(verifier, "V_TRIUNE_REWARD_VERIFIER", None)

    def request(_index, item, ignored):
        query, prompt, label = item
        model = _label_model(label)
        text, prompt = _response_text(query, "query", ignored), _prompt_text(prompt, "prompt", ignored)
        is_conversation = not isinstance(query, str) and any(
            _is_message(part) for part in (query if isinstance(query, (list, tuple)) else [query])
        )
        response = _without_end_tokens(text if is_conversation else _response_in_query(text, prompt))
        return _request_of(
            response,
            model.get("ground_truth") if model else label,
            model,
            model.get("data_source"),
            prompt,
            verifier=named,
            ignored=ignored,
        )

    results = _score_all(_client(url, token), list(zip(queries, prompts, labels)), request, _on_error(on_error))
    values = [_reward(result, unscored) for result in results]
    parts = {
        part: [float(result[part]) if result["status"] == "scored" else unscored for result in results]
        for part in ("accuracy", "format")
    }
    for mark in ("scored", "error", "undecided"):
        parts[mark] = [_marks(result)[mark] for result in results]
    try:
        import torch
    except ImportError:
        return {"rewards": values, "scores": values, "extra_logs": parts}
    return {
        "rewards": torch.tensor(values),
        "scores": torch.tensor(values),
        "extra_logs": {key: torch.tensor(value) for key, value in parts.items()},
    }


async def slime_reward(args, sample, **_):
    """slime's custom reward: a sample with prompt, response, label and metadata, or a list of them; returns the
    reward or the rewards."""
    samples = sample if isinstance(sample, (list, tuple)) else [sample]

    def request(_index, one, ignored):
        model = _as_dict(_as_dict(getattr(one, "metadata", None)).get("reward_model")) or _label_model(one.label)
        gold = model.get("ground_truth", one.label)
        response = _without_end_tokens(_response_text(one.response, ignored=ignored))
        return _request_of(response, gold, model, verifier=os.environ.get("V_TRIUNE_REWARD_VERIFIER"), ignored=ignored)

    results = await _score_all_async(_client(getattr(args, "rm_url", None)), samples, request, _on_error(None))
    rewards = [_reward(result, _unscored_reward(None)) for result in results]
    return rewards if samples is sample else rewards[0]


if __name__ == "__main__":
    # v_triune_reward.py [URL] < requests.jsonl > results.jsonl
    _lines = [json.loads(line) for line in sys.stdin if line.strip()]
    for _result in RewardClient(sys.argv[1] if len(sys.argv) > 1 else None).score(_lines):
        print(json.dumps(_result))
