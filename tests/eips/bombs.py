"""What forks did to the difficulty bomb and to the reward of a block. No test of its own."""

from __future__ import annotations

from dataclasses import replace

from eth_typing import Address
from tests.eips.rules import refusal, refusal_after
from tests.ethereum.made import COINBASE, block_of, sealed, signed
from tests.ethereum.made import world as complete_state

import blockstm
from blockstm.ethereum import Reason, fork_named

# Blocks since the bomb's start → what it adds: it doubles every 100,000 blocks.
BOMB = [(1, 0), (199_999, 0), (200_000, 1), (299_999, 1), (300_000, 2), (1_234_567, 2**10)]
OMMERS = [Address(b"\x0e" * 20), Address(b"\x0f" * 20)]
FEE = 21_000 * 10


def check_bomb(fork: str, delay: int) -> None:
    """That the bomb counts from the block of number ``delay``: headers that say so are taken, those
    that say anything else are not."""
    parent = {"difficulty": 2_048_000, "timestamp": 5}
    if fork_named(fork) >= fork_named("london"):
        parent["base_fee_per_gas"] = 8  # of which an empty block takes off an eighth
    for number, bomb in BOMB:
        right = 2_049_000 + bomb
        for difficulty, reason in ((right, None), (right + 1, Reason.DIFFICULTY)):
            given = {"number": delay + number, "timestamp": 6, "difficulty": difficulty}
            assert refusal_after(fork, parent, **given) is reason, given


def check_reward(fork: str, reward: int) -> None:
    """That a block is paid ``reward`` wei and a 32nd for each ommer, and an ommer an eighth less
    for each block that it is late; and that the state root commits to it."""
    transactions = (signed(0, nonce=0), signed(1, nonce=0), signed(0, nonce=1))
    block = block_of(transactions, fork, number=100)
    ommers = tuple(
        replace(block.header, number=number, coinbase=coinbase)
        for number, coinbase in zip((99, 94), OMMERS, strict=True)
    )
    block = replace(block, ommers=ommers)
    header = replace(block.header, ommers_hash=block.ommers_hash)
    block = replace(block, header=header, hash=header.hash)
    state = complete_state()
    block = sealed(block, state, fork=fork)
    for workers in (1, 2):
        after = state.copy()
        executed = blockstm.execute_block(block, state, "evm", fork=fork, workers=workers)
        after.apply(executed.writes)
        tips = 3 * FEE if fork_named(fork) < fork_named("london") else 3 * 21_000 * (10 - 7)
        paid = [after.account(each).balance for each in (COINBASE, *OMMERS)]
        own = reward + reward // 16 + tips + 3  # each transaction sends it one wei
        assert paid == [own, reward * 7 // 8, reward * 2 // 8]
    unpaid = sealed(block_of(transactions, fork, number=100), state, fork=fork).header
    claimed = replace(block.header, state_root=unpaid.state_root)
    wrong = replace(block, header=claimed, hash=claimed.hash)
    assert refusal(wrong, state, fork) is Reason.STATE_ROOT
