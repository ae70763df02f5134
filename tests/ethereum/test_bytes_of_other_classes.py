"""Bytes may be of a class of one's own, such as the `HexBytes` that web3 answers with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.fixtures import mainnet_block, needed_witness

import blockstm
from blockstm._native.state.listed_writes import ListedWrites
from blockstm._native.trie.roots import ordered_root
from blockstm._native.trie.tries import NodeStore, Trie
from blockstm.ethereum import Account, AccountState, Block, Header, Message, Transaction, call
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.hints import from_access_list
from blockstm.ethereum.witnesses import Witness, WitnessState, read_witness

NUMBER = 19_426_587


class Hex(bytes):
    """As `HexBytes`: its parts are of its class, too."""

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return Hex(part) if isinstance(part, bytes) else part


Kind = Callable[[bytes], bytes]


def _blocks(kind: Kind) -> Any:
    block = read_block_file(mainnet_block(NUMBER)).block
    again = Block.decode(kind(block.encode()))
    first = block.transactions[0]
    assert {type(each) for each in (again.encode(), again.header.parent_hash)} == {bytes}
    return (
        again,
        Header.decode(kind(block.header.encode())),
        Transaction.decode(kind(first.encode())),
        [Transaction.decode(kind(each.encode())).hash for each in block.transactions],
    )


def _witnesses(kind: Kind) -> Any:
    given = read_witness(needed_witness(NUMBER))
    witness = Witness(
        kind(given.parent_state_root),
        nodes=tuple(map(kind, given.nodes)),
        codes=tuple(map(kind, given.codes)),
        headers=given.headers,
    )
    file = read_block_file(mainnet_block(NUMBER))
    codes = [kind(each.code) for each in file.accounts.values() if each.code]
    done = blockstm.execute_block(
        file.block,
        WitnessState(witness, codes),
        vm="evm",
        workers=2,
        block_hashes=file.block_hashes,
    )
    return done.gas_used, done.receipts_root, done.state_root, sorted(done.writes.items(), key=repr)


def _calls(kind: Kind) -> Any:
    accounts = {
        kind(b"\x07" * 20): Account(nonce=1, code=kind(bytes.fromhex("5f355f5260205ff3"))),
        kind(b"\x08" * 20): Account(balance=10**18, storage={1: 2}),
    }
    message = Message(sender=kind(b"\x08" * 20), to=kind(b"\x07" * 20), data=kind(b"\x05" * 32))
    return call(AccountState(accounts), message).output


def _tries(kind: Kind) -> Any:
    trie = Trie()
    for place in range(9):
        trie.set(kind(bytes([place])), kind(b"value" * place + b"v"))
    store = NodeStore()
    hashes = store.add([kind(b"\xc0")], [kind(b"code")])
    return trie.root(), hashes, ordered_root([kind(b"a"), kind(b"b" * 40)])


def _lists(kind: Kind) -> Any:
    encoding = kind(bytes.fromhex("c0"))
    return ListedWrites(encoding).touched, from_access_list(encoding, 3).count


@pytest.mark.parametrize("way", [_blocks, _witnesses, _calls, _tries, _lists])
def test_they_are_taken_for_the_bytes_that_they_are(way: Callable[[Kind], Any]) -> None:
    assert way(Hex) == way(bytes)
