"""Blocks made of what was not skipped are valid, whatever is in the pool."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Hash32
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.builders import (
    BURNER,
    CHAIN_ID,
    GAS_LIMIT,
    NOBODY,
    Site,
    kept,
    pooled,
    reasons,
    sign,
    state_of,
    told,
)

import blockstm
from blockstm import Executor, InvalidBlock, reference
from blockstm.ethereum import AccountState, Reason, changes_of
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.vm.forks import AMSTERDAM, CANCUN, FORKS, Fork

# Returns 300 zero bytes as the code of the account that it creates: PUSH2 300, PUSH1 0, RETURN.
CREATES = bytes.fromhex("61012c6000f3")
BUILT = [fork for fork in FORKS if fork.name not in ("dao_fork", "osaka_access_lists")]
funds = st.lists(
    st.sampled_from([0, 10**5, 10**6, 10**7, 10**18, 10**18, 2**255]), min_size=4, max_size=4
)


def verify(site: Site, transactions: list[Transaction], state: AccountState) -> None:
    """The sealed block is valid for one worker and for two."""
    block, _ = site.seal(transactions, state)
    for workers in (1, 2):
        blockstm.execute_block(block, state.copy(), vm="evm", chain=site.chain, workers=workers)


@settings(max_examples=15)
@pytest.mark.parametrize("fork", BUILT, ids=str)
@given(st.data())
def test_a_block_of_what_was_not_skipped_is_valid(fork: Fork, data: Any) -> None:
    site, state = Site(fork), state_of(data.draw(funds))
    pool = data.draw(st.lists(pooled(), max_size=12))
    results = [site.build(pool, state, reference.execute_block)]
    results += [site.build(pool, state, workers=workers) for workers in (1, 2)]
    for result in results[1:]:
        assert told(result) == told(results[0])
        assert result.writes == results[0].writes
    transactions = kept(pool, results[0])
    assert all(reason is None or reason in set(Reason) for reason in reasons(results[0]))
    _, done = site.seal(transactions, state)
    assert changes_of(results[0].writes, state) == done.writes
    verify(site, transactions, state)


def pay(key: int, nonce: int, gas: int = 21_000, **members: Any) -> tuple[int, Transaction]:
    kind = {"type": 2, "max_fee_per_gas": 10, "max_priority_fee_per_gas": 1}
    fixed = {"nonce": nonce, "gas": gas, "to": NOBODY, "value": 1, "data": b""}
    return key, sign(key, **{**fixed, **kind, "chain_id": CHAIN_ID, **members})


def blobs(key: int, nonce: int, count: int) -> tuple[int, Transaction]:
    hashes = (Hash32(b"\x01" + bytes(31)),) * count
    return pay(key, nonce, type=3, blob_hashes=hashes, max_fee_per_blob_gas=1)


RICH = state_of([10**18] * 4)
LEFT_OUT = {
    "another chain": ([pay(0, 0, chain_id=5), pay(1, 0)], ["chain_id", None]),
    "another chain, legacy": (
        [
            (
                0,
                sign(
                    0,
                    type=0,
                    nonce=0,
                    gas=21_000,
                    to=NOBODY,
                    value=1,
                    data=b"",
                    chain_id=5,
                    gas_price=10,
                ),
            )
        ],
        ["chain_id"],
    ),
    "more gas than is left": (
        [pay(0, 0), pay(1, 0, GAS_LIMIT - 20_999), pay(2, 0, GAS_LIMIT - 21_000), pay(3, 0)],
        [None, "gas_above_block", None, None],
    ),
    "what follows on one that was left out": (
        [pay(0, 0), pay(1, 0, GAS_LIMIT - 20_999), pay(1, 1), pay(1, 0), pay(1, 1)],
        [None, "gas_above_block", "nonce_too_high", None, None],
    ),
    "what is wrong by itself comes first": (
        [pay(0, 0), pay(1, 0, GAS_LIMIT, chain_id=5), pay(1, 5, GAS_LIMIT)],
        [None, "chain_id", "gas_above_block"],
    ),
    "too many blobs for the block": (
        [blobs(0, 0, 4), blobs(1, 0, 3), blobs(2, 0, 2), blobs(3, 0, 7)],
        [None, "blob_gas_above_block", None, "blob_gas_above_block"],
    ),
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_the_block_cannot_hold_is_left_out(case: str, workers: int) -> None:
    pool, expected = LEFT_OUT[case]
    site = Site(CANCUN)
    result = site.build(pool, RICH, workers=workers)
    assert reasons(result) == expected
    verify(site, kept(pool, result), RICH)
    with Executor(workers=workers) as executor:
        streamed = list(executor.stream(site.steps(pool), RICH, site.evm(), on_invalid="skip"))
    assert [each.status for each in streamed] == [each.status for each in result.outcomes]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_rule_that_is_broken_in_order_wins(workers: int) -> None:
    """Whatever ran ahead: the third finds no gas, and the nonces of two others are wrong."""
    site = Site(CANCUN)
    pool = [pay(0, 0), pay(1, 0, 100_000), pay(2, 0, GAS_LIMIT), pay(3, 7), *[pay(0, 1)] * 9]
    for pool_, index, reason in (
        (pool, 2, Reason.GAS_ABOVE_BLOCK),
        ([pool[0], pool[3], *pool[2:]], 1, Reason.NONCE_TOO_HIGH),
    ):
        block = site.block([each for _, each in pool_])
        with pytest.raises(InvalidBlock) as raised:
            blockstm.execute_block(block, RICH.copy(), vm="evm", chain=site.chain, workers=workers)
        assert (raised.value.reason, raised.value.index) == (reason, index)
        assert raised.value.prefix is not None
        assert len(raised.value.prefix.outcomes) == index


@pytest.mark.parametrize("workers", [1, 2])
def test_each_kind_of_gas_has_the_whole_limit_from_amsterdam_on(workers: int) -> None:
    """EIP-8037: what runs is counted apart from what the state grows by."""
    site = Site(AMSTERDAM, gas_limit=2_000_000)
    burn = {"to": BURNER}
    pool = [pay(0, 0, 1_500_000, **burn), pay(1, 0, 500_001, **burn), pay(2, 0, 500_000, **burn)]
    result = site.build([*pool, pay(3, 0)], RICH, workers=workers)
    assert reasons(result) == [None, "gas_above_block", None, "gas_above_block"]
    grow = [pay(key, 0, 1_000_000, to=None, data=CREATES) for key in range(4)]
    grown = site.build(grow, RICH, workers=workers)
    assert reasons(grown) == [None, None, "gas_above_block", "gas_above_block"]
    done = [outcome.value for outcome in list(grown.outcomes)[1:3]]
    assert (
        sum(each.gas_before_refund for each in done)
        < 1_000_000
        < sum(each.state_gas for each in done)
    )
    verify(site, kept(grow, grown), RICH)
