"""Malformed input: each mistake is a typed error, before or at the transaction it belongs to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from engine_cases import check, executor
from tests.naming import steady

import blockstm
from blockstm import Config, Executor, reference
from blockstm.errors import (
    BlockstmError,
    ConfigError,
    InputError,
    LimitError,
    StateError,
    TransactionError,
    UsageError,
    ViewError,
)
from blockstm.testing import NativeScripts, assert_same_result, run, scripted_vm

workers = pytest.mark.parametrize("workers", [1, 2])


def nothing(view: Any, transaction: Any) -> None:
    pass


@pytest.mark.parametrize("vm", [None, 7, "vm", object(), [nothing]], ids=steady())
@workers
def test_a_vm_is_callable_or_native(vm: Any, workers: int) -> None:
    with pytest.raises(InputError, match="vm"):
        executor(workers).execute_block([1], {}, vm)


@pytest.mark.parametrize("transactions", [None, 7, object()], ids=steady())
@workers
def test_transactions_are_iterable(transactions: Any, workers: int) -> None:
    with pytest.raises(InputError, match="transactions"):
        executor(workers).execute_block(transactions, {}, nothing)


@workers
def test_transactions_may_come_from_a_generator(workers: int) -> None:
    def vm(view: Any, n: int) -> None:
        view.put("sum", view.get("sum", 0) + n)

    result = executor(workers).execute_block((n for n in range(10)), {}, vm)
    assert result.writes == {"sum": 45}


@workers
def test_a_generator_of_transactions_that_raises_passes_through(workers: int) -> None:
    def broken() -> Any:
        yield 1
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        executor(workers).execute_block(broken(), {}, nothing)


@pytest.mark.parametrize("state", [None, 7, "text", [1], {1, 2}, object()], ids=steady())
@workers
def test_a_state_is_a_mapping_or_a_reader(state: Any, workers: int) -> None:
    with pytest.raises(InputError, match="state"):
        executor(workers).execute_block([1], state, nothing)


@pytest.mark.parametrize("limit", ["7", 1.5, [1], Decimal(1)], ids=str)
@workers
def test_a_limit_is_an_int_or_callable(limit: Any, workers: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        executor(workers).execute_block([1], {}, nothing, limit=limit)


@workers
def test_a_gas_limit_is_not_negative(workers: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        executor(workers).execute_block([1], {}, nothing, limit=-1)


@pytest.mark.parametrize("mode", ["ignore", "", None, 1, b"skip"], ids=str)
@workers
def test_on_invalid_is_raise_or_skip(mode: Any, workers: int) -> None:
    with pytest.raises(ConfigError, match="on_invalid"):
        executor(workers).execute_block([1], {}, nothing, on_invalid=mode)


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": -1},
        {"workers": 257},
        {"workers": "all"},
        {"workers": 2.0},
        {"workers": True},
        {"window": 0},
        {"window": None},
        {"max_incarnations": 0},
        {"max_incarnations": 1.5},
        {"timeline": -1},
        {"timeline": True},
        {"estimates": 1},
        {"revalidation": None},
        {"throttle": "yes"},
        {"relay": 1},
    ],
    ids=str,
)
def test_an_option_has_a_value_it_can_have(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Config(**options)


@pytest.mark.parametrize("count", [0, -1, 1.5, "two", True, 1 << 40], ids=str)
def test_a_number_of_workers_is_checked_at_the_entry(count: Any) -> None:
    with pytest.raises(ConfigError, match="workers"):
        Executor(Config(gate=False), workers=count)
    with pytest.raises(ConfigError, match="workers"):
        blockstm.execute_block([1], {}, nothing, workers=count)


@pytest.mark.parametrize("config", [7, {"workers": 2}, "fast"], ids=str)
def test_a_config_is_a_config(config: Any) -> None:
    with pytest.raises(UsageError, match="config"):
        Executor(config)


def test_what_is_wrong_is_a_usage_error_and_a_built_in_one() -> None:
    assert issubclass(InputError, TypeError)
    assert issubclass(ConfigError, ValueError)
    assert issubclass(UsageError, BlockstmError)


VIEW_CALLS = {
    "get": lambda view, key: view.get(key),
    "put": lambda view, key: view.put(key, 1),
    "delete": lambda view, key: view.delete(key),
    "add": lambda view, key: view.add(key, 1),
    "at_least": lambda view, key: view.at_least(key, 1),
    "try_add": lambda view, key: view.try_add(key, 1),
}


@pytest.mark.parametrize("key", [[], {}, {1}, ([],), bytearray(b"a")], ids=str)
@pytest.mark.parametrize("call", VIEW_CALLS)
@workers
def test_an_unhashable_key_is_this_transaction_s_error(call: str, key: Any, workers: int) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put("a", transaction)
        if transaction == 1:
            VIEW_CALLS[call](view, key)

    with pytest.raises(TransactionError) as caught:
        executor(workers).execute_block([0, 1, 2], {}, vm)
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, TypeError)
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {"a": 0}


class Hostile:
    """A key whose hash or comparison raises."""

    def __init__(self, part: str) -> None:
        self.part = part

    def __hash__(self) -> int:
        if self.part == "hash":
            raise ArithmeticError("no hash")
        return 1

    def __eq__(self, other: object) -> bool:
        if self.part == "eq":
            raise ArithmeticError("no eq")
        return self is other


@pytest.mark.parametrize("part", ["hash", "eq"])
@workers
def test_a_key_that_raises_is_this_transaction_s_error(part: str, workers: int) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put(1, transaction)  # collides with the hash of Hostile
        if transaction == 1:
            view.put(Hostile(part), 1)

    with pytest.raises(TransactionError) as caught:
        executor(workers).execute_block([0, 1], {}, vm)
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, ArithmeticError)


class Untouchable:
    """A value that no one may compare, hash or show."""

    def _refuse(self, *args: object) -> Any:
        raise AssertionError("the engine looked into a value")

    __eq__ = __hash__ = __repr__ = __bool__ = __len__ = _refuse  # type: ignore[assignment]  # on purpose


@workers
def test_values_are_never_looked_into(workers: int) -> None:
    value = Untouchable()

    def vm(view: Any, n: int) -> bool:
        before = view.get("a")
        view.put("a", value)
        return before is value

    result = executor(workers).execute_block(range(20), {"a": value}, vm)
    assert [outcome.value for outcome in result.outcomes] == [True] * 20
    assert len(result.writes) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda view: view.add("n", "1"),
        lambda view: view.add("n", None),
        lambda view: view.add("text", 1),
        lambda view: view.at_least("n", "1"),
        lambda view: view.at_least("text", 1),
        lambda view: view.at_least("n", 1j),
        lambda view: view.try_add("n", "1"),
        lambda view: view.try_add("n", 1, "0"),
        lambda view: view.try_add("n", 1, None, "0"),
        lambda view: view.try_add("text", 1),
        lambda view: view.add("decimal", 0.5),
        lambda view: view.charge(-1),
        lambda view: view.charge("1"),
        lambda view: view.charge(1.0),
        lambda view: view.charge(True),
        lambda view: view.charge(1 << 63),
        lambda view: (view.charge((1 << 63) - 1), view.charge(1)),
        lambda view: view.charge(1 << 200),
        lambda view: view.get(),
        lambda view: view.put("n"),
        lambda view: view.nothing,
    ],
)
def test_a_wrong_argument_is_this_transaction_s_error(call: Any) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put("a", transaction)
        if transaction == 2:
            call(view)

    state = {"n": 1, "text": "x", "decimal": Decimal(1)}
    for count in (1, 2):
        actual = run(executor(count).execute_block, range(4), state, vm)
        error = actual.error
        assert isinstance(error, TransactionError)
        assert error.index == 2
        assert isinstance(error.__cause__, (TypeError, ValueError, AttributeError))
        assert error.prefix is not None
        assert error.prefix.writes == {"a": 1}


@workers
def test_a_wrong_argument_that_the_vm_handles_is_no_error(workers: int) -> None:
    def vm(view: Any, transaction: int) -> str:
        for call in (lambda: view.add("a", "x"), lambda: view.charge(-1), lambda: view.get([])):
            with pytest.raises((TypeError, ValueError)):
                call()
        view.put("a", transaction)
        return "handled"

    result = executor(workers).execute_block(range(8), {}, vm)
    assert {outcome.value for outcome in result.outcomes} == {"handled"}
    assert result.writes == {"a": 7}


@pytest.mark.parametrize(
    "error", [ValueError("x"), MemoryError(), StopIteration(1), OSError(5, "x")]
)
@pytest.mark.parametrize("at", [0, 3, 9])
def test_a_vm_that_raises_on_any_thread(error: Exception, at: int) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put(transaction, 1)
        if transaction >= at:
            raise error

    ran = check(range(10), {}, vm)
    assert isinstance(ran.error, TransactionError)
    assert ran.error.index == at


@pytest.mark.parametrize("leaves", [SystemExit, KeyboardInterrupt, GeneratorExit])
@workers
def test_what_is_no_exception_passes_through(leaves: type[BaseException], workers: int) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put("a", transaction)
        if transaction == 2:
            raise leaves

    with pytest.raises(leaves):
        executor(workers).execute_block(range(4), {}, vm)
    assert executor(workers).execute_block([1], {}, vm).writes == {"a": 1}


class Custom(Exception):
    """An exception with a signature of its own."""

    def __init__(self, code: int, *, place: str) -> None:
        super().__init__(code)
        self.place = place


class Raises(Mapping[Any, Any]):
    """A mapping that raises for one key."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __getitem__(self, key: Any) -> Any:
        if key == "bad":
            raise self.error
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        if key == "bad":
            raise self.error
        return default

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize(
    "error", [KeyError("bad"), Custom(7, place="disk"), TypeError("x"), TimeoutError()], ids=repr
)
@pytest.mark.parametrize("call", VIEW_CALLS)
def test_a_state_that_raises_is_never_read_as_absent(error: Exception, call: str) -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put("a", transaction)
        if transaction == 2:
            VIEW_CALLS[call](view, "bad")

    ran = check(range(5), Raises(error), vm)
    assert isinstance(ran.error, StateError)
    assert ran.error.index == 2
    assert ran.error.__cause__ is error


