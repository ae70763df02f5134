"""EIP-658 (Byzantium): receipts say whether a transaction succeeded, in place of the state root."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_typing import Address
from tests.eips.rules import before, refusal, since
from tests.ethereum.made import block_of, sealed, signed, with_header
from tests.ethereum.made import world as complete_state

import blockstm
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Account, Reason
from blockstm.ethereum.blocks.receipt import receipts_root

COUNTS, FAILS = Address(b"\x11" * 20), Address(b"\x22" * 20)
# Each writes what the one before it left; the third fails and leaves nothing but its fee.
TRANSACTIONS = (
    signed(0, nonce=0, to=COUNTS, value=0),
    signed(1, nonce=0, to=COUNTS, value=0),
    signed(0, nonce=1, to=FAILS, value=0),
    signed(1, nonce=1, to=COUNTS, value=0),
)


def state() -> blockstm.ethereum.AccountState:
    counter = assemble("1 0 SLOAD ADD 0 SSTORE")
    counts = Account(0, 1, counter, storage={0: 1})
    return complete_state({COUNTS: counts, FAILS: Account(0, 1, b"\xfe")})


@pytest.mark.parametrize("fork", since("frontier"))
def test_a_receipt_has_a_status_or_a_root(fork: str) -> None:
    block = block_of(TRANSACTIONS, fork)
    block = sealed(block, state(), fork=fork)
    receipts = blockstm.execute_block(block, state(), "evm", fork=fork, workers=2).receipts
    outcomes = [receipt.encode() for receipt in receipts]
    roots = [receipt.state_root for receipt in receipts]
    if fork in before("byzantium"):
        assert len(set(roots)) == 4
        assert None not in roots
        # A list of more than 255 bytes, of which the first is a string of 32.
        assert [(each[0], each[3], each[4:36]) for each in outcomes] == [
            (0xF9, 0xA0, root) for root in roots
        ]
    else:
        assert roots == [None] * 4
        assert [receipt.succeeded for receipt in receipts] == [True, True, False, True]
        assert [(each[0], each[3]) for each in outcomes] == [
            (0xF9, status) for status in (0x01, 0x01, 0x80, 0x01)
        ]


@pytest.mark.parametrize("fork", since("byzantium"))
def test_the_header_commits_to_the_status(fork: str) -> None:
    block = sealed(block_of(TRANSACTIONS, fork), state(), fork=fork)
    receipts = blockstm.execute_block(block, state(), "evm", fork=fork).receipts
    assert refusal(block, state(), fork) is None
    claimed = [*receipts[:2], replace(receipts[2], succeeded=True), receipts[3]]
    wrong = with_header(block, receipts_root=receipts_root(claimed))
    assert refusal(wrong, state(), fork) is Reason.RECEIPTS_ROOT
