"""Numbers that a native VM asks for are those before its transaction, in any schedule."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from tests.memory.built import BuiltVm, built

from blockstm import Config, Executor, Revert
from blockstm.executor import explore
from blockstm.state.memory import MemoryState
from blockstm.testing import random_schedules

COUNT = 24
ASKS = 16  # BLOCKSTM_VM_ASKS


class _Asking(ctypes.Structure):
    _fields_ = (
        ("told", ctypes.POINTER(ctypes.c_int64)),
        ("refuses", ctypes.c_uint64),
        ("vm", ctypes.c_uint64 * 16),
    )


class Asking(BuiltVm):
    """Its transactions add to a number that they show; see ``asking.c``."""

    def __init__(self, refuses: int = 0, flags: int = ASKS) -> None:
        self.told = (ctypes.c_int64 * COUNT)()
        super().__init__(built("asking"), "asking", _Asking(self.told, refuses), flags)

    def error(self, index: int, status: int, output: bytes) -> BaseException:
        return Revert(f"{index}: {status}")


def expected(before: int, refuses: int) -> list[int]:
    numbers, number = [], before
    for index in range(COUNT):
        numbers.append(number)
        number += not (refuses and index % refuses == 0)
    return numbers


@pytest.mark.parametrize("flags", [ASKS, 0], ids=["answered", "not answered"])
@pytest.mark.parametrize("refuses", [0, 3])
@pytest.mark.parametrize("before", [None, 7])
def test_what_is_told_is_what_was_there_before(
    before: int | None, refuses: int, flags: int
) -> None:
    """A VM that takes no answers is told at once, on condition that it stays so."""
    wanted = expected(before or 0, refuses)
    numbers = {} if before is None else {0: before}
    states: list[Any] = [numbers, MemoryState(numbers, keys="int64", values="int64")]
    for state in states:
        for workers in (1, 2, 4):
            vm = Asking(refuses, flags)
            with Executor(Config(workers=workers, gate=False)) as executor:
                executor.execute_block(range(COUNT), state, vm)
            assert list(vm.told) == wanted
        for choices, _ in zip(random_schedules(3, workers=3), range(10), strict=False):
            vm = Asking(refuses, flags)
            ran = explore(range(COUNT), state, vm, choices=choices, workers=3)
            assert ran.result is not None, ran.error
            assert list(vm.told) == wanted


def test_a_number_that_is_asked_for_orders_nothing() -> None:
    for choices, _ in zip(random_schedules(4, workers=3), range(10), strict=False):
        ran = explore(range(COUNT), {0: 1}, Asking(), choices=choices, workers=3)
        assert ran.result is not None
        assert ran.result.stats.incarnations == COUNT
