"""A child process: fails allocation after allocation of a path, and tells what became of it.

``python -m tests.memory.failing python|native PATH WORKERS SEED COUNT``; COUNT 0: all of them.
Prints one line of JSON. Whatever is not the right result or a typed error is a fault, as is a path
that does not give the right result afterwards. No test of its own.
"""

from __future__ import annotations

import collections
import ctypes
import faulthandler
import gc
import json
import random
import re
import sys
from collections.abc import Callable
from functools import partial

from tests.memory.paths import PATHS, Run, expected_result, prepare

from blockstm.errors import BlockError

STALLED_S = 60
PLACES_MAX = 1 << 20
# What Numba says where it has no memory for the arguments of an exception.
NUMBAS_WORDS = "runtime_build_excinfo_struct"
# A function in Python that ends with an exception: CPython (gh-131173) drops the exception where it
# has no memory for the frame of the caller. Native functions have no such excuse.
LOST_BY_CPYTHON = re.compile(r"<function .* returned NULL without setting an exception")


class Allocations:
    """Of C and C++, or of Python, by ``failing_allocator.c``, which is preloaded."""

    def __init__(self, kind: str) -> None:
        self._library = ctypes.PyDLL(None)
        self._library.stop_failing.restype = ctypes.c_long
        self._library.fail_at.argtypes = [ctypes.c_long]
        if kind == "python":
            self._library.hook_python()

    def count(self, run: Run) -> int:
        """Of one run."""
        prepare(run)
        self._library.fail_at(PLACES_MAX)
        try:
            run()
        finally:
            seen = int(self._library.stop_failing())
        return seen

    def attempt(self, run: Run, place: int) -> object:
        """A run in which one fails."""
        self._library.fail_at(place)
        try:
            return run()
        finally:
            self._library.stop_failing()


def is_without_memory(error: BaseException | None) -> bool:
    """Whether an error says that memory ran out, perhaps as the cause of another."""
    if isinstance(error, SystemError) and LOST_BY_CPYTHON.match(str(error)):
        return True
    while error is not None and not isinstance(error, MemoryError):
        if NUMBAS_WORDS in str(error) and isinstance(error, TypeError):
            return True
        error = error.__cause__
    return error is not None


def fault_of(attempt: Callable[[], object], wanted: object) -> str | None:
    """What is wrong with a run in which one allocation fails; None: nothing."""
    try:
        found = attempt()
    except BlockError as error:
        if not is_without_memory(error):
            return f"another error: {error!r}"
        return None if is_prefix(error, wanted) else f"no prefix behind {error!r}"
    except BaseException as error:
        if is_without_memory(error):
            return None
        return f"another error: {error!r} ({error.__cause__!r})"
    return None if found == wanted else f"a wrong result: {found!r}"[:300]


def is_prefix(error: BlockError, wanted: object) -> bool:
    """Whether the outcomes that an error came with are those of the transactions before it."""
    if error.prefix is None or not isinstance(wanted, tuple) or not isinstance(wanted[0], list):
        return True
    found = [(o.index, o.status, o.value, repr(o.error), o.gas_used) for o in error.prefix.outcomes]
    return found == wanted[0][: len(found)] and len(found) == error.index


def main(kind: str, path: str, workers: int, seed: int, count: int) -> None:
    faulthandler.enable()
    run = PATHS[path](workers)
    wanted = expected_result(run)
    allocations = Allocations(kind)
    gc.disable()
    total = allocations.count(run)
    places = list(range(1, total + 1))
    if count:
        places = sorted(random.Random(seed).sample(places, min(count, total)))
    faults: collections.Counter[str] = collections.Counter()
    first: dict[str, int] = {}
    for place in places:
        faulthandler.dump_traceback_later(STALLED_S, exit=True)
        print(place, end=" ", file=sys.stderr, flush=True)
        prepare(run)
        fault = fault_of(partial(allocations.attempt, run, place), wanted)
        if fault is None and run() != wanted:  # with the same executor
            fault = "a wrong result afterwards"
        if fault is not None:
            faults[fault] += 1
            first.setdefault(fault, place)
    faulthandler.cancel_dump_traceback_later()
    told = [
        f"allocation {place}: {fault} ({faults[fault]} times)" for fault, place in first.items()
    ]
    print(json.dumps({"allocations": total, "tried": len(places), "faults": told}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
