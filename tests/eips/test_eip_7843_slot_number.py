"""EIP-7843 (Amsterdam): SLOTNUM (0x4b) pushes the number of the beacon chain's slot, for 2 gas."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import before, error, gas, refusal, word
from tests.eips.whole_blocks import block_with, executed, signed, with_header, world
from tests.evm.world_blocks import contract

from blockstm.ethereum import Account, Reason

SLOTNUM = "'4b'"
READER = Address(b"\x0f" * 20)


@pytest.mark.parametrize("number", [0, 1, 12_345, 2**64 - 1])
def test_it_is_the_number_of_the_slot(number: int) -> None:
    assert word("amsterdam", SLOTNUM, changed={"slot_number": number}) == number
    accounts = {READER: Account(0, 1, contract(f"{SLOTNUM} 0 SSTORE").code)}
    done = executed("amsterdam", [signed(0, to=READER, gas=500_000)], accounts, slot_number=number)
    stored = done.writes[READER].storage if READER in done.writes else {}
    assert stored.get(0, 0) == number


def test_it_costs_2_gas() -> None:
    assert gas("amsterdam", SLOTNUM) == 2


def test_the_header_names_it() -> None:
    state = world()
    block = block_with("amsterdam", [], state, slot_number=5)
    assert refusal(block, state, "amsterdam") is None
    without = with_header(block, slot_number=None)
    assert refusal(without, state, "amsterdam") is Reason.HEADER_MEMBERS
    assert refusal(block, state, "osaka") is Reason.HEADER_MEMBERS


@pytest.mark.parametrize("fork", before("amsterdam"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, SLOTNUM) == "invalid opcode"
