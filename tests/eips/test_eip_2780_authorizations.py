"""EIP-2780 (Amsterdam): an authorization pays for the writes and the state that it comes to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import run
from tests.evm.world_blocks import SENDERS, transaction

from blockstm.state.accounts import Account

BASE, RECIPIENT, VALUE = 12_000, 3_000, 6_000
AUTHORIZATION = 7_816  # 101 bytes at 16, two cold accesses of 3,000 and two warm ones of 100
WRITE = 9_000
# State gas of EIP-8037: 120 bytes of an account, 23 of a delegation, at 1,530.
NEW_ACCOUNT, NEW_DELEGATION = 183_600, 35_190
ZERO, OTHER, AUTHORITY = (Address(bytes([byte]) * 20) for byte in (0, 0x0D, 0xA0))
DELEGATED = Account(1, 0, b"\xef\x01\x00" + OTHER)
THERE = {OTHER: Account(1), **{sender: Account(10**18) for sender in SENDERS}}


def authorizes(*targets: Address, authority: Address = AUTHORITY, first: int = 0) -> dict[str, Any]:
    """The members of a transaction with authorizations of one authority, one after another."""
    signed = (
        SimpleNamespace(chain_id=1, address=to, nonce=first + i) for i, to in enumerate(targets)
    )
    return {"type": 4, "authorizations": tuple(signed), "authorities": (authority,) * len(targets)}


@pytest.mark.parametrize(
    ("account", "targets", "state"),
    [
        (None, (OTHER,), NEW_ACCOUNT + NEW_DELEGATION),
        (None, (ZERO,), NEW_ACCOUNT),
        (Account(1), (OTHER,), NEW_DELEGATION),
        (Account(1), (ZERO,), 0),
        (DELEGATED, (OTHER,), 0),
        (DELEGATED, (ZERO,), 0),
        (DELEGATED, (ZERO, OTHER), 0),
        # Each is paid once for an authority, and not given back.
        (None, (OTHER, OTHER), NEW_ACCOUNT + NEW_DELEGATION),
        (Account(1), (OTHER, ZERO), NEW_DELEGATION),
        (Account(1), (OTHER, ZERO, OTHER), NEW_DELEGATION),
        (Account(1), (ZERO, OTHER), NEW_DELEGATION),
    ],
)
def test_what_it_comes_to(
    account: Account | None, targets: tuple[Address, ...], state: int
) -> None:
    accounts = THERE if account is None else {**THERE, AUTHORITY: account}
    sent = transaction(0, OTHER, gas=500_000, **authorizes(*targets))
    ran = run("amsterdam", [sent], accounts)
    [execution] = ran.executions
    intrinsic = BASE + RECIPIENT + AUTHORIZATION * len(targets)
    assert execution.gas_before_refund == intrinsic + WRITE
    assert (execution.state_gas, execution.gas_used) == (state, intrinsic + WRITE + state)
    assert ran.state.account(AUTHORITY).nonce == len(targets)
    short = transaction(1, OTHER, gas=intrinsic - 1, **authorizes(*targets))
    assert run("amsterdam", [short], accounts).reasons == ("intrinsic_gas",)


def test_a_sender_is_written_anyway() -> None:
    sent = transaction(0, OTHER, **authorizes(OTHER, authority=SENDERS[0], first=1))
    [execution] = run("amsterdam", [sent], THERE).executions
    assert execution.gas_before_refund == BASE + RECIPIENT + AUTHORIZATION
    assert execution.state_gas == NEW_DELEGATION


@pytest.mark.parametrize(("value", "write"), [(0, WRITE), (1, 0)])
def test_a_recipient_is_written_anyway_if_it_is_paid(value: int, write: int) -> None:
    # The recipient delegates itself, and its target is then accessed: cold, for 3,000.
    accounts = {**THERE, AUTHORITY: Account(1)}
    sent = transaction(0, AUTHORITY, value=value, **authorizes(OTHER))
    [execution] = run("amsterdam", [sent], accounts).executions
    intrinsic = BASE + RECIPIENT + VALUE * value + AUTHORIZATION
    assert execution.gas_before_refund == intrinsic + write + 3_000
    assert execution.state_gas == NEW_DELEGATION


@pytest.mark.parametrize("missing", [0, 1])
def test_gas_that_does_not_suffice_undoes_them_all(missing: int) -> None:
    accounts = {**THERE, AUTHORITY: Account(1)}
    needed = BASE + RECIPIENT + AUTHORIZATION + WRITE + NEW_DELEGATION
    block = [
        transaction(0, OTHER, gas=needed - missing, **authorizes(OTHER)),
        transaction(1, OTHER, gas=500_000, **authorizes(OTHER, first=1 - missing)),
    ]
    ran = run("amsterdam", block, accounts)
    first, second = ran.executions
    assert (first.succeeded, first.gas_used) == (not missing, needed - missing)
    assert first.state_gas == NEW_DELEGATION * (not missing)
    assert second.state_gas == NEW_DELEGATION * missing
    assert ran.state.account(AUTHORITY).nonce == 2 - missing


def test_before_it_each_cost_25000() -> None:
    sent = transaction(0, OTHER, **authorizes(OTHER, OTHER))
    [execution] = run("osaka", [sent], THERE).executions
    assert (execution.gas_before_refund, execution.state_gas) == (21_000 + 2 * 25_000, 0)
