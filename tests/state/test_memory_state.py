"""The state in native memory: a dict to its users, a table to the workers."""

from __future__ import annotations

import copy
import ctypes
import pickle
import sys
import threading
from collections.abc import Mapping
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blockstm
from blockstm.errors import InputError, UsageError
from blockstm.state.memory import MemoryState
from blockstm.types import DELETED

KEYS = {
    "int64": st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    "uint256": st.integers(0, 3) | st.integers(0, 2**256 - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=3) | st.binary(max_size=70),
}
KINDS = [("int64", "int64"), ("bytes", "bytes"), ("bytes32", "uint256"), ("int64", "bytes")]


def plain_apply(model: dict[Any, Any], writes: dict[Any, Any]) -> None:
    for key, value in writes.items():
        if value is DELETED:
            model.pop(key, None)
        else:
            model[key] = value


# ---- equal to a dict


@pytest.mark.parametrize(("keys", "values"), KINDS)
def test_it_is_the_dict_of_what_was_applied(keys: str, values: str) -> None:
    writes = st.dictionaries(KEYS[keys], KEYS[values] | st.just(DELETED), max_size=20)

    @given(st.lists(writes, max_size=8))
    def check(batches: list[dict[Any, Any]]) -> None:
        state: Any = MemoryState(keys=keys, values=values)
        model: dict[Any, Any] = {}
        for batch in batches:
            state.apply(batch)
            plain_apply(model, batch)
            assert dict(state) == model
            assert len(state) == len(model)
            assert all(state[key] == model[key] and key in state for key in model)
            assert all(state.get(key, 7) == model.get(key, 7) for key in batch)
        assert state == model
        assert set(state.items()) == set(model.items())
        assert sorted(state.values()) == sorted(model.values())
        assert state.copy() == state == pickle.loads(pickle.dumps(state))

    check()


def test_it_is_a_mapping_that_cannot_be_hashed() -> None:
    state = MemoryState({1: 2})
    assert isinstance(state, Mapping)
    with pytest.raises(TypeError):
        hash(state)
    assert state != [(1, 2)]
    assert repr(state) == "<MemoryState of 1 items, keys='int64', values='int64'>"


def test_keys_come_in_the_order_of_their_first_sight() -> None:
    state = MemoryState([(5, 0), (-1, 0), (3, 0)])
    state.apply({3: 1, 9: 1})
    assert list(state) == [5, -1, 3, 9]


def test_a_missing_key_is_a_key_error_or_the_default() -> None:
    state = MemoryState({1: 2})
    with pytest.raises(KeyError, match="7"):
        state[7]
    assert state.get(7) is None
    assert state.get(7, "x") == "x"
    assert 7 not in state


def test_deleting_what_is_not_there_changes_nothing() -> None:
    state = MemoryState({1: 2})
    state.apply({7: DELETED})
    assert state == {1: 2}


def test_copies_share_nothing() -> None:
    state = MemoryState({b"k": b"v" * 50}, keys="bytes", values="bytes")
    for made in (state.copy(), copy.copy(state), copy.deepcopy(state)):
        made.apply({b"k": b"w" * 50, b"l": b""})
        assert state == {b"k": b"v" * 50}
        assert made == {b"k": b"w" * 50, b"l": b""}


def test_changing_it_ends_an_iteration() -> None:
    state = MemoryState({1: 1, 2: 2})
    keys = iter(state)
    next(keys)
    state.apply({3: 3})
    with pytest.raises(RuntimeError, match="changed during iteration"):
        next(keys)


# ---- bad input


@pytest.mark.parametrize("key", ["1", 1.0, None, 2**63, (1,)])
def test_a_key_of_the_wrong_kind_is_an_error_and_not_absent(key: Any) -> None:
    state = MemoryState({1: 2})
    for look_up in (state.get, state.__getitem__, state.__contains__):
        with pytest.raises(InputError):
            look_up(key)


@pytest.mark.parametrize(
    "writes", [{1: 9, 2: "x"}, {1: 9, "x": 2}, [(1, 9), (2,)], [(1, 9), 5], {1: 9, 2: None}]
)
def test_a_bad_write_changes_nothing(writes: Any) -> None:
    state = MemoryState({1: 2})
    with pytest.raises(InputError):
        state.apply(writes)
    assert state == {1: 2}


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="a codec is one of"):
        MemoryState(keys="float")  # type: ignore[arg-type]  # what is tested


# ---- arrays


def test_it_loads_from_arrays() -> None:
    keys = numpy.arange(-500, 500)
    state = MemoryState.from_arrays(keys, keys * 3)
    assert state == {key: 3 * key for key in range(-500, 500)}


def test_of_equal_keys_the_last_one_counts() -> None:
    state = MemoryState.from_arrays(numpy.array([1, 2, 1]), numpy.array([10, 20, 30]))
    assert state == {1: 30, 2: 20}


