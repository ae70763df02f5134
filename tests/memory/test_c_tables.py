"""Tables and arrays that come from outside are refused, or are right, before anything runs."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy
import pytest
from tests.memory.built import VM_NAME, LongValues, built, capsule

import blockstm
from blockstm.errors import InputError
from blockstm.state.memory import MemoryState

ABI, SIZE, NUMBERS, FLAGS, CONTEXT, EXECUTE = range(6)
EXECUTE_PLACE = 3  # of 64-bit words, behind four of 32 bits and the context


class Table(ctypes.Structure):
    """A ``blockstm_vm`` with room for what came later."""

    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("numbers", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("execute", ctypes.c_void_p),
        ("later", ctypes.c_uint64 * 16),
    )


class Forged(LongValues):
    """A block whose table was tampered with."""

    def __init__(self, library: Path, **members: int) -> None:
        super().__init__(library, keys=1, size=8)
        table = Table.from_address(self._table(ctypes.byref(self._block)))
        for name, value in members.items():
            setattr(table, name, value)
        self.table = table


def run(vm: Any, state: Any = None) -> Any:
    return blockstm.execute_block([0, 1], {} if state is None else state, vm)


def test_an_untouched_table_runs() -> None:
    assert list(run(Forged(built("long_values"))).writes) == [0]


@pytest.mark.parametrize(
    "members",
    [
        {"execute": 0},
        {"abi_version": 99},
        {"struct_size": 0},
        {"struct_size": 24},
        {"numbers": 0},
        {"numbers": 3},
        {"numbers": 77},
        {"flags": 16},
        {"flags": 16, "struct_size": 64},
    ],
)
def test_a_table_of_a_vm_that_cannot_be_called_is_refused(members: dict[str, int]) -> None:
    with pytest.raises(InputError):
        run(Forged(built("long_values"), **members))


@pytest.mark.parametrize("name", [b"blockstm.state", b"another", None])
def test_a_capsule_of_another_kind_is_refused(name: bytes | None) -> None:
    vm = LongValues(built("long_values"), keys=1, size=8)
    vm.vm = capsule(ctypes.addressof(vm._block), name)  # type: ignore[arg-type]  # no name either
    with pytest.raises(InputError, match=r"blockstm\.vm"):
        run(vm)


class ForgedState:
    """A native state that is none."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def get(self, key: object) -> None:
        return None

    def __blockstm_state__(self) -> object:
        return self._made


class StateTable(ctypes.Structure):
    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
    )


STATE_NAME = b"blockstm.state"


@pytest.mark.parametrize("made", [StateTable(1, 24, None, None), StateTable(1, 8), StateTable(9)])
def test_a_table_of_a_state_that_cannot_be_read_is_refused(made: StateTable) -> None:
    vm = LongValues(built("long_values"), keys=1, size=8)
    with pytest.raises(InputError, match="state"):
        run(vm, ForgedState(capsule(ctypes.addressof(made), STATE_NAME)))


@pytest.mark.parametrize("made", [None, 5, "capsule"])
def test_a_state_without_a_capsule_is_refused(made: object) -> None:
    vm = LongValues(built("long_values"), keys=1, size=8)
    with pytest.raises(InputError, match="PyCapsule"):
        run(vm, ForgedState(made))
    with pytest.raises(InputError, match="PyCapsule"):
        run(vm, ForgedState(capsule(ctypes.addressof(vm._block), VM_NAME)))


class ForgedPrefetch(MemoryState):
    """A native state whose table to prefetch with is none."""

    made: StateTable

    def __blockstm_prefetch__(self) -> object:
        return capsule(ctypes.addressof(self.made), b"blockstm.prefetch")


@pytest.mark.parametrize("made", [StateTable(1, 24, None, None), StateTable(1, 8), StateTable(9)])
def test_a_table_that_cannot_be_prefetched_with_is_refused(made: StateTable) -> None:
    state = ForgedPrefetch(values="bytes")
    state.made = made
    vm = LongValues(built("long_values"), keys=1, size=8)
    with pytest.raises(InputError, match="prefetch"):
        run(vm, state)


