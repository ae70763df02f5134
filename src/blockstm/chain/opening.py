"""How a chain begins: from a genesis, or from the folder that it was left in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.encodings import encode_number
from blockstm.chain.spec import encode_spec
from blockstm.chain.staging import HEAD, OLDEST, Staging
from blockstm.chain.store import Store, Table
from blockstm.errors import ConfigError, InputError, StoreMismatch
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.genesis import Genesis, parse_genesis, read_genesis
from blockstm.messages import kind_of
from blockstm.state.changes import RecordedChanges
from blockstm.types import Hash32

__all__ = ["GENESIS", "SCHEMA", "SPEC", "begin", "check_folder", "genesis_of", "spec_of"]

SCHEMA: Final = 1
"""The version of the tables' contents; a folder of a later one is refused."""

GENESIS: Final = b"genesis"
"""Under `Table.META`: the hash of the first block."""
SPEC: Final = b"spec"
"""Under `Table.META`: the rules of the chain."""
_SCHEMA: Final = b"schema"


def genesis_of(given: Any) -> Genesis:
    """A genesis, a file of one, or the parsed JSON of one.

    Raises:
        InputError: it is something else.
        OSError, DecodeError, ConfigError: see `blockstm.ethereum.genesis.read_genesis`.
    """
    if isinstance(given, Genesis):
        return given
    if isinstance(given, str | Path):
        return read_genesis(given)
    if isinstance(given, Mapping):
        return parse_genesis(given)
    raise InputError(
        "a chain begins with a genesis file, its parsed JSON or a "
        f"blockstm.ethereum.genesis.Genesis, not with {kind_of(given)}"
    )


def spec_of(genesis: Genesis, given: Spec | None) -> Spec:
    """The rules of a chain: those that are given, or those of its genesis.

    Raises:
        ConfigError: there are neither, or they are something else.
    """
    spec = genesis.chain if given is None else given
    if not isinstance(spec, Spec):
        raise ConfigError(
            "the genesis has no config that tells the forks: pass spec=blockstm.ethereum.Chain(...)"
            if spec is None
            else f"spec is a blockstm.ethereum.Chain, not {kind_of(spec)}"
        )
    return spec


def begin(store: Store, genesis: Genesis, spec: Spec, *, is_kept: bool) -> None:
    """Put the first block into a store that is empty.

    Args:
        store: where to.
        genesis: the block, with its state.
        spec: the rules of the chain.
        is_kept: whether the store outlives this process, and so needs the rules.
    """
    block = genesis.block
    block_hash = block.header.hash
    staging = Staging(store.snapshot())
    staging.put(Table.META, _SCHEMA, encode_number(SCHEMA))
    staging.put(Table.META, GENESIS, block_hash)
    if is_kept:
        staging.put(Table.META, SPEC, encode_spec(spec))
    staging.put_block(block, block_hash, [], block.header.difficulty)
    staging.put_results(block_hash, None, RecordedChanges(b"", {}))
    for account in genesis.accounts.values():
        if account.code:
            staging.put(Table.CODES, keccak(account.code), account.code)
    staging.put_canonical(block, block_hash)
    staging.put(Table.META, HEAD, block_hash)
    staging.put(Table.META, OLDEST, encode_number(block.header.number))
    store.commit(staging.batch)


def check_folder(blocks: Blocks, genesis_hash: Hash32 | None, where: object) -> None:
    """Refuse what a newer blockstm wrote, and another chain.

    Raises:
        StoreMismatch: it is one of these.
    """
    schema = int.from_bytes(blocks.meta(_SCHEMA) or b"", "big")
    if schema != SCHEMA:
        raise StoreMismatch(
            f"{where} has schema {schema}, and this blockstm knows {SCHEMA}: use a newer one"
        )
    held = blocks.meta(GENESIS)
    if genesis_hash is not None and held != genesis_hash:
        raise StoreMismatch(
            f"{where} holds the chain of genesis 0x{(held or b'').hex()}, not of "
            f"0x{genesis_hash.hex()}: choose another folder, or leave out the genesis"
        )
