"""A contract with many slots that goes and is created again as it was, on a chain on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("mdbx")

from tests.chain.growing import child, genesis
from tests.chain.test_chain_witnesses import Subject
from tests.ethereum.made import SENDERS, signed

from blockstm.chain import Chain
from blockstm.ethereum import Account, Block
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.genesis import Genesis
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.types import Address

FACTORY = Address(b"\xfa" * 20)
# CREATE2 of the call's data, with the salt zero.
FACTORY_CODE = bytes.fromhex("36600060003760003660006000f500".replace(" ", ""))
SLOTS = 24
"""More than a node on disk is made of."""
# SSTORE(number, number) for each; the code that is returned is SELFDESTRUCT(CALLER).
CREATION = b"".join(bytes([0x60, n, 0x60, n, 0x55]) for n in range(1, SLOTS + 1)) + bytes.fromhex(
    "6133ff6000526002601ef3"
)
CREATED = Address(keccak(b"\xff" + FACTORY + bytes(32) + keccak(CREATION))[12:])


def start() -> Genesis:
    given = genesis()
    accounts = {**given.accounts, FACTORY: Account(0, 1, FACTORY_CODE, None, {})}
    header = replace(given.block.header, state_root=state_root(accounts))
    block = replace(given.block, header=header, hash=header.hash)
    return replace(given, block=block, accounts=accounts)


def block_with(chain: Chain, *acts: str) -> Block:
    """A block on the head: the contract is created, or destroyed."""
    to = {"create": (FACTORY, CREATION), "destroy": (CREATED, b"")}
    account = chain.state_at(chain.head.hash).account(SENDERS[0])
    nonce = account.nonce if account else 0
    calls = [
        signed(
            0,
            nonce=nonce + n,
            to=to[act][0],
            data=to[act][1],
            gas_price=10**9,
            gas=900_000,
            value=0,
        )
        for n, act in enumerate(acts)
    ]
    return child(chain, None, calls)


LINE = [
    ("create",),
    ("destroy", "create"),
    (),
    ("destroy",),
    ("create",),
    ("destroy", "create", "destroy"),
    ("create", "destroy", "create"),
    ("destroy", "create"),
]


@pytest.mark.parametrize("reopens", [True, False])
def test_a_contract_is_created_again_as_it_was(tmp_path: Path, reopens: bool) -> None:
    chain = Chain.open(tmp_path, genesis=start(), workers=1)
    hashes = [chain.head.hash]
    try:
        for number, acts in enumerate(LINE, 1):
            hashes.append(chain.import_block(block_with(chain, *acts)).block.hash)
            is_there = chain.state_at(number).account(CREATED) is not None
            assert is_there == (number not in (4, 6))
            assert chain.state_at(number).storage(CREATED, SLOTS) == (SLOTS if is_there else 0)
            subject = Subject(chain, number)
            assert subject.verify(subject.witness)
            if reopens:
                chain.close()
                chain = Chain.open(tmp_path, workers=1)
            assert chain.audit().findings == ()
        for number in (1, 8, 3, 4, 5, 2, 6, 8):
            chain.set_head(hashes[number])
            if reopens:
                chain.close()
                chain = Chain.open(tmp_path, workers=1)
            assert chain.audit().findings == ()
            subject = Subject(chain, number)
            assert subject.verify(subject.witness)
    finally:
        chain.close()
