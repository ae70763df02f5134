"""A chain on disk: its folder begun, opened again, or opened only to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.disk_working import DiskWorking, trie_in
from blockstm.chain.importing import Head, head_of
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.opening import (
    SCHEMA_KEY,
    SPEC,
    check_folder,
    first_batch,
    spec_kept,
    spec_of,
)
from blockstm.chain.spec import encode_spec
from blockstm.chain.store import Batch, Table
from blockstm.errors import StoreMismatch
from blockstm.ethereum import AccountChange, StateTrie
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.genesis import Genesis
from blockstm.types import Hash32

__all__ = ["Folder", "StoredTries", "open_folder"]

_ACCOUNTS_AT_ONCE: Final = 50_000


@dataclass(frozen=True, slots=True)
class Folder:
    """A chain's folder, open.

    Attributes:
        store: its tables.
        spec: the rules of the chain.
        working: the state that blocks run on; None where the folder is only read.
    """

    store: MdbxStore
    spec: Spec
    working: DiskWorking | None


def open_folder(
    path: Path,
    genesis: Genesis | None,
    spec: Spec | None,
    *,
    read_only: bool,
    cache_bytes: int,
    workers: int | None,
) -> Folder:
    """Open a folder; begin the chain where it is empty.

    Raises:
        StoreMismatch: it is empty and there is no genesis, or it holds another chain.
        MissingExtra, StoreError, ConfigError: see `Chain.open`.
    """
    store = MdbxStore.open(path, read_only=read_only)
    try:
        blocks = Blocks(store.snapshot())
        if blocks.meta(SCHEMA_KEY) is None:
            if genesis is None or read_only:
                raise StoreMismatch(f"{path} holds no chain yet: open it with genesis=")
            rules = spec_of(genesis, spec)
            return Folder(store, rules, _begun(store, genesis, rules, cache_bytes, workers))
        genesis_hash = None if genesis is None else genesis.block.header.hash
        check_folder(blocks, genesis_hash, path)
        head = head_of(blocks)
        given = spec if spec is not None or genesis is None else genesis.chain
        rules, replaced = spec_kept(blocks, head, given, path)
        if replaced and not read_only:
            batch = Batch()
            batch.put(Table.META, SPEC, replaced)
            store.commit(batch)
        working = None if read_only else _working(store, head, cache_bytes, workers)
        return Folder(store, rules, working)
    except BaseException:
        store.close()
        raise


def _working(store: MdbxStore, head: Head, cache_bytes: int, workers: int | None) -> DiskWorking:
    root = head.header.state_root
    return DiskWorking(store, head.hash, root, cache_bytes=cache_bytes, workers=workers)


def _begun(
    store: MdbxStore, genesis: Genesis, spec: Spec, cache_bytes: int, workers: int | None
) -> DiskWorking:
    """Make the first block and its state durable."""
    block_hash = genesis.block.header.hash
    batch = first_batch(store, genesis, encode_spec(spec))
    working = DiskWorking(
        store, block_hash, EMPTY_TRIE_ROOT, cache_bytes=cache_bytes, workers=workers
    )
    accounts = list(genesis.accounts.items())
    for begin in range(0, len(accounts), _ACCOUNTS_AT_ONCE):
        working.state.apply(
            {
                address: AccountChange(
                    each.nonce,
                    each.balance,
                    each.code_hash,
                    each.storage,
                    exists=True,
                    code=each.code,
                )
                for address, each in accounts[begin : begin + _ACCOUNTS_AT_ONCE]
            }
        )
    working.commit(batch)
    return working


class StoredTries:
    """The tries of the head of a chain that another process may move on.

    Thread-safety: any thread.
    """

    def __init__(self, store: MdbxStore, workers: int | None) -> None:
        self._store = store
        self._workers = workers

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """The tries after a block; None where that is not the head, or not any more."""
        head = head_of(Blocks(self._store.snapshot()))
        if head.hash != block_hash:
            return None
        trie = trie_in(self._store, head.header.state_root, self._workers)
        is_still = head_of(Blocks(self._store.snapshot())).hash == block_hash
        return trie if is_still else None
