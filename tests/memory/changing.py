"""A child process: fails each allocation of reading and changing a state on disk.

``python -m tests.memory.changing FOLDER``, with ``failing_allocator.c`` preloaded. Prints how many
were failed. No test of its own.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.memory.collecting import FEW, LARGE, grown, shrunk

from blockstm.chain.disk_state import DiskState
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch
from blockstm.ethereum import AccountChange
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.types import Address

CODE = b"\x60\x01" * 40
HOLDER = Address(b"\2" * 20)
ASKED = [Address(number.to_bytes(20, "big")) for number in (0, FEW, FEW + 1)]


def what_there_is(state: DiskState) -> object:
    """Accounts, slots and codes, as they are read."""
    holder = state.account(HOLDER)
    code = b"" if holder is None else state.code(holder.code_hash)
    slots = [state.storage(LARGE, slot) for slot in (0, FEW, FEW + 1)]
    return state.root, [state.account(each) for each in (*ASKED, LARGE)], slots, holder, code


class Failing:
    """Calls with one allocation that fails, each time a later one, until none does."""

    def __init__(self) -> None:
        self._library = ctypes.PyDLL(None)
        self._library.fail_at.argtypes = [ctypes.c_long]
        self.failed = 0

    def until_done(self, call: Callable[[], Any], check: Callable[[], None]) -> Any:
        """What the call gives in the end; what it raises before that is `MemoryError` alone."""
        place = 0
        while True:
            place += 1
            self._library.fail_at(place)
            try:
                return call()
            except MemoryError:
                self._library.stop_failing()
                self.failed += 1
                check()
            finally:
                self._library.stop_failing()


def main(folder: Path) -> None:
    failing = Failing()
    with MdbxStore.open(folder / "failed") as failed, MdbxStore.open(folder / "well") as well:
        states = [DiskState(each, EMPTY_TRIE_ROOT, workers=1) for each in (failed, well)]
        with_code = {HOLDER: AccountChange(nonce=1, code=CODE)}
        for block in ({**grown(), **with_code}, shrunk(), {**grown(), HOLDER: with_code[HOLDER]}):
            before = what_there_is(states[0])

            def unchanged(before: object = before) -> None:
                assert what_there_is(states[0]) == before, "changed by half"

            undone = failing.until_done(lambda block=block: states[0].apply(block), unchanged)
            assert undone == states[1].apply(block)
            after = failing.until_done(lambda: what_there_is(states[0]), lambda: None)
            assert after == what_there_is(states[1])
            for state in states:
                state.commit(Batch())
        print(failing.failed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
