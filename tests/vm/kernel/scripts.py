"""Kernels that do what their transaction says, for tests of all that kernels can do.

A transaction is a few steps; a step is a code of `STEPS` with a key and numbers. The same script
runs compiled (on the plain loop, on the engine) and in Python (on the reference).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from hypothesis import strategies as st

from blockstm._native.lab.plain_loop import PlainLoop
from blockstm.errors import Invalid, Revert
from blockstm.state.memory import MemoryState
from blockstm.types import Outcome
from blockstm.vm.kernel import Kernel, kernel, minus

STEPS = 3
FIELDS = ("code", "key", "number", "lower", "upper")
SCRIPT = numpy.dtype([(name, "i8", STEPS) for name in FIELDS])

CODES = {
    "get": 0,
    "put": 1,
    "delete": 2,
    "add": 3,
    "at_least": 4,
    "try_add": 5,
    "try_add from": 6,
    "try_add to": 7,
    "get or none": 8,
    "charge": 9,
    "index": 10,
    "nothing": 11,
    "expect": 12,
    "revert": 20,
    "revert with": 21,
    "invalid": 22,
    "divide": 23,
    "fail with": 24,
}


@kernel
def script(view: Any, tx: Any) -> int | None:
    """Runs the steps on int64 keys and values; returns what it saw, or None."""
    seen = 0
    for step in range(STEPS):
        code, key, number = int(tx.code[step]), int(tx.key[step]), int(tx.number[step])
        if code == 0:
            seen += 3 * view.get(key, number)
        elif code == 1:
            view.put(key, number + seen % 2)
        elif code == 2:
            view.delete(key)
        elif code == 3:
            view.add(key, number)
        elif code == 4:
            seen += view.at_least(key, number)
        elif code == 5:
            seen += view.try_add(key, number, tx.lower[step], tx.upper[step])
        elif code == 6:
            seen += view.try_add(key, number, lower=tx.lower[step])
        elif code == 7:
            bound = None
            if number % 2 == 0:
                bound = int(tx.upper[step])
            seen += view.try_add(key, number, None, bound)
        elif code == 8:
            value = view.get(key)
            seen += 1000 if value is None else value
        elif code == 9:
            view.charge(abs(number))
        elif code == 10:
            seen += view.index
        elif code == 12:
            seen += view.expect(key, number)
        elif code == 20:
            raise Revert("as scripted")
        elif code == 21:
            raise Revert("saw", seen)
        elif code == 22:
            raise Invalid("as scripted")
        elif code == 23:
            seen += 100 // number
        elif code == 24:
            raise ValueError("saw", seen)
    if seen % 5 == 4:
        return None
    return seen


@kernel(keys="bytes32", values="uint256")
def wide_script(view: Any, tx: Any) -> int:
    """Runs the steps on 32-byte keys and 256-bit values near 2**255."""
    high = 1 << 63
    seen = 0
    for step in range(STEPS):
        code, number = int(tx.code[step]), int(tx.number[step])
        key = (numpy.uint64(7), numpy.uint64(tx.key[step]), numpy.uint64(0), numpy.uint64(9))
        words = (numpy.uint64(abs(number)), numpy.uint64(0), numpy.uint64(1), numpy.uint64(high))
        if code == 0 or code == 8:
            value = view.get(key, words)
            seen += int(value[0] % numpy.uint64(1000)) + int(value[3] >> numpy.uint64(62))
        elif code == 1:
            view.put(key, words)
        elif code == 2:
            view.delete(key)
        elif code == 3:
            view.add(key, number)
        elif code == 4:
            seen += view.at_least(key, words)
        elif code == 5:
            seen += view.try_add(key, words, 0, minus(words))
        elif code == 6:
            seen += view.try_add(key, number, lower=words)
        elif code == 7:
            seen += view.try_add(key, minus(words), lower=0)
        elif code == 12:
            seen += view.expect(key, words)
        elif code == 20:
            raise Revert("as scripted")
        elif code == 22:
            raise Invalid("as scripted")
    return seen


def records(scripts: Sequence[Sequence[tuple[int, ...]]]) -> Any:
    """Transactions from lists of at most `STEPS` steps, each a tuple in the order of `FIELDS`."""
    made = numpy.zeros(len(scripts), SCRIPT)
    made["code"] = CODES["nothing"]
    for place, steps in enumerate(scripts):
        for number, step in enumerate(steps):
            for name, value in zip(FIELDS, step, strict=True):
                made[name][place, number] = value
    return made


def scripts(codes: Sequence[str], *, keys: int = 4) -> st.SearchStrategy[Any]:
    """Blocks of scripts with such steps; few keys, so that transactions meet."""
    numbers = st.integers(-9, 9)
    step = st.tuples(
        st.sampled_from([CODES[code] for code in codes]),
        st.integers(0, keys - 1),
        numbers,
        numbers,
        numbers,
    )
    return st.lists(st.lists(step, max_size=STEPS), max_size=8).map(records)


QUIET = [code for code in CODES if CODES[code] < 20]
REVERTING = [*QUIET, "revert", "revert with", "invalid"]


def plainly(outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    """Outcomes in a form that compares exceptions by type and arguments."""
    return [
        (each.index, each.status, each.value, type(each.value), error_of(each.error), each.gas_used)
        for each in outcomes
    ]


def error_of(error: BaseException | None) -> tuple[Any, ...] | None:
    return None if error is None else (type(error), error.args)


def run_plain(
    vm: Kernel, block: Any, state: Mapping[Any, Any]
) -> tuple[list[tuple[Any, ...]], dict[Any, Any]]:
    """Outcomes and state after a block on the plain loop."""
    loop = PlainLoop(MemoryState(state, keys=vm.keys, values=vm.values))  # type: ignore[arg-type]  # checked there
    outcomes = plainly(loop.outcomes(vm.__blockstm_bind__(block)))
    return outcomes, dict(loop.state())
