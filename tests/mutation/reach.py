"""Which tests come across which mutants, kept in a file. No test of its own.

A test is measured once: again only when its file changed, or what is mutated. Tests are numbered in
the order in which they were measured, so that a mutant can tell which it has met.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from tests.mutation.mutant import Mutant

__all__ = ["Measured", "Reach"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A test without a mutant.

    Attributes:
        name: as pytest calls it.
        source: a hash of its file.
        seconds: of processor time; below 0 where it failed.
        met: of the mutants that it comes across, a bit each.
    """

    name: str
    source: str
    seconds: float
    met: int

    @property
    def passed(self) -> bool:
        return self.seconds >= 0


class Reach:
    """The tests that were measured.

    Args:
        path: the file; what stands in it for other sources is given up.
        build: a hash of the mutated sources.
    """

    def __init__(self, path: Path, build: str) -> None:
        self.path, self.build = path, build
        self.tests: list[Measured] = []
        self.latest: dict[str, int] = {}
        self.everywhere = 0
        """Mutants that have no place of their own in a test: those of constants."""
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or json.loads(lines[0]) != build:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{json.dumps(build)}\n")
            lines = []
        for line in lines[1:]:
            name, source, seconds, met = json.loads(line)
            self._add(Measured(name, source, seconds, int(met, 16)))

    def add(self, measured: Measured) -> None:
        self._add(measured)
        line = [measured.name, measured.source, round(measured.seconds, 4), f"{measured.met:x}"]
        with self.path.open("a") as file:
            print(json.dumps(line), file=file)

    def _add(self, measured: Measured) -> None:
        self.latest[measured.name] = len(self.tests)
        self.tests.append(measured)

    def lacking(self, items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
        """Those that were not measured as they now stand."""
        for item in items:
            number = self.latest.get(item.nodeid)
            if number is None or self.tests[number].source != source_of(item):
                yield item

    def of(self, mutant: Mutant, names: Iterable[str]) -> list[int]:
        """The numbers of the tests that come across a mutant, among those with these names."""
        numbers = [self.latest[name] for name in names if name in self.latest]
        passed = [each for each in numbers if self.tests[each].passed]
        if self.everywhere >> mutant.number & 1:
            return passed
        return [each for each in passed if self.tests[each].met >> mutant.number & 1]


_SOURCES: dict[Path, str] = {}


def source_of(item: pytest.Item) -> str:
    """A hash of the file that a test stands in."""
    if item.path not in _SOURCES:
        _SOURCES[item.path] = sha256(item.path.read_bytes()).hexdigest()[:12]
    return _SOURCES[item.path]