# ---- arrays

INT64S = numpy.arange(6)


def packed_column() -> Any:
    """A column of int64 that is not aligned."""
    rows = numpy.zeros(6, dtype=numpy.dtype([("x", "i1"), ("n", "i8")]))
    rows["n"] = INT64S
    return rows["n"]


@pytest.mark.parametrize(
    "array",
    [
        (ctypes.c_int64 * 6)(*range(6)),
        INT64S[::-1][::-1],
        numpy.arange(12)[::2] // 2,
        numpy.arange(12).reshape(6, 2)[:, 0] // 2,
        packed_column(),
        memoryview(INT64S),
        INT64S.astype("<i8"),
    ],
)
def test_arrays_of_int64_are_read_as_they_lie(array: Any) -> None:
    assert dict(MemoryState.from_arrays(array, array)) == {n: n for n in range(6)}


def test_arrays_may_be_read_only_backwards_and_empty() -> None:
    fixed = numpy.arange(4)
    fixed.flags.writeable = False
    assert dict(MemoryState.from_arrays(fixed, fixed[::-1])) == {0: 3, 1: 2, 2: 1, 3: 0}
    assert dict(MemoryState.from_arrays(fixed[:0], (ctypes.c_int64 * 0)())) == {}


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(6).astype(">i8"),
        numpy.arange(6).astype("u8"),
        numpy.arange(6).astype("f8"),
        numpy.arange(6).astype("i4"),
        numpy.arange(6).astype("M8[s]"),
        numpy.arange(6).astype("m8[s]"),
        numpy.arange(6).astype(object),
        numpy.arange(6).astype("c16"),
        numpy.arange(6).reshape(2, 3),
        numpy.array(5),
        numpy.zeros(6, dtype=[("n", "i8")]),
        (ctypes.c_uint64 * 6)(),
        (ctypes.c_int64 * 6 * 2)(),
        (ctypes.c_double * 6)(),
        ctypes.c_int64(3),
        b"01234567",
        bytearray(48),
        [1, 2, 3],
        None,
    ],
)
def test_other_arrays_are_refused(array: Any) -> None:
    good = numpy.arange(6)
    for keys, values in ((array, good), (good, array)):
        with pytest.raises(InputError):
            MemoryState.from_arrays(keys, values)


def kernel_of_fields(view: Any, tx: Any) -> None:
    view.put(tx.key, tx.value)


def kernel_of_deltas(view: Any, tx: Any) -> bool:
    view.add(1, tx.key)
    return bool(view.at_least(1, tx.value))


@pytest.mark.parametrize("function", [kernel_of_fields, kernel_of_deltas])
@pytest.mark.parametrize("low", [3, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("high", [4, 2**63, 2**64 - 1])
def test_what_is_no_int64_in_a_kernel_is_an_error_as_in_python(
    function: Any, low: int, high: int
) -> None:
    vm = blockstm.kernel(function)
    block = numpy.array([(low, high)], dtype=[("key", "u8"), ("value", "u8")])
    ended = []
    for each in (vm, vm.python):
        try:
            ended.append(dict(blockstm.execute_block(block, {}, each).writes))
        except blockstm.TransactionError as error:
            ended.append({"overflow": isinstance(error.__cause__, OverflowError)})
    if function is kernel_of_fields:
        assert ended[0] == ended[1]
    else:  # Python's numbers have no range: there only what is no int64 itself is refused
        assert (ended[0] == {"overflow": True}) == (max(low, high) >= 2**63)


@pytest.mark.parametrize("kind", ["M8[s]", "m8[ms]", ">i8", "O", "c16", "U4"])
def test_records_of_other_kinds_are_refused_or_right(kind: str) -> None:
    vm = blockstm.kernel(kernel_of_fields)
    block = numpy.zeros(2, dtype=[("key", "i8"), ("value", kind)])
    with pytest.raises(InputError):
        blockstm.execute_block(block, {}, vm)