def test_arrays_may_have_strides() -> None:
    numbers = numpy.arange(10)
    state = MemoryState.from_arrays(numbers[::-2], numbers[1::2])
    assert state == {9: 1, 7: 3, 5: 5, 3: 7, 1: 9}


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ([1, 2], [1, 2]),
        (numpy.zeros(2, "i4"), numpy.zeros(2, "i8")),
        (numpy.zeros(2, "i8"), numpy.zeros(2, "f8")),
        (numpy.zeros(2, "i8"), numpy.zeros(2, ">i8")),
        (numpy.zeros((2, 2), "i8"), numpy.zeros(4, "i8")),
        (numpy.zeros(2, "u8"), numpy.zeros(2, "i8")),
        (numpy.zeros(2, "i8"), numpy.zeros(3, "i8")),
    ],
)
def test_other_arrays_are_refused(keys: Any, values: Any) -> None:
    with pytest.raises(InputError):
        MemoryState.from_arrays(keys, values)


# ---- memory


def test_keys_that_come_and_go_leave_no_memory_behind() -> None:
    state = MemoryState(keys="bytes", values="bytes")
    for block in range(40):
        keys = [f"a key of some length {block} {number}".encode() for number in range(1000)]
        state.apply(dict.fromkeys(keys, bytes(100)))
        state.apply(dict.fromkeys(keys, DELETED))
    assert len(state) == 0
    assert sys.getsizeof(state) < 2_000_000


def test_values_that_grow_and_shrink_leave_no_memory_behind() -> None:
    state = MemoryState(values="bytes")
    for size in list(range(9, 300)) * 3:
        state.apply(dict.fromkeys(range(100), bytes(size)))
    assert state == dict.fromkeys(range(100), bytes(299))
    assert sys.getsizeof(state) < 1_000_000


# ---- while a block runs


def test_a_pinned_state_refuses_to_change() -> None:
    state = MemoryState({1: 2})
    pins = [state._pin(), state._pin()]
    pins.pop()
    with pytest.raises(UsageError, match="while a block is running"):
        state.apply({1: 3})
    assert state.get(1) == 2
    pins.pop()
    state.apply({1: 3})
    assert state == {1: 3}


def test_a_transaction_in_python_cannot_change_the_state_it_starts_from() -> None:
    state = MemoryState({1: 2})

    def meddle(view: Any, index: int) -> Any:
        with pytest.raises(UsageError, match="while a block is running"):
            state.apply({1: 3})
        return view.get(1)

    result = blockstm.execute_block(range(4), state, meddle)
    assert [outcome.value for outcome in result.outcomes] == [2] * 4
    with blockstm.Executor() as engine, engine.stream(range(2), state, meddle) as stream:
        assert [outcome.value for outcome in stream] == [2] * 2
    state.apply({1: 3})
    assert state == {1: 3}


class NativeBytes(ctypes.Structure):
    _fields_ = (("data", ctypes.POINTER(ctypes.c_uint8)), ("size", ctypes.c_uint64))


READ = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_uint64,
    ctypes.POINTER(NativeBytes),
)


class NativeState(ctypes.Structure):
    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("read", READ),
        ("flags", ctypes.c_uint32),
    )


def native_read(capsule: object, key: bytes) -> tuple[int, bytes]:
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = NativeState.from_address(get_pointer(capsule, b"blockstm.state"))
    assert (table.abi_version, table.struct_size) == (1, ctypes.sizeof(NativeState))
    value = NativeBytes()
    status = table.read(table.context, key, len(key), ctypes.byref(value))
    return status, ctypes.string_at(value.data, value.size) if status == 0 else b""


def test_workers_read_bytes_through_the_table() -> None:
    state = MemoryState({1: 2, 3: 4})
    state.apply({3: DELETED})
    capsule = state.__blockstm_state__()
    assert native_read(capsule, (1).to_bytes(8, "little")) == (0, (2).to_bytes(8, "little"))
    assert native_read(capsule, (3).to_bytes(8, "little")) == (1, b"")
    assert native_read(capsule, b"x") == (1, b"")
    assert native_read(MemoryState().__blockstm_state__(), b"") == (1, b"")


def test_the_table_keeps_the_state_alive() -> None:
    state = MemoryState({1: 2})
    before = sys.getrefcount(state)
    capsule = state.__blockstm_state__()
    assert sys.getrefcount(state) == before + 1
    del capsule
    assert sys.getrefcount(state) == before
    capsule = MemoryState({1: 2}).__blockstm_state__()
    assert native_read(capsule, (1).to_bytes(8, "little")) == (0, (2).to_bytes(8, "little"))


@pytest.mark.stress
def test_readers_and_writers_in_many_threads_see_whole_batches_of_values() -> None:
    state = MemoryState(dict.fromkeys(range(100), 0))
    wrong: list[Any] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            values = [state.get(key) for key in (0, 99)]
            if None in values or len(state) != 100:
                wrong.append(values)

    def write() -> None:
        for number in range(300):
            state.apply(dict.fromkeys(range(100), number))

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write) for _ in range(2)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert state == dict.fromkeys(range(100), 299)
