"""Writes to and reads from a store in a process of its own, for what may end a process.

``python -m tests.chain.faulty_process write|read FOLDER [COUNT]`` prints what came of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import StoreError
from blockstm.ethereum.codecs.hashing import keccak

KEYS = 400
TABLES = (Table.ACCOUNTS, Table.SLOTS, Table.CODES)


def key(number: int) -> bytes:
    return keccak(number.to_bytes(4, "big"))[:20]


def value(number: int, commit: int) -> bytes | None:
    """What a key has after so many commits: it changes, goes, comes back, and may be long."""
    last = commit - (commit + number) % 5
    hashed = keccak(number.to_bytes(4, "big") + last.to_bytes(4, "big", signed=True))
    if hashed[0] < 40 or last < 0:
        return None
    return hashed * (1 + hashed[1] % 200 if number % 50 == 0 else 1)


def batch_of(commit: int) -> Batch:
    batch = Batch()
    batch.put(Table.META, b"commit", commit.to_bytes(4, "big"))
    for number in range(KEYS):
        held = value(number, commit)
        for table in TABLES:
            if held is None:
                batch.remove(table, key(number))
            else:
                batch.put(table, key(number), held)
    return batch


def commits_in(store: MdbxStore) -> int:
    found = store.snapshot().get(Table.META, b"commit")
    return 0 if found is None else int.from_bytes(found, "big")


def check(store: MdbxStore) -> int:
    """The number of commits in the store; AssertionError where it has not what they made."""
    snapshot = store.snapshot()
    commit = commits_in(store)
    for table in TABLES:
        expected = {
            key(number): value(number, commit) if commit else None for number in range(KEYS)
        }
        for each, held in expected.items():
            assert snapshot.get(table, each) == held, f"wrong at {table} {each.hex()}"
        held_all = {each: held for each, held in expected.items() if held is not None}
        assert dict(snapshot.items(table)) == held_all, f"wrong keys in {table}"
    return commit


def write(folder: Path, count: int) -> str:
    with MdbxStore.open(folder) as store:
        first = commits_in(store)
        for commit in range(first + 1, first + 1 + count):
            store.commit(batch_of(commit))
            print(commit, flush=True)
    return "written"


def read(folder: Path) -> str:
    with MdbxStore.open(folder) as store:
        return f"commit {check(store)}"


def main() -> None:
    action, folder, *count = sys.argv[1:]
    try:
        path = Path(folder)
        print(write(path, int(count[0])) if action == "write" else read(path), flush=True)
    except StoreError as error:
        print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
