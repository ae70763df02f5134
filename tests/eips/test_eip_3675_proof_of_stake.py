"""EIP-3675 (Paris): no work, no ommers, no rewards; the beacon chain says which block is next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.eips.rules import refusal, refusal_after
from tests.eips.whole_blocks import COINBASE, block_with, executed, signed, with_header, world
from tests.ethereum.made import block_of

from blockstm.ethereum import Reason

FORKS = ["paris", "shanghai", "cancun", "prague", "osaka", "amsterdam"]
ETHER = 10**18


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, None),
        ({"difficulty": 1}, Reason.DIFFICULTY),
        ({"difficulty": 131_072}, Reason.DIFFICULTY),
        ({"nonce": bytes(7) + b"\x01"}, Reason.NONCE_NOT_ZERO),
        ({"extra_data": b"x" * 32}, None),
        ({"extra_data": b"x" * 33}, Reason.EXTRA_DATA_TOO_LONG),
        ({"mix_hash": b"\xff" * 32}, None),  # EIP-4399 has it say something else
    ],
)
def test_constants_of_the_header(fork: str, members: dict[str, object], reason: object) -> None:
    parent = {"gas_used": 1_500_000}  # so that the base fee stays
    assert refusal_after(fork, parent, **members) is reason


@pytest.mark.parametrize("fork", FORKS)
def test_a_block_has_no_ommers(fork: str) -> None:
    state = world()
    block = block_with(fork, [], state)
    assert refusal(block, state, fork) is None
    ommer = block_of((), fork, number=0).header
    withommer = replace(block, ommers=(ommer,))
    withommer = with_header(withommer, ommers_hash=withommer.ommers_hash)
    assert refusal(withommer, state, fork) is Reason.OMMERS_AFTER_PARIS


@pytest.mark.parametrize(
    ("fork", "reward"),
    [("frontier", 5), ("byzantium", 3), ("petersburg", 2), ("gray_glacier", 2)]
    + [(fork, 0) for fork in FORKS],
)
def test_there_is_no_reward(fork: str, reward: int) -> None:
    done = executed(fork, [])
    balance = done.writes[COINBASE].balance if COINBASE in done.writes else 0
    assert balance == reward * ETHER


@pytest.mark.parametrize("fork", FORKS)
def test_fees_are_paid_all_the_same(fork: str) -> None:
    done = executed(fork, [signed(i, kind=2, value=0, max_priority_fee_per_gas=2) for i in (0, 1)])
    assert done.writes[COINBASE].balance == 2 * sum(r.gas_used or 0 for r in done.receipts)


def test_before_it_work_and_ommers_were_there() -> None:
    state = world()
    block = block_with("gray_glacier", [], state)
    assert refusal(block, state, "gray_glacier") is None
    assert block.header.difficulty == 131_072
    assert refusal(block, state, "paris") is Reason.STATE_ROOT  # without its reward
