"""Which blocks are executed again, and the tasks that they make.

A source says what it is by a digest, so that a file of progress is never taken for another's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from blockstm import __version__
from blockstm.chain import Chain
from blockstm.errors import ConfigError, InputError, PrunedState
from blockstm.ethereum import MAINNET
from blockstm.ethereum import Chain as Spec
from blockstm.kinds import check_kind
from blockstm.messages import brief, kind_of
from blockstm.replay.from_chain import SegmentTask, opened, release, spans, witness_task
from blockstm.replay.from_files import FileTask
from blockstm.replay.task import Task

__all__ = ["ChainBlocks", "FileBlocks", "FolderBlocks", "Source", "source_of"]

_Name = str | Path
Files = Sequence[_Name | tuple[_Name, _Name]]


class Source(Protocol):
    """Blocks in an order.

    Attributes:
        spec: whose rules they were made under; None where they do not tell.
        count: how many blocks there are.
    """

    spec: Spec | None
    count: int

    def describe(self) -> Mapping[str, Any]:
        """What tells it from other sources, as JSON has it.

        Raises:
            OSError: a file cannot be read.
        """

    def tasks(self, done: set[int]) -> Iterator[Task]:
        """What is to be executed, in order, but for the places that are ``done``."""

    def close(self) -> None:
        """Release what it has opened."""


class FileBlocks:
    """The blocks of files, each with its witness beside it or within."""

    def __init__(self, files: Files) -> None:
        self.spec: Spec | None = None
        self._files: list[tuple[Path, Path | None]] = []
        for each in files:
            path, witness = each if isinstance(each, tuple) else (each, None)
            _check_path(path)
            if witness is not None:
                _check_path(witness)
            self._files.append((Path(path), None if witness is None else Path(witness)))
        self.count = len(self._files)

    def describe(self) -> Mapping[str, Any]:
        """See `Source`."""
        return {"kind": "files", "files": [list(map(_digest, each)) for each in self._files]}

    def tasks(self, done: set[int]) -> Iterator[Task]:
        """See `Source`."""
        for place, (path, witness) in enumerate(self._files):
            if place not in done:
                yield FileTask(place, path, witness)

    def close(self) -> None:
        """See `Source`."""


def _digest(path: Path | None) -> list[str] | None:
    """A file's name and the hash of its content."""
    if path is None:
        return None
    found = blake2b(digest_size=32)
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return [path.name, found.hexdigest()]


class ChainBlocks:
    """Blocks of an open chain, each with the witness that the chain makes."""

    def __init__(self, chain: Chain, first: int | None = None, last: int | None = None) -> None:
        check_kind(chain, Chain, "chain")
        self._chain = chain
        self.spec: Spec | None = chain.spec
        self._first, self._last = _bounds(chain, first, last)
        self.count = self._last - self._first + 1

    def describe(self) -> Mapping[str, Any]:
        """See `Source`."""
        return _described(self._chain, self._first, self._last) | {"by": "witnesses"}

    def tasks(self, done: set[int]) -> Iterator[Task]:
        """See `Source`."""
        for place, number in enumerate(range(self._first, self._last + 1)):
            if place not in done:
                yield witness_task(self._chain, number, place)

    def close(self) -> None:
        """See `Source`: the chain is its owner's to close."""


