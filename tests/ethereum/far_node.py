"""Nodes far away: ours, served, and one that misbehaves as it is told. No test of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from blockstm.ethereum import NodeClient
from blockstm.rpc import Node, dispatch

Misbehave = Callable[["Handler", Any], bool]
"""Does something else than answer the document, and says whether it did."""


class Handler(BaseHTTPRequestHandler):
    """Answers a body as the node of its server does, or as it is told."""

    protocol_version = "HTTP/1.1"
    server: FarNode

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        far = self.server
        far.asked.append(document)
        far.headers.append(dict(self.headers))
        if far.misbehave is None or not far.misbehave(self, document):
            self.answer(far.changed(dispatch(far.node, document)))

    def answer(self, document: Any, status: int = 200, **headers: str) -> None:
        self.send(json.dumps(document).encode(), status, **headers)

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: Any) -> None:
        """Nothing."""


class FarNode(ThreadingHTTPServer):
    """A server for a node.

    Attributes:
        asked: the documents that it got.
        headers: those of the requests.
        misbehave: see `Misbehave`; None: it behaves.
        changed: what becomes of its answers.
    """

    daemon_threads = False  # they are waited for

    def __init__(self, node: Node) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.node = node
        self.asked: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.misbehave: Misbehave | None = None
        self.changed: Callable[[Any], Any] = lambda answer: answer
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def client(self, **options: Any) -> NodeClient:
        """One that waits for nothing between its tries."""
        return NodeClient(self.url, **({"sleep": lambda seconds: None} | options))

    def methods(self) -> list[str]:
        """All that was asked."""
        bodies = [each if isinstance(each, list) else [each] for each in self.asked]
        return [each["method"] for body in bodies for each in body]

    def handle_error(self, *given: Any) -> None:
        """A client that is gone is nothing to tell of."""


@contextmanager
def far_node(node: Node) -> Iterator[FarNode]:
    with FarNode(node) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(60)
            server.hang_up()


def answers(change: Callable[[str, Any], Any]) -> Callable[[Handler, Any], bool]:
    """Misbehaves in results: each is what ``change`` makes of the method and it; or an error."""

    def misbehave(handler: Handler, document: Any) -> bool:
        listed = document if isinstance(document, list) else [document]
        found = []
        for request in listed:
            answer = dispatch(handler.server.node, request)
            if "result" in answer:
                result = change(request["method"], answer["result"])
                if isinstance(result, dict) and "code" in result and "message" in result:
                    answer = {"jsonrpc": "2.0", "id": request["id"], "error": result}
                else:
                    answer = answer | {"result": result}
            found.append(answer)
        handler.answer(found if isinstance(document, list) else found[0])
        return True

    return misbehave


def without(*names: str) -> Callable[[Handler, Any], bool]:
    """Lacks some methods."""
    missing = {"code": -32601, "message": "the method does not exist"}
    return answers(lambda method, result: missing if method in names else result)
