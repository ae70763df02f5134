"""EIP-7825 (Osaka): a transaction asks for 16,777,216 gas at most."""

from __future__ import annotations

import pytest
from tests.eips.rules import refusal, run
from tests.eips.whole_blocks import block_with, signed, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import NOBODY, transaction

from blockstm.ethereum import Reason
from blockstm.state.accounts import Account

CAP = 16_777_216


@pytest.mark.parametrize(
    ("fork", "above"), [("cancun", None), ("prague", None), ("osaka", "gas_above_cap")]
)
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_the_cap(fork: str, above: str | None, kind: int) -> None:
    block = [transaction(i, NOBODY, gas=CAP + i, type=kind, value=1) for i in range(2)]
    block.append(transaction(2, NOBODY, value=1))
    ran = run(fork, block, gas_limit=60_000_000)
    assert ran.reasons == (None, above, None)
    assert ran.state.account(NOBODY).balance == 2 + (above is None)


def test_gas_limits_far_above_the_cap() -> None:
    for gas in (2 * CAP, 2**63 - 1, 2**63, 2**64 - 1):
        ran = run("osaka", [transaction(0, NOBODY, gas=gas)], gas_limit=2**63 - 1)
        assert ran.reasons == ("gas_above_cap",)


@pytest.mark.parametrize("fork", ["osaka", "bpo1", "bpo2"])
def test_a_block_with_more_is_invalid(fork: str) -> None:
    state = world()
    header = {"gas_limit": 60_000_000}
    fine = block_with(fork, [signed(0, gas=CAP), signed(1, gas=CAP)], state, **header)
    assert refusal(fine, state, fork) is None
    block = block_of((signed(0, gas=CAP), signed(1, gas=CAP + 1)), fork, **header)
    assert refusal(block, state, fork) is Reason.GAS_ABOVE_CAP
    before = block_with("prague", [signed(1, gas=CAP + 1)], state, **header)
    assert refusal(before, state, "prague") is None


def test_amsterdam_caps_what_runs_and_not_what_is_asked_for() -> None:
    # EIP-8037: what is above the cap may go into the growth of the state.
    sent = transaction(0, NOBODY, gas=CAP + 1, value=1)
    assert run("amsterdam", [sent], {NOBODY: Account(1)}).reasons == (None,)
    much = transaction(0, NOBODY, gas=2 * CAP, data=bytes(CAP // 64))
    assert run("amsterdam", [much], gas_limit=60_000_000).reasons == ("gas_above_cap",)
