"""EIP-3607 (from Frontier on): an account with code sends no transactions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from eth_typing import Address
from tests.eips.rules import before, run, since
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction

from blockstm.state.accounts import Account

TARGET = Address(b"\x0e" * 20)
DELEGATION = b"\xef\x01\x00" + TARGET


def with_code(code: bytes) -> dict[Address, Account]:
    """The first sender with code of its own, and the second without."""
    return {
        SENDERS[0]: Account(10**18, 0, code),
        SENDERS[1]: Account(10**18),
        TARGET: contract("STOP"),
    }


@pytest.mark.parametrize("fork", since("frontier"))
@pytest.mark.parametrize("code", [b"\x00", b"\xfe", b"\xef\x01\x00", DELEGATION + b"\x00"])
def test_a_contract_sends_nothing(fork: str, code: bytes) -> None:
    block = [transaction(0, NOBODY, value=1), transaction(1, NOBODY, value=2)]
    ran = run(fork, block, with_code(code))
    assert ran.reasons == ("sender_has_code", None)
    assert ran.state.account(NOBODY).balance == 2
    assert ran.state.account(SENDERS[0]) == Account(10**18, 0, code)


@pytest.mark.parametrize("fork", since("prague"))
def test_a_delegation_is_no_code_in_this_sense(fork: str) -> None:
    block = [transaction(0, NOBODY, nonce=n, value=1) for n in range(3)]
    assert run(fork, block, with_code(DELEGATION)).reasons == (None,) * 3


@pytest.mark.parametrize("fork", before("prague")[-2:])
def test_before_eip_7702_it_was_code(fork: str) -> None:
    assert run(fork, [transaction(0, NOBODY)], with_code(DELEGATION)).reasons == (
        "sender_has_code",
    )


@pytest.mark.parametrize("fork", since("prague"))
def test_a_sender_that_delegates_itself_in_the_block_goes_on_sending(fork: str) -> None:
    authorization = SimpleNamespace(chain_id=1, address=TARGET, nonce=1)
    block = [
        transaction(0, NOBODY, type=4, authorizations=(authorization,), authorities=(SENDERS[0],)),
        transaction(0, NOBODY, nonce=2, value=1),
    ]
    ran = run(fork, block, with_code(b""))
    assert ran.reasons == (None, None)
    assert ran.state.account(SENDERS[0]).code == DELEGATION
