"""A node over HTTP and WebSocket: a server on a free port, asked by a client."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from queue import Queue
from typing import Any

import pytest
from tests.patience import PATIENCE
from tests.rpc.test_requests import GENESIS, NUMBER

from blockstm.chain import Chain
from blockstm.errors import ConfigError
from blockstm.rpc import Limits, Node
from blockstm.rpc.serving import listen, serve

pytest.importorskip("uvicorn")
connect = pytest.importorskip("websockets.sync.client").connect

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that answers."""
    stops: Queue[Callable[[], None]] = Queue()
    with Chain.in_memory(GENESIS) as chain, listen("127.0.0.1", 0) as listening:
        node = Node(chain, Limits(request_bytes=10_000))
        thread = threading.Thread(
            target=serve, args=(node, listening), kwargs={"on_start": stops.put}
        )
        thread.start()
        stop = stops.get(timeout=PATIENCE)
        yield listening.getsockname()[1]
        stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def send(
    port: int, body: bytes, headers: dict[str, str] = JSON, method: str = "POST"
) -> tuple[int, bytes]:
    """The status and the body of the answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_a_request_is_answered(port: int) -> None:
    status, body = send(port, json.dumps(NUMBER).encode())
    assert (status, json.loads(body)) == (200, {"jsonrpc": "2.0", "id": 1, "result": "0x0"})


def test_a_notification_has_no_body(port: int) -> None:
    silent = {name: value for name, value in NUMBER.items() if name != "id"}
    assert send(port, json.dumps(silent).encode()) == (204, b"")


def test_what_is_no_json_is_told_in_json(port: int) -> None:
    assert json.loads(send(port, b"{")[1])["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        (JSON, "GET", 405),
        ({"content-type": "text/plain"}, "POST", 415),
        (JSON | {"origin": "https://example.org"}, "POST", 403),
        (JSON | {"host": "example.org"}, "POST", 403),
        (JSON | {"host": "LOCALHOST:1"}, "POST", 200),
        (JSON | {"host": "[::1]:80"}, "POST", 200),
    ],
)
def test_pages_in_a_browser_are_refused(
    port: int, headers: dict[str, str], method: str, status: int
) -> None:
    assert send(port, json.dumps(NUMBER).encode(), headers, method)[0] == status


def test_a_body_that_is_too_large_is_refused(port: int) -> None:
    assert send(port, b" " * 20_000)[0] == 413


def test_requests_come_by_websocket_too(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}", open_timeout=PATIENCE) as socket:
        for identity in range(3):
            socket.send(json.dumps(NUMBER | {"id": identity}))
            answer: Any = json.loads(socket.recv())
            assert answer == {"jsonrpc": "2.0", "id": identity, "result": "0x0"}
        socket.send(json.dumps(NUMBER).encode())  # in a binary message, as some clients send it
        assert json.loads(socket.recv())["result"] == "0x0"
    with pytest.raises(Exception, match="403"):
        connect(f"ws://127.0.0.1:{port}", origin="https://example.org", open_timeout=PATIENCE)


def test_many_clients_are_answered_at_once(port: int) -> None:
    found: list[int] = []

    def ask() -> None:
        found.append(send(port, json.dumps([NUMBER] * 20).encode())[0])

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert found == [200] * 16


def test_a_port_that_cannot_be_had_is_told(port: int) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}"):
        listen("127.0.0.1", port)
    with pytest.raises(ConfigError, match="cannot listen"):
        listen("127.0.0.1", 70_000)
