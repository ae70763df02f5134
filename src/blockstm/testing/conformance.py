"""`check_vm` and `check_state`: what the engine expects of a VM and of a state, as one call each.

Put them in the test suite of your own VM or state. Each raises AssertionError with the promise
that is broken, in words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from blockstm import reference
from blockstm.config import Config
from blockstm.executor import Executor
from blockstm.kinds import check_mapping
from blockstm.messages import brief
from blockstm.reference import ReferenceView
from blockstm.testing.oracle import Ran, difference, identical, run
from blockstm.testing.serial import assert_serial_equivalent
from blockstm.types import Limit, StateReader
from blockstm.values import ABSENT

__all__ = ["check_state", "check_vm"]

PATIENCE = 1000
"""View calls that a stopped transaction may make before it counts as never ending."""


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def check_vm(
    vm: Any,
    transactions: Sequence[Any],
    state: Mapping[Any, Any] | StateReader,
    *,
    workers: Sequence[int] = (1, 2, 4),
    schedules: int = 20,
    seed: int | None = None,
    on_invalid: Literal["raise", "skip"] = "raise",
    limit: Limit | None = None,
    reference_vm: Callable[[Any, Any], Any] | None = None,
) -> None:
    """Fail unless a VM keeps the promises that the engine relies on.

    It runs a transaction the same way every time, leaves the transaction and the state as they
    are, ends at once when a view call stops it, also where it stands on values that no order of
    the block could have made, and is equal to running in order (`assert_serial_equivalent`,
    which explains the arguments). Give it a block in which transactions meet each other.

    Raises:
        AssertionError: a promise is broken.

    Example:
        >>> from blockstm.testing import check_vm
        >>> def count(view, key):
        ...     view.put(key, view.get(key, 0) + 1)
        >>> check_vm(count, ["a", "b", "a"], {"a": 5}, schedules=5)
    """
    python_vm = reference_vm or getattr(vm, "python", None) or vm
    if callable(python_vm):
        _check_deterministic(python_vm, transactions, state, on_invalid, limit)
        for transaction in transactions:
            _check_stops(python_vm, transaction, state)
    if hasattr(vm, "__blockstm_bind__"):
        _check_binding(vm, transactions)
    assert_serial_equivalent(
        transactions,
        state,
        vm,
        workers=workers,
        schedules=schedules,
        seed=seed,
        on_invalid=on_invalid,
        limit=limit,
        reference_vm=reference_vm,
    )


def _check_deterministic(
    python_vm: Callable[[Any, Any], Any],
    transactions: Sequence[Any],
    state: Any,
    on_invalid: Literal["raise", "skip"],
    limit: Limit | None,
) -> None:
    before = [repr(transaction) for transaction in transactions]
    mapping = repr(dict(state)) if isinstance(state, Mapping) else None

    def once() -> Ran:
        options = {"on_invalid": on_invalid, "limit": limit}
        return run(reference.execute_block, transactions, state, python_vm, **options)

    found = difference(once(), once())
    _require(found is None, f"the VM is not deterministic: in a second run, {found}")
    for index, transaction in enumerate(transactions):
        _require(
            repr(transaction) == before[index],
            f"the VM changed transaction {index}: it was {before[index]}",
        )
    if mapping is not None:
        _require(
            repr(dict(state)) == mapping,
            "the VM changed a value of the state in place instead of putting one through the view",
        )


class _Stopped(BaseException):
    """Stands in for the engine's own signal."""


class _StoppingView(ReferenceView):
    """A view whose calls all stop the transaction, from the ``calls``-th on."""

    def __init__(self, read: Callable[[Any], Any], calls: int) -> None:
        super().__init__(0, read)
        self._left = calls
        self.calls_after = 0

    def _check_open(self) -> None:
        if self._left > 0:
            self._left -= 1
            return
        self.calls_after += 1
        if self.calls_after <= PATIENCE:  # then let it through: it would retry for ever
            raise _Stopped


def _check_stops(python_vm: Callable[[Any, Any], Any], transaction: Any, state: Any) -> None:
    """Stop a transaction at its first view call, its second, and so on until it runs through."""
    read = _reader(state)
    for calls in range(PATIENCE):
        view = _StoppingView(read, calls)
        try:
            python_vm(view, transaction)
        except _Stopped:
            continue
        except Exception as error:
            _require(
                not view.calls_after,
                f"the VM turned the signal that stops it into {brief(error)}: "
                "let it pass, do not catch BaseException",
            )
        _require(
            view.calls_after <= PATIENCE,
            f"the VM does not end: stopped, it made {PATIENCE} more calls to its view",
        )
        _require(
            not view.calls_after,
            "the VM swallowed the signal that stops it: let it pass, do not catch BaseException",
        )
        return


