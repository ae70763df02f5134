"""Requests of many threads, sent together: who finds nobody sending sends what all others want.

A worker that runs a transaction asks for one value and waits. While one body is under way the
wishes of the other workers gather, and go with the next.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from blockstm.errors import NodeRefused
from blockstm.ethereum.remote.client import NodeClient, Request, anew

__all__ = ["Batcher", "checked"]


class _Wish:
    """Requests of one thread, and what came of them."""

    __slots__ = ("answers", "done", "fault", "requests")

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.answers: list[Any] = []
        self.fault: BaseException | None = None
        self.done = threading.Event()


class Batcher:
    """Sends the requests of many threads to a node. Any thread."""

    def __init__(self, client: NodeClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._waiting: list[_Wish] = []
        self._is_sending = False

    @property
    def waiting(self) -> int:
        """How many threads wait for the next body."""
        with self._lock:
            return len(self._waiting)

    def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        """The results of requests; see `NodeClient.ask_all`.

        Raises:
            NodeUnreachable, WrongAnswer: see `NodeClient.ask`.
        """
        wish = _Wish(requests)
        with self._lock:
            self._waiting.append(wish)
            leads = not self._is_sending
            self._is_sending = True
        if leads:
            self._send_until_none_waits()
        wish.done.wait()
        if wish.fault is not None:
            try:
                raise wish.fault
            finally:
                del wish  # it has the error, whose traceback has this frame
        return wish.answers

    def _send_until_none_waits(self) -> None:
        while True:
            with self._lock:
                wishes, self._waiting = self._waiting, []
                if not wishes:
                    self._is_sending = False
                    return
            self._send(wishes)

    def _send(self, wishes: list[_Wish]) -> None:
        try:
            answers = self._client.ask_all([each for wish in wishes for each in wish.requests])
        except BaseException as error:
            while wishes:  # none stays in this frame, which the traceback has
                wish = wishes.pop()
                wish.fault = error
                wish.done.set()
                del wish
            return
        at = 0
        for wish in wishes:
            wish.answers = answers[at : at + len(wish.requests)]
            at += len(wish.requests)
            wish.done.set()


def checked(answers: Sequence[Any]) -> Sequence[Any]:
    """The same, where the node refused none.

    Raises:
        NodeRefused: the first that it did.
    """
    for each in answers:
        if isinstance(each, NodeRefused):
            raise anew(each)
    return answers
