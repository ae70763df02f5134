"""EIP-7892 (BPO1, BPO2): forks that change the numbers of blobs and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import refusal, refusal_after
from tests.eips.test_eip_4844_blobs import fake_exponential
from tests.eips.whole_blocks import blob_hash, block_with, executed, signed, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import contract

from blockstm.ethereum import Account, Activation, Chain, Reason, fork_named

BLOB = 2**17
# Fork → target, limit and update fraction, as the EIP's example has them.
SCHEDULES = {
    "osaka": (6, 9, 5_007_716),
    "bpo1": (10, 15, 8_346_193),
    "bpo2": (14, 21, 11_684_671),
}
READER = Address(b"\x0f" * 20)
READS = {READER: Account(0, 1, contract("BLOBBASEFEE 0 SSTORE").code)}


def carries(key: int, nonce: int, count: int) -> Any:
    hashes = tuple(map(blob_hash, range(count)))
    return signed(key, 3, nonce=nonce, max_fee_per_blob_gas=1, blob_hashes=hashes)


def filled(count: int) -> tuple[Any, ...]:
    """Transactions with so many blobs together, six at most each."""
    sizes = [6] * (count // 6) + [count % 6] * (count % 6 > 0)
    return tuple(carries(i % 4, i // 4, size) for i, size in enumerate(sizes))


@pytest.mark.parametrize("fork", SCHEDULES)
def test_the_limit(fork: str) -> None:
    _, most, _ = SCHEDULES[fork]
    state = world()
    assert refusal(block_with(fork, filled(most), state), state, fork) is None
    more = block_of(filled(most + 1), fork, blob_gas_used=(most + 1) * BLOB)
    assert refusal(more, state, fork) is Reason.BLOB_GAS_ABOVE_BLOCK


@pytest.mark.parametrize("fork", SCHEDULES)
def test_the_target(fork: str) -> None:
    target, most, _ = SCHEDULES[fork]
    for used, excess, after in [(target, 0, 0), (most, 0, most - target), (target + 1, 5, 6)]:
        parent = {
            "gas_used": 1_500_000,
            "blob_gas_used": used * BLOB,
            "excess_blob_gas": excess * BLOB,
        }
        assert refusal_after(fork, parent, excess_blob_gas=after * BLOB) is None
        wrong = refusal_after(fork, parent, excess_blob_gas=after * BLOB + 1)
        assert wrong is Reason.EXCESS_BLOB_GAS


@pytest.mark.parametrize("fork", SCHEDULES)
@pytest.mark.parametrize("excess", [0, 6_000_000, 50_000_000])
def test_the_price(fork: str, excess: int) -> None:
    done = executed(fork, [signed(0, to=READER)], READS, excess_blob_gas=excess)
    fee = fake_exponential(1, excess, SCHEDULES[fork][2])
    assert done.writes[READER].storage == {0: fee}


def test_nothing_else_changes() -> None:
    osaka = fork_named("osaka")
    for name in ("bpo1", "bpo2"):
        fork = fork_named(name)
        for member in ("rules", "header_members", "newest_transaction_type", "block_reward"):
            assert getattr(fork, member) == getattr(osaka, member)


def test_they_begin_at_a_time() -> None:
    forks = [fork_named(name) for name in SCHEDULES]
    starts = [0, 2_000, 3_000]
    first, *later = zip(forks, starts, strict=True)
    chain = Chain(
        1, (Activation(first[0], block=0), *(Activation(f, timestamp=at) for f, at in later))
    )
    for time, most in [(1_999, 9), (2_000, 15), (2_999, 15), (3_000, 21)]:
        state = world()
        assert refused(chain, filled(most), state, time) is Reason.GAS_USED  # as far as results
        assert refused(chain, filled(most + 1), state, time) is Reason.BLOB_GAS_ABOVE_BLOCK


def refused(chain: Chain, transactions: tuple[Any, ...], state: Any, time: int) -> Any:
    """Why a block of this time is refused whose header says nothing of its results."""
    used = sum(len(each.blob_hashes) for each in transactions)
    block = block_of(transactions, "osaka", timestamp=time, blob_gas_used=used * BLOB)
    no_fork: Any = None
    return refusal(block, state, no_fork, chain=chain)
