"""How a chain begins: from a genesis, or from the folder that it was left in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.encodings import encode_number
from blockstm.chain.heads import Head
from blockstm.chain.spec import decode_spec, encode_spec, own_differences, own_rules
from blockstm.chain.staging import HEAD, OLDEST, STATE, Staging
from blockstm.chain.store import Batch, Store, Table
from blockstm.errors import ConfigError, InputError, StoreMismatch
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum import Header
from blockstm.ethereum.chains.rules import NO_RULES
from blockstm.ethereum.genesis import Genesis, parse_genesis, read_genesis
from blockstm.messages import brief, kind_of
from blockstm.state.changes import RecordedChanges
from blockstm.types import Hash32
from blockstm.values import is_int

__all__ = [
    "GENESIS",
    "SCHEMA",
    "SCHEMA_KEY",
    "SPEC",
    "check_cache",
    "check_flags",
    "check_folder",
    "check_window",
    "first_batch",
    "genesis_of",
    "spec_kept",
    "spec_of",
    "stored_state",
]

SCHEMA: Final = 3
"""The version of the tables' contents; a folder of another one is refused.

Up to version 2 accounts and slots stood under plain addresses, and all nodes were kept.
"""

GENESIS: Final = b"genesis"
"""Under `Table.META`: the hash of the first block."""
SPEC: Final = b"spec"
"""Under `Table.META`: the rules of the chain."""
SCHEMA_KEY: Final = b"schema"
"""Under `Table.META`: the version of what the tables hold."""


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


def check_window(window: Any) -> None:
    """Check how many blocks are kept.

    Raises:
        ConfigError: so many cannot be.
    """
    if window is not None and (not is_int(window) or window < 1):
        raise ConfigError(f"a window is 1 block or more, or None for all, not {brief(window)}")


def check_cache(cache_bytes: Any) -> None:
    """Check the size of a cache.

    Raises:
        ConfigError: it cannot have that.
    """
    if not is_int(cache_bytes) or not 0 <= cache_bytes < 1 << 63:
        raise ConfigError(f"cache_bytes is 0 to 2**63 - 1 bytes, not {brief(cache_bytes)}")


def check_flags(**flags: Any) -> None:
    """Check that each is True or False.

    Raises:
        ConfigError: one is neither.
    """
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigError(f"{name} is True or False, not {brief(value)}")


def first_batch(store: Store, genesis: Genesis, spec: bytes) -> Batch:
    """What puts the first block into a store that is empty, without the accounts of its state.

    Args:
        store: where to.
        genesis: the block, with its state.
        spec: the rules of the chain, encoded; no bytes: they need not be kept.
    """
    block = genesis.block
    block_hash = block.header.hash
    staging = Staging(store.snapshot())
    staging.put(Table.META, SCHEMA_KEY, encode_number(SCHEMA))
    staging.put(Table.META, GENESIS, block_hash)
    staging.put(Table.META, SPEC, spec)
    staging.put_block(block, block_hash, [], block.header.difficulty)
    staging.put_results(block_hash, None, RecordedChanges(b"", {}))
    for account in genesis.accounts.values():
        if account.code:
            staging.put(Table.CODES, account.code_hash, account.code)
    staging.put_canonical(block, block_hash)
    staging.put(Table.META, HEAD, block_hash)
    staging.put(Table.META, STATE, block_hash)
    staging.put(Table.META, OLDEST, encode_number(block.header.number))
    return staging.batch


def check_folder(blocks: Blocks, genesis_hash: Hash32 | None, where: object) -> None:
    """Refuse what another version of blockstm wrote, and another chain.

    Raises:
        StoreMismatch: it is one of these.
    """
    schema = int.from_bytes(blocks.meta(SCHEMA_KEY) or b"", "big")
    if schema != SCHEMA:
        what = (
            "import its blocks into another folder; the blockstm that wrote it exports them"
            if 1 <= schema < SCHEMA
            else "use a newer one"
        )
        raise StoreMismatch(
            f"{where} has schema {schema}, and this blockstm knows {SCHEMA}: {what}"
        )
    held = blocks.meta(GENESIS)
    if genesis_hash is not None and held != genesis_hash:
        raise StoreMismatch(
            f"{where} holds the chain of genesis 0x{(held or b'').hex()}, not of "
            f"0x{genesis_hash.hex()}: choose another folder, or leave out the genesis"
        )


def stored_state(blocks: Blocks, head: Head) -> tuple[Hash32, Header]:
    """The block whose state the tables hold, and its header."""
    stored = Hash32(blocks.meta(STATE) or head.hash)
    return stored, blocks.header(stored)


def spec_kept(blocks: Blocks, head: Head, given: Spec | None, where: object) -> tuple[Spec, bytes]:
    """The rules of the chain in a folder, and, where they are to be replaced there, their encoding.

    Other rules than those of the folder are taken where they differ in forks alone that have not
    begun: so a chain learns of a coming fork. Rules of its own are to be given again.

    Raises:
        StoreMismatch: they differ in what has been, or in rules of the chain's own.
        StoreDamaged: those of the folder cannot be read.
    """
    encoded = blocks.meta(SPEC) or b""
    kept = decode_spec(encoded)
    others = own_differences(encoded, given)
    if others:
        has = "rules" if own_rules(encoded) else "no rules"
        raise StoreMismatch(
            f"the chain in {where} has {has} of its own, and other ones are given or none: "
            f"{', '.join(others)} differ; open it with spec=Chain(..., rules=...) of those that "
            "it was begun with"
        )
    if given is None:
        return kept, b""
    wanted = encode_spec(given)
    if wanted == encoded:
        return given, b""
    if _until(kept, head) != _until(given, head):
        raise StoreMismatch(
            f"{where} holds a chain under other rules than those given: its forks up to block "
            f"{head.number}, its chain id or its deposit contract are others"
        )
    return given, wanted


def _until(spec: Spec, head: Head) -> bytes:
    """The rules as far as they have mattered."""
    place = head.number, head.header.timestamp, head.total_difficulty
    begun = tuple(each for each in spec.activations if each.has_come(*place))
    rules = replace(
        spec,
        activations=begun or spec.activations[:1],
        netsplit_block=None,
        precompiles={},
        opcodes={},
        base_fee=None,
        header_rule=None,
        rules=NO_RULES,
    )
    return encode_spec(rules)
