"""The types of arguments and results: protocols of view and state, outcomes, stats."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

__all__ = [
    "Address",
    "Admission",
    "BlockNumber",
    "BlockResult",
    "Hash32",
    "HintsReport",
    "Key",
    "Limit",
    "Outcome",
    "Span",
    "StateReader",
    "Stats",
    "Status",
    "Transactions",
    "View",
]

Address: TypeAlias = bytes
"""An account's address, 20 bytes. Plain bytes need no conversion; an ``Address`` of eth-typing is
one, too."""

Hash32: TypeAlias = bytes
"""32 bytes: a hash, a root."""

BlockNumber: TypeAlias = int
"""A block's place in its chain, from 0."""

Key = Hashable
"""A location's name. Keys that compare equal (``1 == 1.0 == True``) are one location; under which
of the equal objects it appears in ``BlockResult.writes`` is not specified."""


class Status(StrEnum):
    """How a transaction ended."""

    SUCCESS = "success"
    REVERTED = "reverted"
    """The VM raised `Revert`: the writes are dropped, the gas is kept."""
    SKIPPED = "skipped"
    """The VM raised `Invalid` under ``on_invalid="skip"``: as if it were not in the block."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one transaction, the same in every schedule.

    Attributes:
        index: the transaction's place in the block, from 0.
        status: see `Status`; whether it achieved anything is `succeeded`.
        value: what the VM returned; None unless ``status`` is SUCCESS.
        error: the `Revert` or `Invalid` raised; None on SUCCESS.
        gas_used: the sum of ``view.charge`` calls, in gas; 0 for a skipped transaction.
    """

    index: int
    status: Status
    value: Any = None
    error: BaseException | None = None
    gas_used: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was meant to.

        Not one that was reverted or skipped, nor one whose ``value`` says that it failed: a
        transaction of the EVM that runs out of gas has paid and counts, so its ``status`` is
        SUCCESS, but its `blockstm.vm.evm.Execution` did not succeed.
        """
        return self.status is Status.SUCCESS and bool(getattr(self.value, "succeeded", True))


class Span(NamedTuple):
    """One activity of a worker, from when to when.

    Attributes:
        worker: which one, from 0.
        activity: ``execute``, ``validate`` (check conditions), ``publish`` (show what a run ahead
            of the frontier wrote), ``commit`` (make a run final) or ``park`` (wait for work).
        begin_ns, end_ns: since the block was begun, in ns.
        index: the transaction's place in the block; None where it is about none.
        incarnation: which run of the transaction, from 0; None where it is about none.
    """

    worker: int
    activity: str
    begin_ns: int
    end_ns: int
    index: int | None  # type: ignore[assignment]  # hides tuple.index, of no use to a span
    incarnation: int | None


@dataclass(frozen=True, slots=True)
class HintsReport:
    """What hints did for a block that was run with some; it depends on the schedule.

    Attributes:
        expected: dependencies that were used of the hints.
        ignored: dependencies that no transaction can have (on itself, on a later one), and those
            beyond the highest 8 of one transaction.
        holds: how often a transaction was held until one that it depends on had been executed.
        right: runs of transactions with dependencies that read what one of them had written.
        wrong: those that did not.
        trusted: whether transactions were still held at the block's end; too many wrong
            dependencies end that.
        begun_early: long transactions that were begun before their turn.
        begun_early_in_vain: those that had to be run again; the first ends it.
        taken: held transactions that a worker without work has run before what they waited for.
        taken_in_vain: those that came too early for what they waited for; if most do, it ends.
        schedule: how the hints were used, see `Config.schedule`.
        splits, merges: groups whose members turned out not to depend on each other, and pairs of
            groups that turned out to; 0 where there are no groups.
        followed: transactions that were run right after the one before them in their group, by the
            same worker.
        listed: writes that came with their values, so that nothing waits for them; then no
            transaction is held.
        misled: runs that such a value was wrong for; too many of them, and no more is taken.
    """

    expected: int = 0
    ignored: int = 0
    holds: int = 0
    right: int = 0
    wrong: int = 0
    trusted: bool = True
    begun_early: int = 0
    begun_early_in_vain: int = 0
    taken: int = 0
    taken_in_vain: int = 0
    schedule: str = "declared"
    splits: int = 0
    merges: int = 0
    followed: int = 0
    listed: int = 0
    misled: int = 0

    @property
    def precision(self) -> float | None:
        """The part of the runs with dependencies in which one was right; None without such runs."""
        judged = self.right + self.wrong
        return self.right / judged if judged else None


@dataclass(frozen=True, slots=True)
class Stats:
    """How the block ran; unlike all else in a result, it depends on the schedule.

    Attributes:
        workers: threads that the block was shared by (1: no speculation); one of them may have come
            too late for any work.
        transactions: transactions that became final.
        incarnations: runs of the VM, speculative ones included.
        aborts: stopped or discarded incarnations by cause: ``validation`` (a condition failed
            before the frontier), ``frontier`` (a condition failed at it, or only it
            could tell), ``estimate`` (met a
            write known to be coming), ``stopped`` (the block ended).
        seconds: wall time of the block, in s.
        phases: thread time by phase, in s, sampled (exact with a timeline): ``execute``,
            ``validate``, ``publish``, ``commit``.
        busy: per worker, seconds not spent parked.
        parked: per worker, seconds spent parked.
        conflicts: (key, aborts) of the locations that made incarnations abort, the most first, at
            most 64: where a condition failed, or an estimate was read. Aborts by ``stopped`` have
            no location.
        timeline: what each worker did, one worker after another, each in the order of time; empty
            unless ``Config.timeline`` asks for it.
        spans_dropped: how many spans found no room in the timeline.
        hints: what hints did; None in a block without any.
    """

    workers: int = 1
    transactions: int = 0
    incarnations: int = 0
    aborts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    busy: Sequence[float] = ()
    parked: Sequence[float] = ()
    conflicts: Sequence[tuple[Key, int]] = ()
    timeline: Sequence[Span] = ()
    spans_dropped: int = 0
    hints: HintsReport | None = None

    @property
    def incarnations_per_transaction(self) -> float:
        """VM runs per final transaction; 1.0 when nothing was run twice or in vain."""
        return self.incarnations / self.transactions if self.transactions else 0.0


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The result of a block.

    Attributes:
        outcomes: one per final transaction, in block order.
        writes: key → final value, for every location whose value at the end differs from the
            state's; a deleted key maps to `DELETED`. Ordered by the first write in block order.
        gas_used: sum over the outcomes, in gas.
        cut: the index at which ``limit`` cut the block; None when it ran to its end.
        stats: see `Stats`; not part of equality.
    """

    outcomes: Sequence[Outcome]
    writes: Mapping[Any, Any]
    gas_used: int = 0
    cut: int | None = None
    stats: Stats = field(default_factory=Stats, compare=False)


