"""EIP-2681 (from Frontier on): a nonce stays below 2**64 - 1."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from eth_typing import Address
from tests.eips.rules import run, since
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction

from blockstm.state.accounts import Account

MAX = 2**64 - 1
MAKER = Address(b"\x0f" * 20)
# Logs whether a creation without initcode pushes zero.
CREATES = "{source} ISZERO 0 MSTORE 32 0 LOG0"
FORKS = since("frontier")


@pytest.mark.parametrize("fork", FORKS)
def test_the_last_nonce_that_a_transaction_may_have(fork: str) -> None:
    accounts = {SENDERS[0]: Account(10**18, MAX - 2)}
    block = [transaction(0, NOBODY, nonce=MAX - back, value=1) for back in (2, 1, 0)]
    ran = run(fork, block, accounts)
    assert ran.reasons == (None, None, "nonce_is_max")
    assert ran.state.account(SENDERS[0]).nonce == MAX
    assert ran.state.account(NOBODY).balance == 2


@pytest.mark.parametrize(
    ("fork", "source"),
    [(fork, "0 0 0 CREATE") for fork in FORKS]
    + [(fork, "0 0 0 0 CREATE2") for fork in since("constantinople")],
)
def test_a_contract_whose_nonce_is_at_its_end_creates_nothing(fork: str, source: str) -> None:
    maker = contract(CREATES.format(source=source))
    accounts = {MAKER: Account(0, MAX - 1, maker.code)}
    ran = run(fork, [transaction(i, MAKER) for i in range(3)], accounts)
    # The first creation takes the last nonce; those after it find none, and lose no gas for code.
    assert [int.from_bytes(e.logs[0].data, "big") for e in ran.executions] == [0, 1, 1]
    assert ran.state.account(MAKER).nonce == MAX
    assert all(execution.gas_used < 300_000 for execution in ran.executions)


@pytest.mark.parametrize("fork", since("prague"))
def test_an_authorization_with_the_last_nonce_is_skipped(fork: str) -> None:
    authority = SENDERS[1]
    authorization = SimpleNamespace(chain_id=1, address=MAKER, nonce=MAX)
    accounts = {authority: Account(1, MAX)}
    sent = transaction(0, NOBODY, type=4, authorizations=(authorization,), authorities=(authority,))
    ran = run(fork, [sent], accounts)
    assert [execution.succeeded for execution in ran.executions] == [True]
    assert ran.state.account(authority).nonce == MAX
    assert ran.state.account(authority).code == b""
