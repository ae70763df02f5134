"""A function that only prefetches is always inlined: to GCC it has no effect, so that calls go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.layers import PACKAGE

HEADER = re.compile(r"^ *(.*\b(?:void|bool|auto) \w+\(.*\{)$", re.MULTILINE)
HEADERS = [
    path
    for path in sorted((PACKAGE / "_native").rglob("*.hpp"))
    if "__builtin_prefetch" in path.read_text()
]


def test_some_headers_prefetch() -> None:
    assert len(HEADERS) > 3


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.name)
def test_what_prefetches_is_always_inlined(path: Path) -> None:
    text = path.read_text()
    for place in re.finditer("__builtin_prefetch", text):
        *_, enclosing = HEADER.findall(text[: place.start()])
        assert "[[gnu::always_inline]]" in enclosing, enclosing
