"""What gas costs from block to block, and what a block pays; figures from chains and from EIPs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth.vm.forks.homestead.headers import dao_drain_list, dao_refund_contract
from hypothesis import given
from hypothesis import strategies as st
from tests.ethereum.official import sample_blocks
from tests.fixtures import mainnet_block

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.dao import DAO_ACCOUNTS, DAO_REFUND_CONTRACT
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.rules.fees import (
    GAS_PER_BLOB,
    base_fee_after,
    blob_base_fee,
    excess_blob_gas_after,
)
from blockstm.ethereum.rules.rewards import rewards
from blockstm.vm.forks import (
    BPO1,
    BPO2,
    BYZANTIUM,
    CANCUN,
    FRONTIER,
    LONDON,
    OSAKA,
    PARIS,
    PRAGUE,
    SHANGHAI,
    BlobSchedule,
    Fork,
)

ETHER = 10**18


def _header(**members: Any) -> Header:
    with_blobs = (Block.decode(each) for each in sample_blocks())
    header = next(b.header for b in with_blobs if b.header.excess_blob_gas is not None)
    return replace(header, **members)


# EIP-1559: an eighth up or down at the most, and at least 1 wei up.
@pytest.mark.parametrize(
    ("fee", "limit", "used", "expected"),
    [
        (None, 30_000_000, 0, 10**9),
        (1000, 30_000_000, 15_000_000, 1000),
        (1000, 30_000_000, 30_000_000, 1125),
        (1000, 30_000_000, 0, 875),
        (1000, 30_000_000, 15_000_001, 1001),
        (1000, 30_000_000, 14_999_999, 1000),
        (7, 30_000_000, 0, 7),
        (0, 30_000_000, 30_000_000, 1),
        (10**9, 20_000_000, 19_000_000, 1_112_500_000),
    ],
)
def test_base_fee(fee: int | None, limit: int, used: int, expected: int) -> None:
    parent = _header(base_fee_per_gas=fee, gas_limit=limit, gas_used=used)
    assert base_fee_after(parent) == expected


# go-ethereum's test vectors of EIP-4844's fake_exponential: each term is rounded down.
@pytest.mark.parametrize(
    ("excess", "fraction", "expected"),
    [
        (0, 3_338_477, 1),
        (2_314_057, 3_338_477, 1),
        (2_314_058, 3_338_477, 2),
        (10 * 2**20, 3_338_477, 23),
        (2, 1, 6),
        (4, 2, 6),
        (3, 1, 16),
        (6, 2, 18),
        (8, 2, 50),
        (5, 1, 136),
        (5, 2, 11),
        (50_000_000, 2_225_652, 5_709_098_764),
    ],
)
def test_blob_base_fee(excess: int, fraction: int, expected: int) -> None:
    assert blob_base_fee(excess, BlobSchedule(3, 6, fraction)) == expected


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**32))
def test_a_blob_base_fee_is_a_word_and_takes_no_time(excess: int, fraction: int) -> None:
    fee = blob_base_fee(excess, BlobSchedule(3, 6, fraction))
    assert 1 <= fee <= 2**256 - 1
    assert fee <= blob_base_fee(excess + fraction, BlobSchedule(3, 6, fraction))


def test_a_blob_base_fee_ends_with_the_greatest_word() -> None:
    """e to the 178th is the first whole power that no word holds."""
    each_a_power = BlobSchedule(3, 6, 1)
    assert 2**255 < blob_base_fee(177, each_a_power) < 2**256 - 1
    assert 2**255 < blob_base_fee(1_774, BlobSchedule(3, 6, 10)) < 2**256 - 1  # e ** 177.4
    for power in (178, 179, 1_000, 2**64 - 1):
        assert blob_base_fee(power, each_a_power) == 2**256 - 1


def _excess(fork: Fork, excess: int | None, used: int, base_fee: int = 1) -> int:
    """In blobs, all of them."""
    parent = _header(
        excess_blob_gas=None if excess is None else excess * GAS_PER_BLOB,
        blob_gas_used=used * GAS_PER_BLOB,
        base_fee_per_gas=base_fee,
    )
    return excess_blob_gas_after(parent, fork) // GAS_PER_BLOB


@pytest.mark.parametrize(
    ("fork", "excess", "used", "expected"),
    [
        (CANCUN, None, 0, 0),
        (CANCUN, 0, 3, 0),
        (CANCUN, 0, 6, 3),
        (CANCUN, 10, 2, 9),
        (PRAGUE, 0, 9, 3),
        (BPO1, 20, 15, 25),
        (BPO2, 20, 15, 21),
    ],
)
def test_excess_blob_gas(fork: Fork, excess: int | None, used: int, expected: int) -> None:
    assert _excess(fork, excess, used) == expected


def test_from_osaka_on_blobs_are_not_cheaper_than_execution() -> None:
    """EIP-7918: the excess grows by a third of the blobs used, and falls in no case."""
    assert _excess(PRAGUE, 10, 6, base_fee=100) == 10
    assert _excess(OSAKA, 10, 6, base_fee=100) == 12
    assert _excess(OSAKA, 10, 0, base_fee=100) == 10
    assert _excess(OSAKA, 10, 6, base_fee=16) == 10  # 2**13 * 16 is not more than 2**17 * 1
    assert _excess(OSAKA, 10, 6, base_fee=17) == 12
    assert _excess(OSAKA, 2, 3, base_fee=100) == 0  # below the target nothing is left anyway


def test_before_cancun_there_are_no_blobs() -> None:
    with pytest.raises(ValueError, match="shanghai"):
        excess_blob_gas_after(_header(), SHANGHAI)


@pytest.mark.parametrize(
    ("fork", "reward"), [(FRONTIER, 5 * ETHER), (BYZANTIUM, 3 * ETHER), (LONDON, 2 * ETHER)]
)
def test_a_block_and_its_ommers_are_paid(fork: Fork, reward: int) -> None:
    block = read_block_file(mainnet_block(1)).block
    assert rewards(block, fork) == ((block.header.coinbase, reward),)
    header = replace(block.header, number=100)  # type: ignore[arg-type]  # a number is an int
    ommers = [replace(header, number=n, coinbase=bytes([n]) * 20) for n in (99, 94)]  # type: ignore[arg-type]  # the same
    named = replace(block, header=header, ommers=tuple(ommers))
    assert rewards(named, fork) == (
        (header.coinbase, reward + reward // 16),
        (b"\x63" * 20, reward * 7 // 8),
        (b"\x5e" * 20, reward * 2 // 8),
    )


def test_from_paris_on_nobody_is_paid() -> None:
    block = read_block_file(mainnet_block(1)).block
    assert rewards(block, PARIS) == ()
    with pytest.raises(ValueError, match="ommers"):
        rewards(replace(block, ommers=None), FRONTIER)


def test_the_dao_fork_moves_what_pyevm_moves() -> None:
    theirs = [bytes.fromhex(address.removeprefix("0x")) for address in dao_drain_list]
    assert sorted(DAO_ACCOUNTS) == sorted(theirs)
    assert len(set(DAO_ACCOUNTS)) == 116
    assert dao_refund_contract == DAO_REFUND_CONTRACT
