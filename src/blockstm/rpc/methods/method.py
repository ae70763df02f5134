"""`Method`: what a request names, and how many parameters it needs and takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Method"]


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    Attributes:
        run: given the node and `blockstm.rpc.params.Params`, what answers; ``in_session``, given
            the `blockstm.rpc.sessions.Session` in place of the node.
        needs, takes: how many parameters, at least and at most.
        in_session: whether it is only for who can be told more later, over WebSocket.
    """

    run: Callable[[Any, Any], Any]
    needs: int = 0
    takes: int = 0
    in_session: bool = False
