"""`NodeClient`: requests to a node, over HTTP, with what the world does to them."""

from __future__ import annotations

import json
import random
import threading
import time
import weakref
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from blockstm.errors import ConfigError, DecodeError, NodeRefused, NodeUnreachable, WrongAnswer
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.messages import brief
from blockstm.values import is_int

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

__all__ = ["NodeClient", "Request", "anew"]

Request = tuple[str, Sequence[Any]]
"""A method and its parameters."""

_RETRIED: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
_RETRIED_CODES: Final = frozenset((-32005, -32029, 429))  # "limit exceeded", as nodes put it
_WAIT_MAX_S: Final = 30.0
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class _Reply:
    """What one exchange gave: a body, or why it is worth another try, and after how long."""

    body: bytes = b""
    fault: str = ""
    wait: float = 0.0


class NodeClient:
    """A node that is asked by JSON-RPC over HTTP or HTTPS.

    What may go better is tried again, after a wait that doubles: no connection, a timeout, an
    answer that breaks off, a status of 429 or 5xx (with its ``Retry-After``), an error that means
    "too many". What will not, is raised at once.

    Thread-safety: any thread may ask, also beside others.

    Args:
        url: of the node: ``http://`` or ``https://``, with a user and a password if it wants them.
        timeout: for the network to do anything at all, in s.
        retries: how often a request is tried again.
        back_off: before the second try, in s.
        rate: requests a second at most; None: any number.
        batch: requests in one body, 1 or more.
        response_bytes: of an answer, at most.
        headers: more of them, as for a key.
        sleep: waits for so many seconds; for tests.

    Raises:
        ConfigError: one of them is no such thing.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        retries: int = 5,
        back_off: float = 0.5,
        rate: float | None = None,
        batch: int = 100,
        response_bytes: int = 256 << 20,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"a node is at an http:// or https:// address, not {brief(url)}")
        for name, number, least in (
            ("timeout", timeout, 1e-3),
            ("retries", retries, 0),
            ("back_off", back_off, 0),
            ("rate", 1 if rate is None else rate, 1e-6),
            ("batch", batch, 1),
            ("response_bytes", response_bytes, 1),
        ):
            is_number = is_int(number) or isinstance(number, float)
            if not is_number or not least <= number < 1 << 62:
                raise ConfigError(f"{name} is a number from {least}, not {brief(number)}")
        self.url = url
        self.batch = batch
        self._name = parts.hostname  # and not what may be a secret
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connections = _Connections(parts, timeout)
        self._retries = retries
        self._back_off = back_off
        self._headers = {"content-type": "application/json", **_authorization(parts)}
        self._headers |= dict(headers or {})
        self._response_bytes = response_bytes
        self._sleep = sleep
        self._rate = None if rate is None else _Rate(rate, sleep)

    # ---- asking

    def ask(self, method: str, *params: Any) -> Any:
        """The result of a request.

        Raises:
            NodeRefused: the node answers with an error.
            NodeUnreachable: it does not answer, however often it is asked.
            WrongAnswer: what it answers is no answer.
        """
        answer = self.ask_all([(method, params)])[0]
        if isinstance(answer, NodeRefused):
            raise anew(answer)
        return answer

    def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        """The results of requests in their order, in as few bodies as they fit in.

        For one that the node answers with an error there is its `NodeRefused`, not raised.

        Raises:
            NodeUnreachable, WrongAnswer: see `ask`.
        """
        found: list[Any] = []
        for start in range(0, len(requests), self.batch):
            found += self._ask_batch(requests[start : start + self.batch])
        return found

    def _ask_batch(self, requests: Sequence[Request]) -> list[Any]:
        results: dict[int, Any] = {}
        fault, tries = "", 0
        while True:
            left = [place for place in range(len(requests)) if place not in results]
            reply = self._exchange(_body([(place, requests[place]) for place in left]))
            if not reply.fault:
                later = self._take(reply.body, requests, left, results)
                if not later:
                    return [results[place] for place in range(len(requests))]
                reply = _Reply(fault=later)
            fault, tries = reply.fault, tries + 1
            if tries > self._retries:
                raise NodeUnreachable(f"{self._name}: {fault}, after {tries} tries")
            self._sleep(max(self._wait(tries), min(reply.wait, _WAIT_MAX_S)))

    def _wait(self, tries: int) -> float:
        """So that many clients do not come back together."""
        longest: float = min(self._back_off * 2 ** min(tries - 1, 10), _WAIT_MAX_S)
        return longest * random.uniform(0.5, 1.0)

    def _take(
        self,
        body: bytes,
        requests: Sequence[Request],
        left: Sequence[int],
        results: dict[int, Any],
    ) -> str:
        """Put the answers of a body with the results; why some are to be asked for again."""
        try:
            document = parse_json(body, "node's answer")
        except DecodeError as error:
            return f"what it answers is {error}"
        listed = document if isinstance(document, list) else [document]
        later = ""
        for answer in listed:
            place = self._place(answer, left)
            told = answer.get("error")
            if told is None:
                if "result" not in answer:
                    raise WrongAnswer(f"{self._name}: neither a result nor an error")
                results[place] = answer["result"]
            elif _code(told) in _RETRIED_CODES:
                later = f"the node says {brief(told)}"
            else:
                results[place] = _refused(self._name, requests[place][0], told)
        if not later and any(place not in results for place in left):
            return "it answers fewer requests than it was asked"
        return later

    def _place(self, answer: Any, left: Sequence[int]) -> int:
        """Which request is answered."""
        if not isinstance(answer, Mapping):
            raise WrongAnswer(f"{self._name}: an answer is an object, not {brief(answer)}")
        place = answer.get("id")
        if place is None and answer.get("error") is not None:  # of the whole body
            raise _refused(self._name, "the request", answer["error"])
        if not is_int(place) or place not in left:
            raise WrongAnswer(f"{self._name}: it answers {brief(place)}, which was not asked")
        return int(place)

    # ---- one exchange

    def _exchange(self, body: bytes) -> _Reply:
        if self._rate is not None:
            self._rate.wait()
        connection = self._connections.take()
        is_whole = False
        try:
            connection.request("POST", self._path, body, self._headers)
            response = connection.getresponse()
            data = self._read(response)
            is_whole = response.status == 200
        except self._connections.faults as error:
            return _Reply(fault=f"no answer: {type(error).__name__}: {error}")
        finally:
            if is_whole:
                self._connections.give_back(connection)
            else:
                connection.close()
        if is_whole:
            return _Reply(data)
        if response.status in _RETRIED:
            return _Reply(fault=f"status {response.status}", wait=_seconds(response))
        told = brief(data[:200].decode(errors="replace"))
        raise NodeRefused(f"{self._name}: status {response.status}, {told}", response.status)

    def _read(self, response: HTTPResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK):
            size += len(chunk)
            if size > self._response_bytes:
                raise WrongAnswer(f"{self._name}: an answer of over {self._response_bytes} bytes")
            parts.append(chunk)
        if response.length:
            raise OSError(f"{response.length} bytes are missing")
        return b"".join(parts)

    def close(self) -> None:
        """Close the connections that are idle; it may be asked again, and closed again."""
        self._connections.close()


class _Connections:
    """Connections to a node: those that are idle are used again.

    Attributes:
        faults: the exceptions of a connection that does not work.
    """

    def __init__(self, parts: SplitResult, timeout: float) -> None:
        import http.client  # takes long to load, for what few processes do

        is_safe = parts.scheme == "https"
        self._kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        self.faults = (OSError, http.client.HTTPException)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._timeout = timeout
        self._idle: list[HTTPConnection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def take(self) -> HTTPConnection:
        """One that nobody else uses."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._kind(self._host, self._port, timeout=self._timeout)

    def give_back(self, connection: HTTPConnection) -> None:
        """Let others use it."""
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close those that are idle."""
        with self._lock:
            _close_all(self._idle)


def anew(refusal: NodeRefused) -> NodeRefused:
    """The same once more, to raise: its traceback has frames that keep the one that was answered,
    and what has itself waits for the garbage collector."""
    return NodeRefused(str(refusal), refusal.code)


def _close_all(idle: list[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


class _Rate:
    """Lets through so many a second."""

    def __init__(self, rate: float, sleep: Callable[[float], None]) -> None:
        self._gap = 1.0 / rate
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
        if start > now:
            self._sleep(start - now)


def _body(requests: Sequence[tuple[int, Request]]) -> bytes:
    listed = [
        {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
        for place, (method, params) in requests
    ]
    return json.dumps(listed[0] if len(listed) == 1 else listed).encode()


def _authorization(parts: Any) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"authorization": "Basic " + b64encode(pair.encode()).decode()}


def _seconds(response: HTTPResponse) -> float:
    told = response.getheader("retry-after", "")
    return float(told) if told.isdigit() else 0.0


def _code(error: Any) -> Any:
    return error.get("code") if isinstance(error, Mapping) else None


def _refused(name: str, method: str, error: Any) -> NodeRefused:
    code = _code(error)
    message = error.get("message") if isinstance(error, Mapping) else error
    return NodeRefused(
        f"{name}: {method}: {brief(message)} ({brief(code)})", code if is_int(code) else 0
    )