@workers
def test_a_state_error_of_a_transaction_that_never_becomes_final_is_none(workers: int) -> None:
    block = [[("charge", 5)], [("charge", 5)], [("charge", 1), ("get", "bad")]]
    state = Raises(KeyError("bad"))
    result = executor(workers).execute_block(block[:2], state, scripted_vm)
    assert result.gas_used == 10
    failing = [[("raise", "first")], [("get", "bad")]]
    with pytest.raises(TransactionError):
        executor(workers).execute_block(failing, state, scripted_vm)


@workers
def test_a_limit_that_raises_is_a_limit_error(workers: int) -> None:
    def limit(outcome: Any) -> bool:
        raise Custom(outcome.index, place="limit")

    with pytest.raises(LimitError) as caught:
        executor(workers).execute_block([[]], {}, scripted_vm, limit=limit)
    assert isinstance(caught.value.__cause__, Custom)


@workers
def test_a_view_is_closed_after_its_transaction(workers: int) -> None:
    views: list[Any] = []

    def keep(view: Any, transaction: int) -> None:
        views.append(view)
        view.put("a", transaction)

    result = executor(workers).execute_block(range(4), {}, keep)
    calls = [*VIEW_CALLS.values(), lambda view, key: view.charge(1), lambda view, key: view.index]
    for view in views:
        for call in calls:
            with pytest.raises(ViewError):
                call(view, "a")
    assert result.writes == {"a": 3}


