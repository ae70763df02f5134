"""Memory orders are written in one file of the native core, where each has its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.layers import PACKAGE, sources

ATOMICS = PACKAGE / "_native" / "base" / "atomics.hpp"
RAW = re.compile(r"memory_order|__atomic_|__sync_|std::atomic|<atomic>|libcpp\.atomic")


def raw_atomics(text: str) -> Iterator[int]:
    """The lines on which a text names a memory order or an atomic of the language's own."""
    return (line for line, code in enumerate(text.splitlines(), 1) if RAW.search(code))


def test_memory_orders_stand_in_one_file() -> None:
    native = [path for path in sources() if "_native" in path.parts and path != ATOMICS]
    found = [f"{path}:{line}" for path in native for line in raw_atomics(path.read_text())]
    assert found == []


def test_every_memory_order_would_be_found() -> None:
    assert [*raw_atomics(ATOMICS.read_text())]
    assert [*raw_atomics("x = 1\nfrom libcpp.atomic cimport atomic\ny.load()\n")] == [2]
