"""Blocks that are built: what fits is in, what does not is named, and all of them verify."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Hash32
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.builders import (
    ATTRIBUTES,
    BURNER,
    COINBASE,
    COUNTER,
    GAS_LIMIT,
    NOBODY,
    Site,
    contract,
    kept,
    pooled,
    reasons,
    state_of,
)
from tests.ethereum.exchanges import address, data, exchanges, recorded
from tests.ethereum.test_builders import BUILT, RICH, blobs, funds, pay
from tests.ethereum.test_chain_imports import chain_of
from tests.ethereum.test_states import Rooted

import blockstm
from blockstm import InvalidBlock, reference
from blockstm.bench.evm.assembly import assemble
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum import (
    MAINNET,
    Account,
    AccountState,
    BlockAttributes,
    BuiltBlock,
    Candidate,
    Reason,
    Transaction,
    Withdrawal,
    as_given,
    build_block,
    by_price,
    gas_limit_toward,
    overlay,
)
from blockstm.ethereum.execution.checks import execute_in_order
from blockstm.vm.forks import AMSTERDAM, CANCUN, DAO_FORK, LONDON, OSAKA, PRAGUE, Fork


def built(site: Site, pool: Any, state: Any = RICH, **options: Any) -> BuiltBlock:
    transactions = [transaction for _, transaction in pool]
    options = {"attributes": ATTRIBUTES, "chain": site.chain, "workers": 1, **options}
    return build_block(site.parent, transactions, state, **options)


def verify(site: Site, done: BuiltBlock, state: AccountState, **options: Any) -> None:
    """The block is valid for every executor, and does what its builder says."""
    options = {"chain": site.chain, "parent": site.parent, **options}
    told = execute_in_order(done.block, state.copy(), **options)
    for workers in (1, 2):
        again = blockstm.execute_block(
            done.block, state.copy(), vm="evm", workers=workers, **options
        )
        assert again.state_root == told.state_root == done.executed.state_root
        assert tuple(again.receipts) == tuple(told.receipts) == tuple(done.executed.receipts)
        assert again.writes == done.executed.writes
        assert again.requests == done.executed.requests
        assert again.access_list == done.executed.access_list


# ---- against others


@pytest.mark.parametrize(
    "exchange",
    [each for each in exchanges()["testing_buildBlockV1"] if each.params[2] is not None],
    ids=lambda each: each.name,
)
def test_a_block_is_what_another_client_has_built(exchange: Any) -> None:
    chain = recorded()
    _, given_, transactions, extra_data = exchange.params
    attributes = BlockAttributes(
        timestamp=int(given_["timestamp"], 16),
        coinbase=address(given_["suggestedFeeRecipient"]),
        mix_hash=Hash32(data(given_["prevRandao"]) or b""),
        gas_limit=gas_limit_toward(chain.head.gas_limit, 60_000_000),
        extra_data=data(extra_data) or b"",
        parent_beacon_block_root=Hash32(data(given_["parentBeaconBlockRoot"]) or b""),
    )
    done = build_block(
        chain.head,
        [Transaction.decode(data(each) or b"") for each in transactions],
        chain.state,
        attributes=attributes,
        chain=chain.chain,
        block_hashes=chain.block_hashes,
    )
    assert done.rejected == ()
    assert f"0x{done.block.hash.hex()}" == exchange.result["executionPayload"]["blockHash"]
    assert hex(done.value) == exchange.result["blockValue"]


def test_every_block_of_a_chain_through_all_forks_is_built_again() -> None:
    genesis, blocks = chain_of("execution-apis")
    assert genesis.chain is not None
    state, parent = AccountState(genesis.accounts), genesis.block.header
    hashes: dict[int, Hash32] = {}
    total, count = parent.difficulty, 0
    for block in blocks:
        header = block.header
        attributes = BlockAttributes(
            timestamp=header.timestamp,
            coinbase=header.coinbase,
            mix_hash=header.mix_hash,
            gas_limit=header.gas_limit,
            extra_data=header.extra_data,
            withdrawals=block.withdrawals or (),
            parent_beacon_block_root=header.parent_beacon_block_root,
        )
        done = build_block(
            parent,
            block.transactions,
            state,
            attributes=attributes,
            chain=genesis.chain,
            block_hashes=hashes,
            total_difficulty=total,
        )
        writes = done.executed.writes
        if block.ommers:  # which a builder names none of
            writes = blockstm.execute_block(
                block, state, vm="evm", chain=genesis.chain, total_difficulty=total
            ).writes
        else:
            assert replace(done.block.header, nonce=header.nonce) == header
        assert done.rejected == ()
        state.apply(writes)
        hashes[header.number] = header.hash
        total += header.difficulty
        parent, count = header, count + 1
    assert count == 54


# ---- whatever is in the pool


@settings(max_examples=6)
@pytest.mark.parametrize("fork", BUILT, ids=str)
@given(st.data())
def test_what_is_built_verifies(fork: Fork, data: Any) -> None:
    site, state = Site(fork), state_of(data.draw(funds))
    pool = data.draw(st.lists(pooled(), max_size=12))
    order = data.draw(st.sampled_from([as_given, by_price, lambda all_: list(all_)[::-2]]))
    one, two = (built(site, pool, state, order=order, workers=workers) for workers in (1, 2))
    assert two.block == one.block
    assert two.rejected == one.rejected
    assert len(one.block.transactions) + len(one.rejected) == len(pool)
    verify(site, one, state)
    if order is as_given:
        result = site.build(pool, state, reference.execute_block)
        assert list(one.block.transactions) == kept(pool, result)
        assert [each.reason for each in one.rejected] == [each for each in reasons(result) if each]


# ---- what does not fit


def test_what_is_left_out_says_why() -> None:
    site = Site(CANCUN)
    pool = [
        pay(0, 0),
        pay(0, 2),
        pay(1, 0, chain_id=5),
        pay(1, 0, GAS_LIMIT - 20_999),
        blobs(2, 0, 7),
        pay(3, 0, value=10**30),
        (3, replace(pay(3, 0)[1], r=0)),
    ]
    done = built(site, pool)
    assert done.block.transactions == (pool[0][1],)
    assert [(each.index, each.reason) for each in done.rejected] == [
        (1, Reason.NONCE_TOO_HIGH),
        (2, Reason.CHAIN_ID),
        (3, Reason.GAS_ABOVE_BLOCK),
        (4, Reason.BLOB_GAS_ABOVE_BLOCK),
        (5, Reason.INSUFFICIENT_FUNDS),
        (6, Reason.SIGNATURE),
    ]
    assert all(each.transaction is pool[each.index][1] for each in done.rejected)
    assert "nonce" in done.rejected[0].detail
    verify(site, done, RICH)


def test_the_first_that_does_not_fit_is_raised_where_that_is_wanted() -> None:
    site = Site(CANCUN)
    with pytest.raises(InvalidBlock) as raised:
        built(site, [pay(0, 0), pay(0, 2), pay(1, 7)], on_unfit="raise")
    assert (raised.value.reason, raised.value.index) == (Reason.NONCE_TOO_HIGH, 1)
    with pytest.raises(InvalidBlock) as raised:
        built(site, [pay(0, 0), (1, replace(pay(1, 0)[1], r=0))], on_unfit="raise")
    assert (raised.value.reason, raised.value.index) == (Reason.SIGNATURE, 1)


def test_a_block_is_no_larger_than_it_may_be() -> None:
    """EIP-7934: of six times 1.5 MB, five fit into 8 MiB; what is small comes in all the same."""
    site = Site(OSAKA, gas_limit=200_000_000)
    size = 1_500_000
    pool = [pay(0, nonce, 21_000 + 10 * size, data=bytes(size)) for nonce in range(6)]
    pool += [pay(1, 0), pay(0, 6)]
    done = built(site, pool)
    assert [(each.index, each.reason) for each in done.rejected] == [
        (5, Reason.BLOCK_TOO_LARGE),
        (7, Reason.NONCE_TOO_HIGH),
    ]
    assert len(done.block.transactions) == 6
    verify(site, done, RICH)
    before = Site(PRAGUE, gas_limit=200_000_000)
    assert built(before, pool).rejected == ()


def test_a_deposit_that_no_block_may_hold_is_left_out() -> None:
    topic = "0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
    site = Site(PRAGUE)
    chain = replace(site.chain, deposit_contract=COUNTER)
    state = state_of([10**18] * 4)
    accounts = dict(state.accounts())
    accounts[COUNTER] = contract(assemble(f"{topic} 0 0 LOG1"))
    pool = [pay(0, 0), pay(1, 0, 60_000, to=COUNTER), pay(2, 0), pay(3, 0, 60_000, to=COUNTER)]
    state = AccountState(accounts)
    done = built(site, pool, state, chain=chain)
    assert [(each.index, each.reason) for each in done.rejected] == [
        (1, Reason.DEPOSIT_LAYOUT),
        (3, Reason.DEPOSIT_LAYOUT),
    ]
    verify(site, done, state, chain=chain)


@pytest.mark.parametrize("fork", [PRAGUE, AMSTERDAM], ids=str)
def test_without_its_system_calls_there_is_no_block(fork: Fork) -> None:
    site = Site(fork)
    accounts = {each: account for each, account in RICH.accounts() if account.code != b"\x00"}
    with pytest.raises(InvalidBlock) as raised:
        built(site, [pay(0, 0)], AccountState(accounts))
    assert raised.value.reason == Reason.SYSTEM_CONTRACT_MISSING
    with pytest.raises(InputError, match="partial and lacks them"):
        built(site, [pay(0, 0)], AccountState(accounts, partial=True))
    with pytest.raises(InputError, match="knows its root"):
        built(Site(CANCUN), [pay(0, 0)], AccountState(accounts, partial=True))


# ---- orders


def test_the_highest_tip_comes_first_and_nonces_keep_their_order() -> None:
    def tip(key: int, nonce: int, tip: int) -> tuple[int, Transaction]:
        return pay(key, nonce, max_priority_fee_per_gas=tip, max_fee_per_gas=100)

    pool = [tip(0, 0, 1), tip(0, 1, 90), tip(1, 0, 5), tip(2, 1, 50), tip(2, 0, 4), tip(3, 0, 5)]
    site = Site(CANCUN)
    done = built(site, pool, order=by_price)
    expected = [pool[place][1] for place in (2, 5, 4, 3, 0, 1)]
    assert list(done.block.transactions) == expected
    assert done.value == 21_000 * (1 + 90 + 5 + 50 + 4 + 5)
    assert built(site, pool, order=by_price, workers=2).block == done.block


def test_an_order_of_your_own_may_leave_out_but_not_add() -> None:
    site, pool = Site(CANCUN), [pay(0, 0), pay(1, 0), pay(2, 0)]
    seen: list[Candidate] = []

    def last_two(candidates: Any) -> Any:
        seen.extend(candidates)
        return candidates[:0:-1]

    done = built(site, pool, order=last_two)
    assert done.block.transactions == (pool[2][1], pool[1][1])
    assert [(each.index, each.reason) for each in done.rejected] == [(0, None)]
    assert [each.tip for each in seen] == [1, 1, 1]
    for wrong in (lambda all_: [*all_, all_[0]], lambda all_: [None]):
        with pytest.raises(InputError, match="each candidate once"):
            built(site, pool, order=wrong)


# ---- the header


def test_withdrawals_and_the_beneficiary_are_paid() -> None:
    withdrawals = (Withdrawal(0, 1, NOBODY, 5), Withdrawal(1, 2, COINBASE, 7))
    site, state = Site(CANCUN), RICH.copy()
    attributes = replace(ATTRIBUTES, withdrawals=withdrawals, extra_data=b"built")
    done = built(site, [pay(0, 0), pay(1, 0)], attributes=attributes)
    verify(site, done, state)
    state.apply(done.executed.writes)
    assert state.account(NOBODY) == Account(2 + 5 * 10**9)
    assert state.account(COINBASE) == Account(done.value + 7 * 10**9)
    assert done.value == 2 * 21_000
    assert done.block.header.extra_data == b"built"


def test_the_state_stays_as_it_is() -> None:
    before = dict(RICH.accounts())
    built(Site(PRAGUE), [pay(0, 0)])
    assert dict(RICH.accounts()) == before


def test_a_block_is_built_on_any_state_that_knows_its_root() -> None:
    site, pool = Site(OSAKA), [pay(0, 0), pay(1, 0)]
    plain = built(site, pool)
    assert built(site, pool, overlay(Rooted(dict(RICH.accounts())))).block == plain.block
    with pytest.raises(InputError, match="knows its root"):
        built(site, pool, overlay(RICH.copy()))


def test_blocks_follow_each_other() -> None:
    site, state, parent = Site(OSAKA), RICH.copy(), Site(OSAKA).parent
    for number in range(5):
        pool = [pay(key, number, max_fee_per_gas=1_000)[1] for key in range(3)]
        attributes = BlockAttributes(timestamp=2_000 + number, coinbase=COINBASE)
        done = build_block(parent, pool, state, attributes=attributes, chain=site.chain)
        assert done.rejected == ()
        blockstm.execute_block(done.block, state.copy(), vm="evm", chain=site.chain, parent=parent)
        state.apply(done.executed.writes)
        parent = done.block.header


def test_the_first_block_of_london_doubles_its_limit() -> None:
    site = Site(LONDON)
    parent = replace(site.parent, base_fee_per_gas=None)
    pool = [pay(0, 0, max_fee_per_gas=2 * 10**9)[1]]
    done = build_block(parent, pool, RICH, attributes=ATTRIBUTES, chain=site.chain)
    assert (done.block.header.gas_limit, done.rejected) == (2 * GAS_LIMIT, ())
    blockstm.execute_block(done.block, RICH.copy(), vm="evm", chain=site.chain, parent=parent)


def test_the_blocks_at_the_dao_fork_say_so() -> None:
    site = Site(DAO_FORK)
    assert site.chain.dao_fork_block == 0
    done = built(site, [])
    assert done.block.header.extra_data == b"dao-hard-fork"
    with pytest.raises(InputError, match="extra data"):
        built(site, [], attributes=replace(ATTRIBUTES, extra_data=b"mine"))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"timestamp": 999}, "time 999 s after 999 s"),
        ({"gas_limit": GAS_LIMIT * 2}, "a gas limit of"),
        ({"extra_data": bytes(33)}, "33 bytes of extra data"),
        ({"coinbase": b"short"}, "attributes.coinbase is 20 bytes"),
        ({"timestamp": -1}, "attributes.timestamp is an int"),
        ({"withdrawals": (5,)}, r"attributes.withdrawals\[0\] is a"),
    ],
)
def test_attributes_that_no_block_has_are_refused(attributes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        built(Site(CANCUN), [], attributes=replace(ATTRIBUTES, **attributes))


def test_what_is_of_the_wrong_kind_is_refused() -> None:
    site: Any = Site(LONDON)
    wrong: list[tuple[dict[str, Any], type, str]] = [
        ({"attributes": None}, InputError, "attributes is a"),
        ({"order": "price"}, InputError, "order is a function"),
        ({"on_unfit": "drop"}, ConfigError, "on_unfit"),
        ({"chain": 1}, ConfigError, "chain is a"),
        ({"fork": "florence"}, ConfigError, "no fork"),
        ({"chain": replace(MAINNET, checks_seals=True)}, ConfigError, "prove work"),
        (
            {"attributes": replace(ATTRIBUTES, withdrawals=(Withdrawal(0, 0, NOBODY, 1),))},
            InputError,
            "london has none",
        ),
    ]
    for options, kind, message in wrong:
        with pytest.raises(kind, match=message):
            built(site, [pay(0, 0)], **options)
    with pytest.raises(InputError, match="AccountState"):
        built(site, [], object())
    with pytest.raises(InputError, match=r"transactions\[0\]"):
        build_block(site.parent, [5], RICH, attributes=ATTRIBUTES)  # type: ignore[list-item]  # on purpose
    with pytest.raises(InputError, match="parent"):
        build_block(None, [], RICH, attributes=ATTRIBUTES)  # type: ignore[arg-type]  # on purpose


def test_a_gas_limit_moves_no_further_than_it_may() -> None:
    assert gas_limit_toward(30_000_000, 60_000_000) == 30_000_000 + 29_295
    assert gas_limit_toward(30_000_000, 5_000) == 30_000_000 - 29_295
    assert gas_limit_toward(30_000_000, 30_000_100) == 30_000_100


def test_what_burns_all_its_gas_leaves_none() -> None:
    site = Site(CANCUN)
    pool = [pay(0, 0, GAS_LIMIT, to=BURNER), pay(1, 0)]
    done = built(site, pool)
    assert [each.reason for each in done.rejected] == [Reason.GAS_ABOVE_BLOCK]
    assert done.executed.gas_used == GAS_LIMIT
