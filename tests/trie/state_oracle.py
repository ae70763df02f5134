"""The root of a state by the ``trie`` package, slowly; no test of its own."""

from __future__ import annotations

from collections.abc import Mapping

import rlp
from eth_typing import Address

from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account
from trie import HexaryTrie


def slow_state_root(accounts: Mapping[Address, Account]) -> bytes:
    """The root of the state that has these accounts."""
    trie = HexaryTrie({})
    for address, account in accounts.items():
        storage = HexaryTrie({})
        for slot, value in account.storage.items():
            if value:
                storage.set(keccak(slot.to_bytes(32, "big")), rlp.encode(value))
        fields = [account.nonce, account.balance, storage.root_hash, account.code_hash]
        trie.set(keccak(address), rlp.encode(fields))
    return bytes(trie.root_hash)
