"""A reward server of this process: started by npx, ended with the process."""

from __future__ import annotations

import atexit
import collections
import os
import queue
import re
import shlex
import shutil
import subprocess
import threading
import time
from types import TracebackType
from typing import IO, Callable, Deque, List, Optional, Sequence, Type, Union

from . import _reward
from ._reward import RewardClient, RewardError

#: The version of the npm package that goes with this one.
NPM_VERSION = "0.1"
_ADDRESS = re.compile(r"^(https?://\S+)  verifiers: ")


class ServerError(RewardError):
    """The server of this process did not start, or has ended."""


class Server:
    """A reward server on this machine.

    with v_triune.Server() as server:
        server.client.score([...])

    command  what starts it, as a text or a list. Default: `V_TRIUNE_SERVER_COMMAND`, else `v-triune-reward-server` if
             it is installed, else `npx @v-triune/reward-server`
    options  of the command line, for example ["--workers", "2", "--verifier", "./mine.mjs"]
    timeout  seconds that its start may take; the first start downloads the package
    """

    def __init__(
        self, command: Union[str, Sequence[str], None] = None, options: Sequence[str] = (), timeout: float = 120.0
    ) -> None:
        self._command = _command(command)
        self._options = list(options)
        self._timeout = timeout
        self._process: Optional[subprocess.Popen[str]] = None
        self._owner = os.getpid()
        self._errors: Deque[str] = collections.deque(maxlen=30)
        self._lock = threading.Lock()
        self.url: Optional[str] = None

    @property
    def client(self) -> RewardClient:
        """A client of it; starts it if it does not run."""
        with self._lock:
            if self.url is None or not self.is_running:
                self._start()
            return client_of(self.url)

    @property
    def is_running(self) -> bool:
        # A forked child cannot wait for its parent's child, and needs no second server.
        return self._process is not None and (os.getpid() != self._owner or self._process.poll() is None)

    def __enter__(self) -> Server:
        _ = self.client
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it; what it has accepted is answered."""
        process, self._process, self.url = self._process, None, None
        if process is None or os.getpid() != self._owner:
            return
        if process.stdin is not None:
            try:
                process.stdin.close()
            except OSError:
                pass
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self.close()
        self._owner = os.getpid()
        self._errors.clear()
        # It ends when its standard input does: also if this process is killed.
        command = [*self._command, "--port", "0", "--log-level", "warn", "--until-stdin-ends", *self._options]
        try:
            # A group of its own: Ctrl-C is for this process, which then ends the server.
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(f"{command[0]} cannot be started ({error}). {_NEED}") from error
        self._process = process
        lines: queue.Queue[Optional[str]] = queue.Queue()
        _read(process.stderr, self._errors.append, lambda: None)
        _read(process.stdout, lines.put, lambda: lines.put(None))
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.close()
                raise ServerError(
                    f"the reward server did not start within {self._timeout:g} s. Its last words: {self._said()}"
                ) from None
            if line is None:
                code = process.wait()
                self.close()
                raise ServerError(
                    f"the reward server ended with {code} instead of starting. Its last words: {self._said()}"
                )
            found = _ADDRESS.match(line)
            if found:
                break
        self.url = found.group(1)

    def _said(self) -> str:
        return "".join(self._errors).strip() or "none"


_NEED = "It needs Node 20 or newer with npm (nodejs.org); or set V_TRIUNE_REWARD_URL to a server that runs elsewhere."


def _command(given: Union[str, Sequence[str], None]) -> List[str]:
    given = given if given is not None else os.environ.get("V_TRIUNE_SERVER_COMMAND")
    if given:
        return shlex.split(given) if isinstance(given, str) else list(given)
    installed = shutil.which("v-triune-reward-server")
    if installed:
        return [installed]
    npx = shutil.which("npx")
    if npx is None:
        raise ServerError(f"there is no npx. {_NEED}")
    return [npx, "--yes", f"@v-triune/reward-server@{NPM_VERSION}"]


def _read(stream: Optional[IO[str]], take: Callable[[str], object], end: Callable[[], object]) -> None:
    """Reads in a thread, so that the server never waits for room in a pipe."""

    def run() -> None:
        assert stream is not None
        with stream:
            for line in stream:
                take(line)
        end()

    threading.Thread(target=run, daemon=True, name="v-triune-server").start()


_shared_lock = threading.Lock()
_shared: Optional[Server] = None


def shared_client() -> RewardClient:
    """The client of all calls that name no server: of V_TRIUNE_REWARD_URL, else of one server of this process."""
    global _shared
    with _shared_lock:
        if os.environ.get("V_TRIUNE_REWARD_URL"):
            return client_of(os.environ["V_TRIUNE_REWARD_URL"])
        if _shared is None:
            _shared = Server()
            atexit.register(_shared.close)
        return _shared.client


def client_of(url: Optional[str]) -> RewardClient:
    """One client for each process and address: a forked child must not share its parent's sockets."""
    return _reward._client(url, None)