@workers
def test_a_view_is_closed_to_later_transactions(workers: int) -> None:
    views: dict[int, Any] = {}

    def vm(view: Any, transaction: int) -> Any:
        if transaction in views:
            view = views[transaction]  # the one of an earlier incarnation
        views.setdefault(transaction, view)
        if transaction and 0 in views:
            with pytest.raises(ViewError):
                views[0].put("a", "smuggled")
        return None

    views[0] = _closed_view()
    result = executor(workers).execute_block([1, 2], {}, vm)
    assert result.writes == {}


def _closed_view() -> Any:
    kept: list[Any] = []
    executor(1).execute_block([0], {}, lambda view, transaction: kept.append(view))
    return kept[0]


@workers
def test_a_view_is_closed_to_other_threads(workers: int) -> None:
    def vm(view: Any, transaction: int) -> str:
        raised: list[BaseException] = []

        def elsewhere() -> None:
            for call in VIEW_CALLS.values():
                try:
                    call(view, "a")
                except BaseException as error:
                    raised.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        view.put("b", transaction)  # it is not spoilt by that
        return ",".join(sorted({type(error).__name__ for error in raised})) + str(len(raised))

    result = executor(workers).execute_block(range(3), {}, vm)
    assert {outcome.value for outcome in result.outcomes} == {f"ViewError{len(VIEW_CALLS)}"}
    assert result.writes == {"b": 2}


