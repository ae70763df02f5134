"""What the rules take a transaction's intrinsic gas to be, and what the EVM charges, are one."""

from __future__ import annotations

from typing import Any, cast

import pytest
from eth_typing import Address
from tests.eips.rules import FORKS, run, since
from tests.evm.world_blocks import NOBODY, SENDERS, transaction

from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.rules.intrinsic_gas import intrinsic_gas
from blockstm.vm.forks import fork_named

OTHER = Address(b"\x0e" * 20)
LISTED = ((OTHER, ()), (NOBODY, (1, 2**256 - 1)), (OTHER, (7,)))
STOPS = b"\0" + b"\1" * 40  # of a creation: the first byte ends it

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "transfer": ("frontier", {"to": NOBODY, "value": 1}),
    "data": ("frontier", {"to": NOBODY, "data": bytes(9) + b"\1" * 7}),
    "much data": ("frontier", {"to": NOBODY, "data": bytes(500) + b"\1" * 700}),
    "creation": ("frontier", {"to": None, "data": STOPS}),
    "longer creation": ("frontier", {"to": None, "data": STOPS + bytes(32)}),
    "access list": ("berlin", {"to": NOBODY, "type": 1, "access_list": LISTED}),
    "all of it": ("berlin", {"to": None, "type": 1, "access_list": LISTED, "data": STOPS}),
}
CASES = [
    pytest.param(fork, members, id=f"{fork}-{name}")
    for name, (first, members) in SHAPES.items()
    for fork in since(first)
]


@pytest.mark.parametrize(("fork", "members"), CASES)
def test_the_evm_charges_what_the_rules_say(fork: str, members: dict[str, Any]) -> None:
    sent = transaction(0, **members)
    as_ruled = cast(Transaction, sent.transaction)
    gas = intrinsic_gas(as_ruled, fork_named(fork), SENDERS[0])
    least = max(gas)
    expected = "floor_gas" if gas.floor > gas.total else "intrinsic_gas"
    short = transaction(0, **members, gas=least - 1)
    assert run(fork, [short]).reasons == (expected,)
    assert run(fork, [transaction(0, **members, gas=least)]).reasons == (None,)


def test_every_fork_is_asked() -> None:
    assert {fork for fork, *_ in (case.values for case in CASES)} == set(FORKS)
