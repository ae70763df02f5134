"""Which tests a mutant meets first: those that are likely to notice it. No test of its own."""

from __future__ import annotations

import inspect
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.mutation.mutant import Mutant

__all__ = ["Order"]

WORD = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+(?![a-z])|\d+")
LINES_AROUND, OF_THE_LINE, OF_THE_CHANGE = 1, 4, 12
KILLERS, NAMESAKES, OF_A_FUNCTION = 5, 40, 3
QUICK, SLOW = 0.005, 0.5
"""Seconds that a fork takes in any case; and those of a test that comes behind quicker ones."""
WEIGHT_MIN = 1.0
"""A word that more than about a third of all tests have says nothing."""


class Order:
    """Orders tests by what they have noticed, by the words they share with a mutant, by time.

    Args:
        root: of the paths of mutants.
        items: the tests.
    """

    def __init__(self, root: Path, items: Iterable[pytest.Item]) -> None:
        self.root = root
        self.kills: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self.sizes: dict[str, int] = {}
        self.holders: defaultdict[str, list[str]] = defaultdict(list)
        for item in items:
            words = words_of(source(item))
            self.sizes[item.nodeid] = len(words)
            for word in words:
                self.holders[word].append(item.nodeid)

    def noticed(self, mutant: Mutant, by: str) -> None:
        """Remember that a test has killed a mutant."""
        self.kills[mutant.path].append((mutant.line, by))

    def of(self, mutant: Mutant, seconds: dict[str, float]) -> list[str]:
        """The tests in their order.

        Args:
            mutant: what they are to notice.
            seconds: of each test that comes into question.
        """
        quick = sorted(seconds, key=seconds.__getitem__)
        first = [*self._killers(mutant, seconds), *self._namesakes(mutant, seconds)]
        return list(dict.fromkeys([*first, *quick]))

    def _killers(self, mutant: Mutant, seconds: dict[str, float]) -> list[str]:
        """Those that have noticed most for their time, above all on lines nearby."""
        score: defaultdict[str, float] = defaultdict(float)
        for line, by in self.kills[mutant.path]:
            if by in seconds:
                score[by] += (1 + 12 // (1 + abs(line - mutant.line))) / (QUICK + seconds[by])
        return sorted(score, key=score.__getitem__, reverse=True)[:KILLERS]

    def _namesakes(self, mutant: Mutant, seconds: dict[str, float]) -> Iterable[str]:
        changed = words_of(mutant.before) ^ words_of(mutant.after)
        alike = self._alike(mutant.path, mutant.line, frozenset(changed))
        return islice((name for name in alike if seconds.get(name, SLOW) < SLOW), NAMESAKES)

    @cache  # noqa: B019  # one order lives as long as the process
    def _alike(self, path: str, line: int, changed: frozenset[str]) -> list[str]:
        """The tests that share words with these lines, those first that share rare ones.

        Of one function a few: where they do not notice a mutant, the others hardly will.
        """
        score: defaultdict[str, float] = defaultdict(float)
        wanted = words_around((self.root / path).read_text().splitlines(), line)
        wanted.update(dict.fromkeys(changed, OF_THE_CHANGE))
        for word, times in wanted.items():
            holders = self.holders.get(word, ())
            if (weight := math.log((1 + len(self.sizes)) / (1 + len(holders)))) > WEIGHT_MIN:
                for name in holders:
                    score[name] += times * weight
        alike = sorted(score, key=lambda name: -score[name] / (1 + math.sqrt(self.sizes[name])))
        count: Counter[str] = Counter()
        return [name for name in alike if _counted(count, name.partition("[")[0]) <= OF_A_FUNCTION]


def _counted(count: Counter[str], function: str) -> int:
    count[function] += 1
    return count[function]


def words_around(lines: Sequence[str], line: int) -> Counter[str]:
    """The words of a line, of those around it and of the heading; how much each counts."""
    words = Counter(dict.fromkeys(words_of(lines[line - 1]), OF_THE_LINE))
    around = lines[max(line - 1 - LINES_AROUND, 0) : line + LINES_AROUND]
    heading = next((each for each in lines[line - 1 :: -1] if each[:1] not in ("", " ", "/")), "")
    for word in words_of("\n".join((*around, heading))):
        words[word] += 1
    return words


def words_of(text: str) -> set[str]:
    """The words of names and numbers, in small letters."""
    return {word.lower() for word in WORD.findall(text.replace("_", " ").replace("'", ""))}


def source(item: pytest.Item) -> str:
    """The text of a test, with its name."""
    function = getattr(item, "function", None)
    return f"{item.name} {item.path.stem} {text_of(function)}"


@cache
def text_of(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def within(budget: float, names: Sequence[str], seconds: dict[str, float]) -> Iterator[str]:
    """The first of these tests, as long as their time does not add up to more; one at least."""
    left = budget
    for place, name in enumerate(names):
        left -= seconds[name]
        if place and left < 0:
            return
        yield name