class _Deleted:
    """The type of `DELETED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DELETED"

    def __reduce__(self) -> str:
        return "DELETED"


DELETED = _Deleted()
"""Stands in ``BlockResult.writes`` for a key that the state had and the block removed."""

Limit = int | Callable[[Outcome], bool]
"""Where to cut a block. An int: before the first transaction with which the block's gas would
exceed it. A callable: before the first transaction whose outcome it returns true for; it is
called once per included transaction, in block order."""


class Admission(Protocol):
    """A resource that the transactions of a block share besides the state, such as its gas.

    A VM with a method ``__blockstm_admission__()`` makes one for each run of a block. It is used at
    the commit frontier: in block order, by one thread at a time.
    """

    def refusal(self, transaction: Any) -> Exception | None:
        """None where there is room for the transaction beside those before it, else an `Invalid`.

        Asked once for each transaction; of one that is refused no run counts.
        """

    def count(self, transaction: Any, outcome: Outcome) -> None:
        """The transaction becomes final, and was not skipped: what it used is used."""


class Transactions(Protocol):
    """A block's transactions: a list, a range, a NumPy array, whatever has a length and items."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int, /) -> Any:
        """The transaction at a place from 0 on."""


class View(Protocol):
    """The view of a running transaction: the state after all transactions before it.

    Only valid inside the call it was passed to and in that thread; afterwards every method
    raises `ViewError`. A transaction that reads a key twice sees one value, plus its own
    writes. Values handed out must not be changed in place.
    """

    @property
    def index(self) -> int:
        """The transaction's place in the block, from 0."""

    def get(self, key: Key, default: Any = None) -> Any:
        """The value at ``key``, or ``default`` where there is none."""

    def put(self, key: Key, value: Any) -> None:
        """Set the value at ``key``; any object, None included."""

    def delete(self, key: Key) -> None:
        """Remove the value at ``key``, if there is one."""

    def add(self, key: Key, delta: Any) -> None:
        """Add a number to the value at ``key`` (absent counts as 0) without looking at it.

        Several calls of one transaction sum up first. If the value turns out not to be a
        number, the transaction ends in TransactionError (from TypeError) when it is final.
        """

    def expect(self, key: Key, value: Any) -> bool:
        """Whether there is a value at ``key`` and it equals ``value``.

        In native VMs a yes may be assumed ahead of the frontier, and is checked later: a
        transaction that expects what an earlier one will write need not run after it. A Python VM
        reads.
        """

    def at_least(self, key: Key, bound: Any) -> bool:
        """Whether the number at ``key`` (absent counts as 0) is ``bound`` or more.

        Only this answer is recorded, not the value.
        """

    def try_add(self, key: Key, delta: Any, lower: Any = None, upper: Any = None) -> bool:
        """Add ``delta`` if the sum lies in ``lower..upper`` (inclusive, None: unbounded).

        Only the answer is recorded, not the value.
        """

    def charge(self, gas: int) -> None:
        """Count ``gas`` (int, 0 or more) towards the outcome's ``gas_used``; survives Revert."""


@runtime_checkable
class StateReader(Protocol):
    """The interface of a state that is not a mapping.

    ``get`` may be called from any worker thread, at most a few times per key and block. What it
    raises ends the block with `StateError` if the transaction that needed it becomes final. An
    optional ``prefetch(keys)`` is called once, before the block, with the hinted keys.
    """

    def get(self, key: Any) -> Any:
        """The value at ``key``, None where there is none."""