@pytest.mark.parametrize(
    ("block", "state"),
    [
        ([[("get", "text")]], {}),
        ([[("get", 1 << 63)]], {}),
        ([[("put", 1, 1.5)]], {}),
        ([[("get", 1)]], {1: "text"}),
        ([[("get", 1)]], {1: 1 << 63}),
    ],
    ids=str,
)
@workers
def test_native_keys_and_values_are_of_their_kind(block: Any, state: Any, workers: int) -> None:
    with pytest.raises((InputError, StateError, TransactionError)):
        executor(workers).execute_block(block, state, NativeScripts())


@workers
def test_a_native_sum_out_of_range_ends_the_block_at_its_transaction(workers: int) -> None:
    most = (1 << 63) - 1
    block = [[("put", 1, most)], [("put", 2, 1)], [("add", 1, 1)], [("put", 3, 1)]]
    with pytest.raises(TransactionError) as caught:
        executor(workers).execute_block(block, {}, NativeScripts())
    assert caught.value.index == 2
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {1: most, 2: 1}


class NotAVM:
    """What binds to something that is no native block."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def __blockstm_bind__(self, transactions: Any) -> Any:
        bound = NativeScripts().__blockstm_bind__(transactions)
        names = ("vm", "count", "keys", "values", "value", "error")
        parts = {name: getattr(bound, name) for name in names} | {"keep": bound} | self.changes
        return type("Bound", (), {k: v for k, v in parts.items() if v is not ...})()


@pytest.mark.parametrize(
    "changes",
    [
        {"vm": None},
        {"vm": 7},
        {"vm": ...},
        {"count": ...},
        {"count": -1},
        {"count": "1"},
        {"keys": ...},
        {"values": ...},
    ],
    ids=str,
)
@workers
def test_a_native_block_that_is_none_is_refused(changes: Any, workers: int) -> None:
    with pytest.raises(InputError):
        executor(workers).execute_block([[("get", 1)]], {}, NotAVM(**changes))


@workers
def test_after_any_error_the_executor_goes_on(workers: int) -> None:
    engine = executor(workers)
    good = [[("bump", "a", 1)]] * 20
    expected = reference.execute_block(good, {}, scripted_vm)
    for bad in (
        lambda: engine.execute_block([[("raise", "x")]] * 3, {}, scripted_vm),
        lambda: engine.execute_block([[("invalid", "x")]] * 3, {}, scripted_vm),
        lambda: engine.execute_block([[("get", "bad")]] * 3, Raises(KeyError(1)), scripted_vm),
        lambda: engine.execute_block(None, {}, scripted_vm),
        lambda: engine.execute_block([[("get", [])]], {}, scripted_vm),
    ):
        with pytest.raises(BlockstmError):
            bad()
        assert_same_result(engine.execute_block(good, {}, scripted_vm), expected)
