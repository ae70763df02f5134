"""`Registry`: what a node keeps for its clients, by names that nobody can guess."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Registry"]

Kept = TypeVar("Kept")


class Registry(Generic[Kept]):
    """Things by the names that clients have for them. Any thread.

    Args:
        most: how many there are; one more takes the place of the one not asked for longest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_name: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_name)

    def add(self, kept: Kept) -> str:
        """Keep a thing; its name."""
        name = "0x" + secrets.token_hex(16)
        with self._lock:
            self._by_name[name] = kept
            if len(self._by_name) > self._most:
                self._by_name.popitem(last=False)
        return name

    def find(self, name: object) -> Kept | None:
        """The thing of a name; None where there is none."""
        with self._lock:
            if not isinstance(name, str) or name not in self._by_name:
                return None
            self._by_name.move_to_end(name)
            return self._by_name[name]

    def remove(self, name: object) -> bool:
        """Keep a thing no longer; whether it was there."""
        with self._lock:
            return isinstance(name, str) and self._by_name.pop(name, None) is not None

    def items(self) -> list[tuple[str, Kept]]:
        """All of them, with their names."""
        with self._lock:
            return list(self._by_name.items())
