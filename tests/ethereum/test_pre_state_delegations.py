"""Pre-states have what accounts are delegated to (EIP-7702), as a call meets it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blockstm.ethereum import Account, AccountState, Activation, Chain, Message, call, fork_named
from blockstm.ethereum.blocks.transaction import Authorization
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.genesis import parse_genesis
from blockstm.ethereum.tracing import PrestateTracer
from blockstm.ethereum.transition.signing import public_point, sign_hash
from blockstm.types import Address

CHAIN = Chain(5, (Activation(fork_named("prague"), block=0),))
HEADER = parse_genesis({"gasLimit": "0x1c9c380", "baseFeePerGas": "0x7"}, chain=CHAIN).block.header
KEY = bytes(31) + b"\7"
WALLET = Address(keccak(b"".join(each.to_bytes(32, "big") for each in public_point(7)))[12:])
SENDER, CALLER = Address(b"\x5e" * 20), Address(b"\xca" * 20)
OLD, NEW, NOBODY = Address(b"\xd1" * 20), Address(b"\xd2" * 20), Address(bytes(20))
CALLS_WALLET = bytes.fromhex("5f5f5f5f5f73" + WALLET.hex() + "5af100")
ALWAYS = {SENDER, WALLET, HEADER.coinbase}


def authorized(address: Address) -> Authorization:
    parity, r, s = sign_hash(keccak(b"\5" + encode([5, address, 0])), KEY)
    return Authorization(5, address, 0, parity, r, s)


def shown(message: Message, wallet: Account, **options: Any) -> set[Address]:
    state = AccountState(
        {
            WALLET: wallet,
            CALLER: Account(code=CALLS_WALLET),
            SENDER: Account(balance=10**18),
            OLD: Account(code=b"\x00"),
            NEW: Account(code=b"\x00\x00"),
        }
    )
    tracer = PrestateTracer(include_empty=True, **options)
    done = call(state, message, chain=CHAIN, block=HEADER, tracer=tracer)
    assert done.succeeded
    return {Address(bytes.fromhex(each[2:])) for each in done.trace}


DELEGATED = Account(code=b"\xef\x01\x00" + OLD)
TO_WALLET = Message(sender=SENDER, to=WALLET, gas=200_000)
TO_CALLER = replace(TO_WALLET, to=CALLER)


@pytest.mark.parametrize("message", [TO_WALLET, TO_CALLER])
def test_a_delegation_that_stays_is_followed(message: Message) -> None:
    assert shown(message, DELEGATED) == ALWAYS | {message.to, OLD}
    assert shown(message, Account(balance=1)) == ALWAYS | {message.to}


@pytest.mark.parametrize("wallet", [Account(balance=1), DELEGATED])
def test_a_call_within_follows_what_the_transaction_has_set(wallet: Account) -> None:
    given = replace(TO_CALLER, authorizations=(authorized(NEW),))
    assert shown(given, wallet) == ALWAYS | {CALLER, NEW}
    taken = replace(TO_CALLER, authorizations=(authorized(NOBODY),))
    assert shown(taken, wallet) == ALWAYS | {CALLER}


def test_a_transaction_is_followed_to_where_its_receiver_was_delegated_before() -> None:
    for address in (NEW, NOBODY):
        given = replace(TO_WALLET, authorizations=(authorized(address),))
        assert shown(given, DELEGATED) == ALWAYS | {OLD}
        assert shown(given, Account(balance=1)) == ALWAYS