class FolderBlocks:
    """Blocks of a chain in a folder, from its checkpoints on.

    Args:
        folder: of the chain.
        first, last: numbers; by default of the oldest block before which there is a state, and of
            the head.
        every: at which numbers roots are compared: those that it divides, and the last.
        spec: the chain's rules, where they have code of its own, as `Chain.open` takes it.

    Raises:
        InputError: a folder is a path.
        ChainError: the folder cannot be opened, or lacks the state before the first block.
        ConfigError: a number is out of range.
    """

    def __init__(
        self,
        folder: str | Path,
        first: int | None = None,
        last: int | None = None,
        every: int = 1,
        *,
        spec: Spec | None = None,
    ) -> None:
        _check_path(folder)
        if type(every) is not int or every < 1:
            raise ConfigError(
                f"roots are compared every block, or every so many, not {brief(every)}"
            )
        self._folder = Path(folder).resolve()
        self._every = every
        self._given = spec
        chain = opened(self._folder, spec)
        try:
            self.spec: Spec | None = chain.spec
            self._first, self._last = _bounds(chain, first, last)
        except BaseException:
            self.close()
            raise
        self.count = self._last - self._first + 1

    def describe(self) -> Mapping[str, Any]:
        """See `Source`."""
        about = _described(opened(self._folder, self._given), self._first, self._last)
        return about | {"by": "checkpoints", "every": self._every}

    def tasks(self, done: set[int]) -> Iterator[Task]:
        """See `Source`."""
        for first, last in spans(self._first, self._last, self._every):
            task = SegmentTask(self._folder, first, last, first - self._first, spec=self._given)
            left = [place for place in task.places if place not in done]
            if len(left) == len(task.places):
                yield task
            else:  # a part was done apart, after a process had died
                yield from (each for each in task.split() if each.places[0] in left)

    def close(self) -> None:
        """See `Source`."""
        release(self._folder)


def _bounds(chain: Chain, first: Any, last: Any) -> tuple[int, int]:
    """The numbers of the blocks from ``first`` to ``last``, where the chain can execute them.

    Raises:
        ConfigError: there are no such blocks.
        PrunedState: the state before the first is kept no more.
    """
    head, oldest = int(chain.head.number), int(chain.oldest_state)
    first = oldest + 1 if first is None else first
    last = head if last is None else last
    if type(first) is not int or type(last) is not int or not 1 <= first <= last <= head:
        raise ConfigError(
            f"blocks {brief(first)} to {brief(last)} are none of the chain's, whose first to "
            f"execute is 1 and whose head is {head}"
        )
    if first - 1 < oldest:
        raise PrunedState(
            f"block {first} is executed on the state after block {first - 1}, which is kept no "
            f"more: the oldest is that after block {oldest}"
        )
    return first, last


def _described(chain: Chain, first: int, last: int) -> dict[str, Any]:
    return {
        "kind": "chain",
        "genesis": chain.block_hash(0).hex(),
        "first": first,
        "last": last,
        "hash": chain.block_hash(last).hex(),
    }


def source_of(given: Any) -> Source:
    """A source, from what a caller has.

    Raises:
        InputError: it is none.
        ConfigError: there are no blocks in it.
    """
    if isinstance(given, FileBlocks | ChainBlocks | FolderBlocks):
        return given
    if isinstance(given, Chain):
        return ChainBlocks(given)
    if isinstance(given, list | tuple) and all(map(_is_file, given)):
        if not given:
            raise ConfigError("there is no block to execute: the list of files is empty")
        return FileBlocks(given)
    raise InputError(
        "blocks come from a list of files or pairs (file, witness), from a blockstm.chain.Chain, "
        f"or from a source of blockstm.replay.sources, not from {kind_of(given)}"
    )


def _is_file(given: Any) -> bool:
    if isinstance(given, tuple):
        return len(given) == 2 and all(isinstance(each, str | Path) for each in given)
    return isinstance(given, str | Path)


def _check_path(given: Any) -> None:
    if not isinstance(given, str | Path):
        raise InputError(f"a file or a folder is a path, not {brief(given)}")


def digest_of(source: Source, spec: Spec) -> str:
    """What tells a replay from others: its blocks, its checkpoints, whose rules hold, and what
    executes them."""
    about = {"source": source.describe(), "rules": _rules(spec), "version": __version__}
    return blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16).hexdigest()


def _rules(spec: Spec) -> list[str]:
    """A chain's rules as far as data tells them: code of a chain's own is told by its names."""
    rules = spec.rules
    own = [*rules.before, *rules.after, rules.base_fee, rules.header_rule]
    names = [getattr(each, "__qualname__", type(each).__qualname__) for each in own if each]
    places = [each.hex() for each in sorted(rules.precompiles)]
    fork = "" if spec.fork is None else spec.fork.name
    activations = spec.activations if spec is not MAINNET else ()
    begins = [
        f"{each.fork.name} {each.block} {each.timestamp} {each.total_difficulty}"
        for each in activations
    ]
    return [str(spec.chain_id), fork, *begins, *names, *places]
