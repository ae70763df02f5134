"""EIP-7840 (Prague): a chain's configuration says how many blobs each of its forks has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import refusal
from tests.eips.test_eip_4844_blobs import fake_exponential
from tests.eips.whole_blocks import blob_hash, block_with, executed, signed, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import contract

from blockstm.ethereum import Account, Reason, fork_named
from blockstm.vm.forks import BlobSchedule

# The EIP's example, which is mainnet's configuration.
SCHEDULES = {"cancun": (3, 6, 3_338_477), "prague": (6, 9, 5_007_716)}
READER = Address(b"\x0f" * 20)
READS = {READER: Account(0, 1, contract("BLOBBASEFEE 0 SSTORE").code)}


def carries(key: int, count: int) -> Any:
    hashes = tuple(map(blob_hash, range(count)))
    return signed(key, 3, max_fee_per_blob_gas=2**30, blob_hashes=hashes, gas=21_000)


@pytest.mark.parametrize("fork", SCHEDULES)
def test_mainnet_has_this_schedule(fork: str) -> None:
    target, most, fraction = SCHEDULES[fork]
    state = world()
    fine = block_with(fork, [carries(0, most - 1), carries(1, 1)], state)
    assert refusal(fine, state, fork) is None
    more = block_of((carries(0, most), carries(1, 1)), fork, blob_gas_used=(most + 1) * 2**17)
    assert refusal(more, state, fork) is Reason.BLOB_GAS_ABOVE_BLOCK
    excess = 10**7
    done = executed(fork, [signed(0, to=READER)], READS, excess_blob_gas=excess)
    assert done.writes[READER].storage == {0: fake_exponential(1, excess, fraction)}
    assert fork_named(fork).blobs == BlobSchedule(target, most, fraction)


@pytest.mark.parametrize("most", [1, 2, 12])
def test_a_chain_may_have_its_own(most: int) -> None:
    fork = replace(fork_named("prague"), blobs=BlobSchedule(1, most, 1_000_000))
    state = world()
    fine = block_with(fork, [carries(0, most)], state)
    assert refusal(fine, state, fork) is None
    more = block_of((carries(0, most), carries(1, 1)), fork, blob_gas_used=(most + 1) * 2**17)
    assert refusal(more, state, fork) is Reason.BLOB_GAS_ABOVE_BLOCK
    done = executed(fork, [signed(0, to=READER)], READS, excess_blob_gas=2_500_000)
    assert done.writes[READER].storage == {0: 12}  # e ** 2.5 is 12.18
