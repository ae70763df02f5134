"""Generated blocks: whatever the transactions, the engine is equal to running them in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from engine_cases import Broken, check, check_explored, stubborn_vm, yielding_vm
from hypothesis import strategies as st
from tests.switching import switching_often

from blockstm.testing import NativeScripts, scripted_vm
from blockstm.testing.strategies import OPERATIONS, blocks, choices, numbers, states, values

READS = ("get", "at_least")
WRITES = ("put", "delete")
DELTAS = ("add", "add", "try_add", "put", "delete", "at_least", "get")
FAILURES = ("bump", "put", "add", "revert", "raise", "charge", "branch")
CALM = tuple(op for op in OPERATIONS if op not in ("raise", "invalid"))

FAMILIES: dict[str, dict[str, Any]] = {
    "one hot key": {"keys": 1, "ops": CALM},
    "a hot key among others": {"keys": 6, "hot": 0.5, "ops": CALM},
    "chains": {"keys": 4, "ops": ("copy", "bump", "follow")},
    "read-only": {"keys": 3, "ops": READS},
    "write-only": {"keys": 3, "ops": WRITES},
    "deltas over values over deltas": {"keys": 2, "ops": DELTAS},
    "failures": {"keys": 2, "ops": FAILURES},
    "deletes": {"keys": 2, "ops": ("delete", "get", "put", "copy", "add")},
    "paths that depend on values": {"keys": 3, "ops": ("branch", "follow", "put", "add")},
    "everything": {"keys": 3},
}

family = pytest.mark.parametrize("family", FAMILIES, ids=lambda name: name.replace(" ", "-"))
many = hypothesis.settings(max_examples=120, deadline=None, print_blob=True)
some = hypothesis.settings(max_examples=80, deadline=None, print_blob=True)

invalids = st.sampled_from(["raise", "skip"])


@pytest.fixture(autouse=True, scope="module")
def _switch_often() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    with switching_often():
        yield


@family
@many
@hypothesis.given(data=st.data())
def test_real_threads(family: str, data: st.DataObject) -> None:
    block = data.draw(blocks(max_transactions=12, **FAMILIES[family]))
    check(block, data.draw(states()), on_invalid=data.draw(invalids))


@family
@many
@hypothesis.given(data=st.data())
def test_explored_schedules(family: str, data: st.DataObject) -> None:
    block = data.draw(blocks(max_transactions=5, **FAMILIES[family]))
    workers = data.draw(st.sampled_from([2, 2, 3]))
    schedule = data.draw(choices(workers=workers, max_length=120))
    invalid = data.draw(invalids)
    state = data.draw(states())
    check_explored(block, state, choices=schedule, workers=workers, on_invalid=invalid)


@some
@hypothesis.given(blocks(max_transactions=10, keys=2), states(), invalids)
def test_threads_that_take_turns_at_every_operation(block: Any, state: Any, invalid: Any) -> None:
    check(block, state, yielding_vm, python_vm=scripted_vm, on_invalid=invalid)


@many
@hypothesis.given(
    blocks(max_transactions=8, keys=2, values=values(), deltas=numbers()),
    states(3, values()),
    choices(max_length=80),
)
def test_values_of_every_kind(block: Any, state: Any, schedule: Any) -> None:
    check(block, state)
    check_explored(block, state, choices=schedule)


EQUAL = [1, True, 1.0, 2, 2.0, (1,), (1.0,), (True,)]
COLLIDING = [-1, -2, 0, (1 << 61) - 1, 1 << 61, 0.5, 1 << 60]
ODD = [None, "", b"", "1", b"1", "\udc80", "k" * 300, 1 << 200, -(1 << 63), frozenset({1}), ((),)]


@some
@hypothesis.given(
    st.sampled_from([EQUAL, COLLIDING, ODD]).flatmap(
        lambda keys: st.tuples(blocks(max_transactions=8, keys=keys, ops=CALM), states(keys))
    ),
    choices(max_length=60),
)
def test_keys_of_every_kind(drawn: Any, schedule: Any) -> None:
    """Equal keys of several types, keys with one hash, keys at the edge of their type."""
    block, state = drawn
    check(block, state)
    check_explored(block, state, choices=schedule)


@some
@hypothesis.given(
    blocks(max_transactions=6, keys=3),
    states(3),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True),
    st.sampled_from([KeyError("a"), OSError(5, "disk"), LookupError(), RuntimeError("x")]),
    choices(max_length=80),
)
def test_a_state_that_cannot_be_read(
    block: Any, state: Any, bad: Any, error: Exception, schedule: Any
) -> None:
    check(block, Broken(state, bad, error))
    check_explored(block, Broken(state, bad, error), choices=schedule)


@some
@hypothesis.given(
    blocks(max_transactions=6, keys=2),
    states(2),
    st.lists(st.sampled_from(["a", "b"]), max_size=1),
    choices(max_length=80),
)
def test_a_vm_that_swallows_everything(block: Any, state: Any, bad: Any, schedule: Any) -> None:
    broken = Broken(state, bad, KeyError("bad"))
    check(block, broken, stubborn_vm)
    check_explored(block, broken, stubborn_vm, choices=schedule)


class CutWhen:
    """A limit that is a callable: cuts at the n-th included outcome, or raises there."""

    def __init__(self, count: int, raises: bool) -> None:
        self.count = count
        self.raises = raises

    def fresh(self) -> Any:
        left = [self.count]

        def limit(outcome: Any) -> bool:
            left[0] -= 1
            if left[0] < 0 and self.raises:
                raise ArithmeticError(outcome.index)
            return left[0] < 0

        return limit

    def __repr__(self) -> str:
        return f"CutWhen({self.count}, raises={self.raises})"


@some
@hypothesis.given(
    blocks(max_transactions=8, keys=2, ops=("charge", "charge", "bump", "revert", "invalid")),
    st.integers(0, 20),
    choices(max_length=80),
)
def test_a_gas_limit(block: Any, gas: int, schedule: Any) -> None:
    check(block, {}, on_invalid="skip", limit=gas)
    check_explored(block, {}, choices=schedule, on_invalid="skip", limit=gas)


@some
@hypothesis.given(
    blocks(max_transactions=8, keys=2),
    st.builds(CutWhen, st.integers(0, 6), st.booleans()),
    choices(max_length=80),
)
def test_a_callable_limit(block: Any, cut: CutWhen, schedule: Any) -> None:
    for workers in (1, 2, 4):
        calls = _LimitPerRun(cut)
        check(block, {}, workers=[workers], on_invalid="skip", limit=calls)
    check_explored(block, {}, choices=schedule, on_invalid="skip", limit=_LimitPerRun(cut))


class _LimitPerRun:
    """Counts from the start whenever a block starts anew: outcomes come in block order."""

    def __init__(self, cut: CutWhen) -> None:
        self.cut = cut
        self.last = -1
        self.limit = cut.fresh()

    def __call__(self, outcome: Any) -> bool:
        if outcome.index <= self.last:
            self.limit = self.cut.fresh()
        self.last = outcome.index
        return self.limit(outcome)  # type: ignore[no-any-return]  # made above


NATIVE_OPS = tuple(op for op in OPERATIONS if op != "raise")


@many
@hypothesis.given(
    blocks(max_transactions=12, keys=range(3), ops=NATIVE_OPS, values=st.integers(-3, 3)),
    states(range(3)),
    invalids,
    choices(max_length=100),
)
def test_a_native_vm(block: Any, state: Any, invalid: Any, schedule: Any) -> None:
    check(block, state, NativeScripts(), on_invalid=invalid)
    check_explored(block[:5], state, NativeScripts(), choices=schedule, on_invalid=invalid)


@some
@hypothesis.given(
    blocks(max_transactions=8, keys=range(3)), states(range(3)), choices(max_length=100)
)
def test_a_native_vm_that_fails_or_is_stubborn(block: Any, state: Any, schedule: Any) -> None:
    for vm in (NativeScripts(), NativeScripts(stubborn=True)):
        check(block, state, vm)
        check_explored(block[:5], state, vm, choices=schedule)


LONG = [b"", b"k", b"k" * 31, b"k" * 32, b"k" * 33, b"k" * 500, b"l" * 500]


@some
@hypothesis.given(
    blocks(
        max_transactions=10,
        keys=LONG,
        ops=("get", "put", "delete", "copy", "revert"),
        values=st.sampled_from([b"", b"v", b"v" * 32, b"v" * 33, b"v" * 4000, b"w" * 4000]),
    ),
    st.dictionaries(st.sampled_from(LONG), st.binary(max_size=40)),
    choices(max_length=100),
)
def test_native_keys_and_values_of_any_length(block: Any, state: Any, schedule: Any) -> None:
    check(block, state, NativeScripts("bytes", "bytes"))
    check_explored(block[:5], state, NativeScripts("bytes", "bytes"), choices=schedule)