def _reader(state: Any) -> Callable[[Any], Any]:
    def read(key: Any) -> Any:
        value = state.get(key, ABSENT) if isinstance(state, Mapping) else state.get(key)
        return ABSENT if value is None and not isinstance(state, Mapping) else value

    return read


def _check_binding(vm: Any, transactions: Sequence[Any]) -> None:
    bound = vm.__blockstm_bind__(transactions)
    _require(
        bound.count == len(transactions),
        f"the VM bound {bound.count} transactions of {len(transactions)}",
    )
    shown = repr(bound.vm)
    _require('"blockstm.vm"' in shown, f".vm is a capsule named blockstm.vm, not {shown}")
    for role in ("keys", "values"):
        codec = getattr(bound, role)
        _require(isinstance(codec.name, str), f".{role}.name is a str, not {brief(codec.name)}")
        _check_codec_refuses(role, codec)


def _check_codec_refuses(role: str, codec: Any) -> None:
    try:
        codec.encode(object())
    except (TypeError, ValueError):
        return
    raise AssertionError(f".{role}.encode(object()) raises TypeError or ValueError")


def check_state(
    state: Any,
    items: Mapping[Any, Any],
    *,
    missing: Iterable[Any] = (),
    threads: int = 4,
) -> None:
    """Fail unless a state keeps the promises that the engine relies on.

    Every key reads as the value it should, from any thread, as often as asked and in any order;
    a missing key reads as absent; prefetching changes nothing; a block that reads, writes and
    deletes all of it gives what it gives on a plain dict, and leaves the state as it was.

    Args:
        state: a mapping or a `blockstm.types.StateReader`.
        items: keys with the values that they must have.
        missing: keys that must have none.
        threads: how many threads read at the same time.

    Raises:
        AssertionError: a promise is broken.

    Example:
        >>> from blockstm.testing import check_state
        >>> check_state({"a": 1, "b": None}, {"a": 1, "b": None}, missing=["c"])
    """
    check_mapping(items, "items")
    absent = tuple(missing)
    _check_reads(state, items, absent)
    if hasattr(state, "prefetch"):
        state.prefetch([*items, *absent])
        _check_reads(state, items, absent)
    _check_threads(state, items, absent, threads)
    _check_blocks(state, items, absent)
    _check_reads(state, items, absent)


def _check_reads(state: Any, items: Mapping[Any, Any], absent: Sequence[Any]) -> None:
    read = _reader(state)
    pairs = list(items.items())
    for key, value in [*pairs, *reversed(pairs)]:
        found = read(key)
        shown = f"state[{brief(key)}] reads as {brief(found)}, should be {brief(value)}"
        _require(identical(found, value), shown)
    for key in absent:
        found = read(key)
        _require(found is ABSENT, f"state[{brief(key)}] reads as {brief(found)}, should be absent")


def _check_threads(
    state: Any, items: Mapping[Any, Any], absent: Sequence[Any], threads: int
) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(3):
                _check_reads(state, items, absent)
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=read) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise AssertionError(f"read from {threads} threads: {brief(failures[0])}") from failures[0]


def _check_blocks(state: Any, items: Mapping[Any, Any], absent: Sequence[Any]) -> None:
    """Blocks that read everything, write everything, and remove everything."""
    keys = [*items, *absent]
    marks = {key: ("mark", index) for index, key in enumerate(keys)}

    def rewrite(view: Any, key: Any) -> Any:
        before = view.get(key, "(nothing)")
        view.put(key, marks[key])
        return before

    def remove(view: Any, key: Any) -> None:
        view.delete(key)

    for vm in (rewrite, remove):
        expected = reference.execute_block(keys * 2, dict(items), vm)
        for workers in (1, 2):
            with Executor(Config(gate=False), workers=workers) as executor:
                actual = run(executor.execute_block, keys * 2, state, vm)
            found = difference(actual, Ran(result=expected))
            _require(found is None, f"a block with {workers} workers, against a dict: {found}")
