"""The folder that a generated chain starts from, written in the order of its tries; its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from blockstm.bench.bare_blocks import RULES
from blockstm.bench.chains.generated import Population, first_block
from blockstm.chain.disk_state import DiskState
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.opening import first_batch
from blockstm.chain.spec import encode_spec
from blockstm.chain.store import Batch
from blockstm.ethereum import Block
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.genesis import Genesis

__all__ = ["chunks_of", "drop_pages", "write_start"]

_CHUNK: int = 32 << 20
_LOADING_BYTES: int = 64 << 20


def chunks_of(population: Population, size: int = _CHUNK) -> Iterator[bytes]:
    """The records of a population, in pieces of about so many bytes."""
    chunk: list[bytes] = []
    held = 0
    for record in population.records():
        chunk.append(record)
        held += len(record)
        if held >= size:
            yield b"".join(chunk)
            chunk, held = [], 0
    if chunk:
        yield b"".join(chunk)


def write_start(folder: Path, population: Population) -> Block:
    """Make a chain's folder with the population in the state of its first block."""
    store = MdbxStore.open(folder)
    try:
        state = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=_LOADING_BYTES)
        codes = population.codes()
        for chunk in chunks_of(population):
            state.apply_records(chunk, codes)
            state.commit(Batch())
            codes = {}
        block = first_block(state.root)
        state.commit(first_batch(store, Genesis(RULES, block, {}), encode_spec(RULES)))
        return block
    finally:
        store.close()


def drop_pages(folder: Path) -> None:
    """Have the system keep nothing of a folder's files in memory; no process has them open."""
    for path in folder.iterdir():
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)  # what is not written yet stays
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)
