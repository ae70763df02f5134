"""One small change of the source that a test should notice. No test of its own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mutant", "Site"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change that is switched on by its number.

    Attributes:
        number: what switches it on, from 0.
        path: the file, below the root of the repository.
        line: of the change, from 1.
        before: the line as it stands, without the blanks around it.
        after: what the change makes of it.
    """

    number: int
    path: str
    line: int
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when lines move: the file and the two texts."""
        return self.path, self.before, self.after

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a text changes: ``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str
