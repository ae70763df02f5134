"""Where hints come from: dependencies that a producer names, accesses that a caller declares."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from blockstm.hints.hints import Expected, Hints

__all__ = ["declared", "from_dependencies"]


def from_dependencies(dependencies: Iterable[Iterable[int]]) -> Hints:
    """Hints from a graph: for each transaction, the earlier ones whose writes it reads.

    Raises:
        InputError: something is no index.

    >>> from_dependencies([[], [0], [], [1, 2]]).dependencies
    [(), (0,), (), (2, 1)]
    """
    return Hints.of(Expected(dependencies=each) for each in dependencies)


def declared(locks: Iterable[tuple[Iterable[Hashable], Iterable[Hashable]]]) -> Hints:
    """Hints from declared locks, as Solana's transactions have them: (read locks, write locks).

    A write lock is for reading, too. So transactions that lock a key to write it wait for each
    other, those that read it wait for the last that writes it, and all others are free.

    Raises:
        InputError: a key is not hashable.

    >>> declared([((), ("a",)), (("a",), ()), (("a",), ("b",)), ((), ("c",))]).dependencies
    [(), (0,), (0,), ()]
    """
    return Hints.of(_locked(tuple(reads), tuple(writes)) for reads, writes in locks)


def _locked(reads: tuple[Hashable, ...], writes: tuple[Hashable, ...]) -> Expected:
    return Expected(reads=(*reads, *writes), writes=writes)
