"""`WebApp`: a node as an ASGI application, over HTTP and WebSocket.

Requests run in threads of their own, so that one that takes long holds up no other. What a page in
a browser sends is refused: its origin, or the media type that it may send without being asked,
gives it away, and so does a host name that is none of this machine's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from blockstm.rpc.dispatch import handle
from blockstm.rpc.node import Node
from blockstm.rpc.sessions import Session

__all__ = ["WebApp"]

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON: Final = b"application/json"
_POLICY_VIOLATION: Final = 1008
_POLL_S: Final = 0.25


class WebApp:
    """An ASGI application: JSON-RPC by ``POST`` to any path, and by WebSocket.

    Args:
        node: what is asked.
        threads: how many requests run at a time, 1 or more.
        hosts: names, beside addresses and ``localhost``, that requests may be sent to.
    """

    def __init__(self, node: Node, threads: int = 8, hosts: frozenset[str] = frozenset()) -> None:
        self._node = node
        self._hosts = hosts | {"localhost"}
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blockstm-rpc")

    def close(self) -> None:
        """Wait for the requests that run, and release the threads."""
        self._threads.shutdown(cancel_futures=True)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One connection of ASGI."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _answer(self, body: bytes | str) -> bytes | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, handle, self._node, body)

    # ---- HTTP

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await _respond(send, *refusal)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client is gone
            body += message.get("body", b"")
            if len(body) > self._node.limits.request_bytes:
                await _respond(send, 413, b"the request is too large\n")
                return
            if not message.get("more_body"):
                break
        answer = await self._answer(bytes(body))
        if answer is None:
            await _respond(send, 204, b"")
        else:
            await _respond(send, 200, answer, _JSON)

    def _refusal(self, method: str, headers: dict[bytes, bytes]) -> tuple[int, bytes] | None:
        if not self._is_for_us(headers):
            return 403, b"requests to this host, or from this origin, are not taken\n"
        if method != "POST":
            return 405, b"JSON-RPC is sent by POST\n"
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != _JSON:
            return 415, b"the content type of JSON-RPC is application/json\n"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._node.limits.request_bytes:
            return 413, b"the request is too large\n"
        return None

    def _is_for_us(self, headers: dict[bytes, bytes]) -> bool:
        """Whether it comes from no page of the web, under whatever name."""
        if b"origin" in headers:
            return False
        host = headers.get(b"host", b"localhost").decode("latin-1").lower()
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name in self._hosts or _is_address(name.strip("[]"))

    # ---- WebSocket

    async def _websocket(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not self._is_for_us(dict(scope["headers"])):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await send({"type": "websocket.accept"})
        connection = _Connection(self._node, self._threads, send)
        telling = asyncio.create_task(connection.tell())
        try:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return
                text = message.get("text")
                await connection.answer(message["bytes"] if text is None else text)
        finally:
            telling.cancel()
            connection.close()


class _Connection:
    """A WebSocket: one message at a time is answered, or told."""

    def __init__(self, node: Node, threads: ThreadPoolExecutor, send: Send) -> None:
        self._node = node
        self._threads = threads
        self._send = send
        self._session = Session(node)
        self._loop = asyncio.get_running_loop()
        self._may_be_news = asyncio.Event()
        self._turn = asyncio.Lock()
        node.listen(self._wake)

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._may_be_news.set)

    def close(self) -> None:
        """No longer listen to the node."""
        self._node.unlisten(self._wake)

    async def answer(self, text: bytes | str) -> None:
        """Answer a request."""
        async with self._turn:
            answer = await self._loop.run_in_executor(
                self._threads, handle, self._node, text, self._session
            )
            if answer is not None:
                await self._send({"type": "websocket.send", "text": answer.decode()})

    async def tell(self) -> None:
        """Tell what is new: when the node says so, and else now and then, as others may import."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._may_be_news.wait(), _POLL_S)
            self._may_be_news.clear()
            if not self._session.is_subscribed:
                continue
            async with self._turn:
                news = await self._loop.run_in_executor(self._threads, self._session.notifications)
                for each in news:
                    await self._send({"type": "websocket.send", "text": json.dumps(each)})


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _respond(
    send: Send, status: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8"
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if status == 204:
        headers = []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
