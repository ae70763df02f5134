"""A node served over HTTP and WebSocket by uvicorn: the extra ``blockstm[rpc]``."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from blockstm.errors import ConfigError
from blockstm.extras import need
from blockstm.rpc.node import Node
from blockstm.rpc.web import WebApp

__all__ = ["listen", "serve"]

_CONNECTIONS_MAX: Final = 256


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free.

    Raises:
        ConfigError: it cannot.
    """
    if not 0 <= port < 1 << 16:
        raise ConfigError(f"cannot listen on port {port}: a port is from 0 to 65535")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host} port {port}: {error}") from error


def serve(
    node: Node,
    listening: socket.socket,
    *,
    threads: int = 8,
    hosts: frozenset[str] = frozenset(),
    on_start: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Answer requests until the process is interrupted, or told to stop.

    Args:
        node: what is asked.
        listening: a socket that listens, as `listen` makes one.
        threads, hosts: see `WebApp`.
        on_start: called before the first request with what stops it, from any thread.

    Raises:
        MissingExtra: uvicorn is not installed.
    """
    need("rpc", "serving JSON-RPC")
    import uvicorn  # the extra

    app = WebApp(node, threads, hosts)
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=node.limits.request_bytes,
        limit_concurrency=_CONNECTIONS_MAX,
        server_header=False,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    if on_start is not None:
        on_start(stop)
    try:
        server.run(sockets=[listening])
    finally:
        app.close()
