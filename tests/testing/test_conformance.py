"""The conformance checks pass what keeps its promises and name the promise that is broken."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import Any

import pytest
from tests.naming import steady

from blockstm.testing import NativeScripts, check_state, check_vm, scripted_vm

BLOCK = [[("bump", "a", 1), ("put", "b", 2)], [("get", "b"), ("add", "a", 1)], [("revert", "no")]]


def count(view: Any, key: Any) -> Any:
    view.put(key, view.get(key, 0) + 1)


def test_good_vms_pass() -> None:
    check_vm(scripted_vm, BLOCK, {"a": 1}, schedules=3)
    check_vm(count, ["a", "b", "a"], {}, schedules=3)


def test_a_good_native_vm_passes() -> None:
    block = [[("bump", 1, 1), ("put", 2, 2)], [("get", 2), ("add", 1, 1)], [("revert", "no")]]
    check_vm(NativeScripts(), block, {1: 1}, schedules=3)


def test_a_vm_that_depends_on_something_else_is_caught() -> None:
    ticks = itertools.count()

    def clock(view: Any, key: Any) -> None:
        view.put(key, next(ticks))

    with pytest.raises(AssertionError, match="not deterministic"):
        check_vm(clock, ["a"], {})


def test_a_vm_that_changes_its_transaction_is_caught() -> None:
    def consume(view: Any, transaction: list[Any]) -> None:
        view.put("a", transaction[0])
        transaction.append("seen")

    with pytest.raises(AssertionError, match="changed transaction 0"):
        check_vm(consume, [[1]], {})


def test_a_vm_that_changes_a_value_of_the_state_is_caught() -> None:
    def push(view: Any, item: Any) -> None:
        stack = view.get("stack")
        stack.append(item)
        del stack[0]

    with pytest.raises(AssertionError, match="in place"):
        check_vm(push, [1], {"stack": [0]})


def test_a_vm_that_swallows_the_signal_is_caught() -> None:
    def swallow(view: Any, key: Any) -> None:
        with contextlib.suppress(BaseException):
            view.get(key)

    with pytest.raises(AssertionError, match="swallowed"):
        check_vm(swallow, ["a"], {})


def test_a_vm_that_turns_the_signal_into_an_error_is_caught() -> None:
    def translate(view: Any, key: Any) -> None:
        try:
            view.get(key)
        except BaseException:
            raise RuntimeError("database gone") from None

    with pytest.raises(AssertionError, match="turned the signal"):
        check_vm(translate, ["a"], {})


def test_a_vm_that_retries_for_ever_is_caught() -> None:
    def retry(view: Any, key: Any) -> Any:
        while True:
            with contextlib.suppress(BaseException):
                return view.get(key)

    with pytest.raises(AssertionError, match="does not end"):
        check_vm(retry, ["a"], {})


class Binding:
    """A native VM with one thing wrong."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def python(self, view: Any, transaction: Any) -> None:
        pass

    def __blockstm_bind__(self, transactions: Any) -> Any:
        bound = NativeScripts().__blockstm_bind__(transactions)
        parts = {name: getattr(bound, name) for name in ("vm", "count", "keys", "values")}
        return type("Bound", (), parts | self.changes)


class Lax:
    name = "lax"

    def encode(self, value: Any) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 3}, "bound 3 transactions of 1"),
        ({"vm": 7}, "capsule"),
        ({"keys": Lax()}, "keys.encode"),
        ({"values": Lax()}, "values.encode"),
    ],
    ids=steady(),
)
def test_a_broken_binding_is_caught(changes: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_vm(Binding(**changes), [[]], {})


class Reader:
    """A good state reader, to be spoilt by subclasses."""

    def __init__(self) -> None:
        self.items = {"a": 1, "b": (2, "x")}

    def get(self, key: Any) -> Any:
        return self.items.get(key)

    def prefetch(self, keys: Any) -> None:
        list(keys)


def test_good_states_pass() -> None:
    check_state({"a": 1, "b": None}, {"a": 1, "b": None}, missing=["c"])
    check_state(Reader(), {"a": 1, "b": (2, "x")}, missing=["c", 7])


class Forgetful(Reader):
    def prefetch(self, keys: Any) -> None:
        self.items.clear()


class Filling(Reader):
    def get(self, key: Any) -> Any:
        return self.items.setdefault(key, 0)


class Once(Reader):
    def get(self, key: Any) -> Any:
        return self.items.pop(key, None)


class Loose(Reader):
    def get(self, key: Any) -> Any:
        return {"a": 1.0, "b": (2, "x")}.get(key)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (Forgetful(), "should be 1"),
        (Filling(), "should be absent"),
        (Once(), "should be"),
        (Loose(), r"reads as 1\.0, should be 1"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_a_broken_state_is_caught(state: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_state(state, {"a": 1, "b": (2, "x")}, missing=["c"])


def test_a_state_that_only_its_own_thread_may_read_is_caught() -> None:
    class Bound(Reader):
        def __init__(self) -> None:
            super().__init__()
            self.thread = threading.get_ident()

        def get(self, key: Any) -> Any:
            if threading.get_ident() != self.thread:
                raise RuntimeError("wrong thread")
            return super().get(key)

    with pytest.raises(AssertionError, match="from 4 threads"):
        check_state(Bound(), {"a": 1, "b": (2, "x")})
