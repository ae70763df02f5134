"""A stream of blocks imported: each is given once it is durable, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import takewhile

from blockstm.chain.importing import ImportedBlock, Importer
from blockstm.chain.running_ahead import Progress, RunningBlock
from blockstm.chain.teaching import teach
from blockstm.ethereum import Block
from blockstm.hints import HintSource

__all__ = ["stream"]


def stream(
    importing: Callable[[], AbstractContextManager[Importer]],
    blocks: Iterator[Block],
    *,
    runs_ahead: bool,
    hints: HintSource | None = None,
) -> Iterator[ImportedBlock]:
    """Import blocks; what fails, or the iterator raises, is raised behind the blocks before it.

    Args:
        importing: gives the importer to one at a time; when it is left, readers see what is new.
        blocks: what to import.
        runs_ahead: whether blocks may run on what is not verified yet.
        hints: of each block, asked before it runs; again, where it was taken back.
    """
    waiting: deque[_Taken | RunningBlock] = deque()
    failure: BaseException | None = None
    try:
        while failure is None:
            ready: list[ImportedBlock] = []
            try:
                block = next(blocks)
                with importing() as importer:
                    _go_on(importer, block, waiting, hints, runs_ahead=runs_ahead)
                    ready = _ready(importer, waiting)
            except StopIteration:
                break
            except BaseException as error:
                failure = error
            yield from _taught(hints, ready)
        if waiting or failure is not None:
            with importing() as importer:
                failure = _ended(importer, waiting, failure, hints)
                ready = _ready(importer, waiting)
            yield from _taught(hints, ready)
        if failure is not None:
            raise failure
    finally:
        del failure  # it has this frame: both would wait for the garbage collector


def _taught(hints: HintSource | None, imported: Iterable[ImportedBlock]) -> Iterator[ImportedBlock]:
    """Blocks that are durable, each after a source that learns was told of it."""
    for each in imported:
        teach(hints, each)
        yield each


@dataclass(frozen=True, slots=True)
class _Taken:
    """A block that was imported by itself, to become durable by the next commit."""

    imported: ImportedBlock
    commits: int
    losses: int

    @classmethod
    def by(cls, importer: Importer, block: Block, hints: HintSource | None) -> _Taken:
        return cls(importer.take(block, hints), importer.commits, importer.losses)


def _go_on(
    importer: Importer,
    block: Block,
    waiting: deque[_Taken | RunningBlock],
    hints: HintSource | None,
    *,
    runs_ahead: bool,
) -> None:
    """Import one more block; those before it may turn out to be wrong, which raises."""
    if runs_ahead:
        importer.advance()
        _take_again(importer, waiting, hints)
    if runs_ahead and importer.can_run_ahead(block):
        waiting.append(importer.run_ahead(block, hints))
        return
    importer.catch_up()
    _take_again(importer, waiting, hints)
    waiting.append(_Taken.by(importer, block, hints))
    if importer.is_full:
        importer.commit()


def _take_again(
    importer: Importer, waiting: deque[_Taken | RunningBlock], hints: HintSource | None
) -> None:
    """Import one by one the blocks that were taken back, the last of all: it says why."""
    again: list[Block] = []
    while waiting and _is_taken_back(waiting[-1]):
        last = waiting.pop()
        assert isinstance(last, RunningBlock)  # no other runs ahead
        again.append(last.block)
    for block in reversed(again):
        waiting.append(_Taken.by(importer, block, hints))


def _ended(
    importer: Importer,
    waiting: deque[_Taken | RunningBlock],
    failure: BaseException | None,
    hints: HintSource | None,
) -> BaseException | None:
    """Make durable what is good; the first failure of the stream."""
    try:
        importer.catch_up()
        _take_again(importer, waiting, hints)
    except BaseException as error:
        # Of blocks an earlier one failed than the one that did so far.
        failure = error if failure is None or isinstance(failure, Exception) else failure
    try:
        importer.commit()
    except BaseException as error:
        failure = error
    try:
        return failure
    finally:
        del failure  # it may have this frame, as in `stream`


def _ready(importer: Importer, waiting: deque[_Taken | RunningBlock]) -> list[ImportedBlock]:
    """Take out the first blocks as far as they are durable."""
    durable = list(takewhile(lambda each: _is_durable(importer, each), waiting))
    for _ in durable:
        waiting.popleft()
    return [_imported(each) for each in durable]


def _is_taken_back(each: _Taken | RunningBlock) -> bool:
    return isinstance(each, RunningBlock) and each.progress is Progress.TAKEN_BACK


def _is_durable(importer: Importer, each: _Taken | RunningBlock) -> bool:
    if isinstance(each, RunningBlock):
        return each.progress is Progress.DURABLE
    return importer.commits > each.commits and importer.losses == each.losses


def _imported(each: _Taken | RunningBlock) -> ImportedBlock:
    if isinstance(each, _Taken):
        return each.imported
    return ImportedBlock(each.block, each.hash, True, each.verified())
