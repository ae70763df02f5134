"""A chain on disk: its folder begun, opened again, or opened only to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.disk_working import DiskWorking, trie_in
from blockstm.chain.heads import head_of
from blockstm.chain.mdbx_store import MdbxStore, has_data
from blockstm.chain.opening import (
    SCHEMA_KEY,
    SPEC,
    check_folder,
    first_batch,
    spec_kept,
    spec_of,
    stored_state,
)
from blockstm.chain.spec import encode_spec
from blockstm.chain.store import Batch, Table
from blockstm.errors import StoreMismatch
from blockstm.ethereum import AccountChange, Header, StateTrie
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
    warm_up: bool,
) -> Folder:
    """Open a folder; begin the chain where it is empty.

    Raises:
        StoreMismatch: it is empty and there is no genesis, or it holds another chain.
        MissingExtra, StoreError, ConfigError: see `Chain.open`.
    """
    if genesis is None and not read_only and not has_data(path):  # one would be made
        raise StoreMismatch(f"{path} holds no chain yet: open it with genesis=")
    store = MdbxStore.open(path, read_only=read_only, warm_up=warm_up)
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
        if read_only:
            return Folder(store, rules, None)
        stored_hash, stored = stored_state(blocks, head)
        return Folder(store, rules, _working(store, stored_hash, stored, cache_bytes, workers))
    except BaseException:
        store.close()
        raise


def _working(
    store: MdbxStore, at: Hash32, header: Header, cache_bytes: int, workers: int | None
) -> DiskWorking:
    return DiskWorking(store, at, header.state_root, cache_bytes=cache_bytes, workers=workers)


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
    working.commit(batch, with_state=True)
    working.follow()
    return working


class StoredTries:
    """The tries that a folder has, which another process may move on.

    Thread-safety: any thread.
    """

    def __init__(self, store: MdbxStore, workers: int | None) -> None:
        self._store = store
        self._workers = workers
        self._known: tuple[Hash32, StateTrie] | None = None

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """None: `start` has those that there are."""
        return None

    def start(self, blocks: Blocks, head: Hash32) -> tuple[Hash32, StateTrie] | None:
        """The block whose state the folder has, and its tries; None where that moves meanwhile."""
        stored_hash, stored = self._stored()
        known = self._known
        if known is None or known[0] != stored_hash:
            known = stored_hash, trie_in(self._store, stored.state_root, self._workers)
            if self._stored()[0] != stored_hash:
                return None
            self._known = known
        return known

    def _stored(self) -> tuple[Hash32, Header]:
        blocks = Blocks(self._store.snapshot())
        return stored_state(blocks, head_of(blocks))
