"""A child process: fails each allocation of collecting what a store lacks, and then does without.

``python -m tests.memory.collecting FOLDER``, with ``failing_allocator.c`` preloaded. Prints how
many were failed. No test of its own.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from blockstm.chain.disk_state import DiskState
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.ethereum import AccountChange
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.types import Address

TABLES = (Table.ACCOUNTS, Table.SLOTS, Table.ACCOUNT_NODES, Table.STORAGE_NODES)
FEW, MANY = 40, 400
LARGE = Address(b"\1" * 20)


def grown() -> dict[Address, AccountChange]:
    """Accounts above whom nodes are kept, one with such a storage."""
    slots = dict.fromkeys(range(MANY), 1)
    others = {Address(n.to_bytes(20, "big")): AccountChange(balance=1) for n in range(MANY)}
    return {**others, LARGE: AccountChange(nonce=1, storage=slots)}


def shrunk() -> dict[Address, AccountChange]:
    """What takes most of it away, so that nodes go, kept and merged ones."""
    slots = dict.fromkeys(range(FEW, MANY), 0)
    gone = {Address(n.to_bytes(20, "big")): AccountChange(exists=False) for n in range(FEW, MANY)}
    return {**gone, LARGE: AccountChange(storage=slots)}


def tables(store: MdbxStore) -> list[dict[bytes, bytes]]:
    return [dict(store.snapshot().items(table)) for table in TABLES]


def collected_in_the_end(state: DiskState) -> int:
    """Make it durable by whichever try succeeds, each with one allocation more than the last."""
    library, place = ctypes.PyDLL(None), 0
    library.fail_at.argtypes = [ctypes.c_long]
    while True:
        place += 1
        state.freeze()
        library.fail_at(place)
        try:
            found = state.collect()
        except MemoryError:
            library.stop_failing()
            state.thaw(None)
            continue
        library.stop_failing()
        state.write(found, Batch())
        state.adopt()
        return place


def main(folder: Path) -> None:
    with MdbxStore.open(folder / "failed") as failed, MdbxStore.open(folder / "well") as well:
        tried = 0
        states = [DiskState(each, EMPTY_TRIE_ROOT, workers=1) for each in (failed, well)]
        for block in (grown(), shrunk(), grown()):
            for state in states:
                state.apply(block)
            tried += collected_in_the_end(states[0])
            states[1].commit(Batch())
            assert tables(failed) == tables(well)
        print(tried)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
