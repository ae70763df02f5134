"""The state root after a block, from a witness: the partial tries the block touches.

A second, independent proof of an execution: it holds balances, nonces, codes, slots and which
accounts exist, before Byzantium too, where receipts cannot be checked.
"""

from __future__ import annotations

import json
import lzma
from collections import defaultdict
from pathlib import Path
from typing import Any

import rlp
from trie import HexaryTrie

from blockstm.ethereum.execution import StateAfter
from blockstm.ethereum.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.state.accounts import EMPTY_CODE_HASH

Fields = list[bytes]  # nonce, balance, storage root and code hash of an account


def state_root_after(path: Path, writes: dict[Any, Any], state: StateAfter) -> bytes:
    """The state root once ``writes``, which are part of ``state``, are put into the tries."""
    witness = json.loads(lzma.decompress(path.read_bytes()))
    nodes = [bytes.fromhex(node[2:]) for node in witness["nodes"]]
    database = {keccak(node): node for node in nodes}
    root = bytes.fromhex(witness["parentStateRoot"][2:])
    accounts = HexaryTrie(database, root, prune=False)
    changed: dict[bytes, list[Any]] = defaultdict(list)
    for key in writes:
        if key[0] != "code":
            changed[key[0]].append(key)
    for address in sorted(changed, key=lambda address: not _exists(state, address)):
        before = accounts.get(keccak(address))
        if not _exists(state, address):
            accounts.delete(keccak(address))
            continue
        storage_root = rlp.decode(before)[2] if before else EMPTY_TRIE_ROOT
        storage_root = _storage_root(database, storage_root, changed[address], state)
        accounts.set(keccak(address), rlp.encode(_account(state, address, storage_root)))
    return bytes(accounts.root_hash)


def _account(state: StateAfter, address: bytes, storage_root: bytes) -> list[Any]:
    return [
        state.get((address, "nonce")) or 0,
        state.get((address, "balance")) or 0,
        storage_root,
        state.get((address, "code_hash")) or EMPTY_CODE_HASH,
    ]


def _exists(state: StateAfter, address: bytes) -> bool:
    return any(state.get((address, what)) for what in ("nonce", "balance", "code_hash", "recorded"))


def _storage_root(
    database: dict[bytes, bytes], root: bytes, keys: list[Any], state: StateAfter
) -> bytes:
    epoch = state.get((keys[0][0], "epoch")) or 0
    slots = {key[3]: state.get(key) or 0 for key in keys if key[1:3] == ("storage", epoch)}
    storage = HexaryTrie(database, EMPTY_TRIE_ROOT if epoch else root, prune=False)
    for slot, value in sorted(slots.items(), key=lambda item: not item[1]):  # deletions last
        place = keccak(slot.to_bytes(32, "big"))
        if value:
            storage.set(place, rlp.encode(value))
        else:
            storage.delete(place)
    return bytes(storage.root_hash)
