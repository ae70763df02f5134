"""A ``.pxd`` is a contents page: an inline body stands there only where docs say why."""

from __future__ import annotations

import re

import pytest
from tests.layers import PACKAGE, ROOT

NATIVE = PACKAGE / "_native"
BODY = re.compile(r"^[ \t]*cdef[ \t]+inline[ \t]+[^(\n]*?(\w+)\(", re.MULTILINE)
ROW = re.compile(r"^\| `([\w/]+)` \| (\d+) \|(?: [\d–]+ \|)+ (.+) \|$", re.MULTILINE)
PAGE = ROOT / "docs" / "decisions" / "rooms.md"
HEADING = "## Inline bodies"


def listed() -> dict[str, tuple[int, str]]:
    """What the page says of each file: how many inline bodies it has, and why."""
    _, _, section = PAGE.read_text().partition(f"\n{HEADING}\n")
    return {file: (int(count), why) for file, count, why in ROW.findall(section)}


def present() -> dict[str, int]:
    """How many inline bodies each ``.pxd`` file has."""
    found = {
        path.relative_to(NATIVE).with_suffix("").as_posix(): len(BODY.findall(path.read_text()))
        for path in sorted(NATIVE.rglob("*.pxd"))
    }
    return {file: count for file, count in found.items() if count}


def test_every_inline_body_is_counted_on_the_page() -> None:
    """One more: see ``bench/inline_bodies.py`` for what it costs, or put it in a ``.pyx``."""
    assert {file: count for file, (count, _) in listed().items()} == present()


def test_every_file_with_inline_bodies_says_why() -> None:
    assert [file for file, (_, why) in listed().items() if len(why) < 8] == []


@pytest.mark.parametrize(
    "text",
    [
        "cdef inline void commit(int index) noexcept nogil:",
        "cdef inline const uint8_t* key_of(const Location* location) noexcept nogil:",
        "    cdef inline bint held(self) noexcept:",
        "cdef inline bint two_lines(int first,\n                           int second) noexcept:",
    ],
)
def test_an_inline_body_is_found(text: str) -> None:
    assert len(BODY.findall(text)) == 1
