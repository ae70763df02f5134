"""One small change of the source that a test should notice. No test of its own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Key", "Mutant", "Site"]

Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change that is switched on by its number.

    Attributes:
        number: what switches it on, from 0.
        path: the file, below the root of the repository.
        line: of the change, from 1.
        before: the line as it stands, without the blanks around it.
        after: what the change makes of it.
        place: which one it is of those in the file that read alike, from 1.
    """

    number: int
    path: str
    line: int
    before: str
    after: str
    place: int = 1

    @property
    def key(self) -> Key:
        """What stays the same when lines move: the file, the texts, which of those alike."""
        return self.path, self.before, self.after, self.place

    def __str__(self) -> str:
        which = f"  (place {self.place})" if self.place > 1 else ""
        return f"{self.path}:{self.line}{which}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a text changes: ``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str
