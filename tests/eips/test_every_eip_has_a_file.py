"""The folder is complete: each EIP that the sources name has a file of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
SUFFIXES = {".py", ".pyi", ".pyx", ".pxd", ".hpp", ".cpp", ".h"}
# "EIP-7002", and what may follow it in a list: "EIP-7002, 7251 and 8282".
NAMED = re.compile(r"\bEIPs?[- ]?(\d+(?:, \d+)*(?: and \d+)?)")
FILES = sorted(HERE.glob("test_eip_*.py"))
NOT_EXECUTION = {
    1013: "the list of Constantinople's EIPs",
    1186: "proofs of accounts, which nodes give",
    1716: "the list of Petersburg's EIPs",
    3155: "traces of instructions",
}


def number_of(path: Path) -> int:
    """Which EIP a file is about, by its name."""
    return int(path.stem.split("_")[2])


def named_in_sources() -> set[int]:
    found: set[int] = set()
    for path in SOURCES.rglob("*"):
        generated = path.suffix in {".c", ".cpp"} and path.with_suffix(".pyx").exists()
        if path.suffix in SUFFIXES and not generated:
            for listed in NAMED.findall(path.read_text()):
                found |= {int(number) for number in re.findall(r"\d+", listed)}
    return found


def test_each_eip_that_the_sources_name_has_a_file() -> None:
    tested = set(map(number_of, FILES))
    named = named_in_sources()
    assert len(named) > 70
    assert named - tested == set(NOT_EXECUTION)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_begins_with_its_eip(path: Path) -> None:
    assert re.match(rf'"""EIP-{number_of(path)}\b', path.read_text())
