"""What each mutant came to, kept in a file, so that the next run goes on. No test of its own."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.mutant import Key, Mutant

__all__ = ["Explanations", "Verdict", "Verdicts"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a mutant came to.

    Attributes:
        by: the test that noticed it; empty: none of those that it has met.
        how: "failed", "crashed" or "took too long", said of that test; empty: nothing was noticed.
        tried: the tests that it has met, a bit each, by their numbers in a `Reach`.
        at: what the numbers are of.
    """

    by: str = ""
    how: str = ""
    tried: int = 0
    at: str = ""

    @property
    def killed(self) -> bool:
        return bool(self.how)


class Explanations:
    """Why some mutants change nothing that a test could notice.

    Args:
        listed: tables with a ``path``, a ``reason``, and ``mutants``: the text before and after,
            and where several in the file read alike, which places of them (else the first).
    """

    def __init__(self, listed: Iterable[Mapping[str, Any]]) -> None:
        self.reasons: dict[Key, str] = {}
        for each in listed:
            for before, after, *places in each["mutants"]:
                for place in places or (1,):
                    key = each["path"], before, after, place
                    if key in self.reasons:
                        raise ValueError(f"explained twice: {key}")
                    self.reasons[key] = each["reason"]

    def __contains__(self, mutant: Mutant) -> bool:
        return mutant.key in self.reasons

    def without(self, mutants: Iterable[Mutant]) -> list[Key]:
        """Those that explain what is no mutant."""
        known = {mutant.key for mutant in mutants}
        return [key for key in self.reasons if key not in known]


class Verdicts:
    """The verdicts of all runs.

    Args:
        path: the file. What it says of a source that changed since is passed over.
        sources: hashes of the mutated sources by their paths.
    """

    def __init__(self, path: Path, sources: Mapping[str, str]) -> None:
        self.path, self.sources = path, sources
        self.known: dict[Key, Verdict] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            source, key, by, how, tried, at = json.loads(line)
            if sources.get(key[0]) == source:
                self.known[tuple(key)] = Verdict(by, how, int(tried, 16), at)

    def of(self, mutant: Mutant) -> Verdict:
        return self.known.get(mutant.key, Verdict())

    def add(self, mutant: Mutant, verdict: Verdict) -> None:
        self.known[mutant.key] = verdict
        source = self.sources[mutant.path]
        line = [source, mutant.key, verdict.by, verdict.how, f"{verdict.tried:x}", verdict.at]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            print(json.dumps(line), file=file)

    def told(self, mutants: Sequence[Mutant], explanations: Explanations) -> int:
        """Print what the mutants came to, by file; how many are open."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for mutant in mutants:
            verdict = self.of(mutant)
            said = self._said(mutant, explanations)
            counts[mutant.path][said] += 1
            counts[mutant.path]["hung"] += verdict.how == "took too long"
            if said == "open":
                print(f"open: {mutant}")
            elif said == "killed" and mutant in explanations:
                print(f"explained, and yet killed by {verdict.by}: {mutant}")
        for path, count in counts.items():
            print(f"{path}: {_line(count)}")
        total = sum(counts.values(), Counter[str]())
        print(f"in all: {_line(total)}")
        return total["open"]

    def _said(self, mutant: Mutant, explanations: Explanations) -> str:
        if mutant.key not in self.known:
            return "not run"
        if self.known[mutant.key].killed:
            return "killed"
        return "explained" if mutant in explanations else "open"


def _line(count: Counter[str]) -> str:
    killed, explained, left, others = (
        count[each] for each in ("killed", "explained", "open", "not run")
    )
    words = f"{killed + explained + left + others} mutants, {killed} killed"
    words += f" ({count['hung']} of them as their tests took too long)" if count["hung"] else ""
    words += f", {explained} explained, {left} open"
    return words + (f", {others} not run yet" if others else "")
