"""What a block may be before it is executed: every official block, and each rule by itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.official import (
    LARGE_ARCHIVES,
    SMALL_ARCHIVES,
    OfficialChain,
    official_chains,
    sample_blocks,
)
from tests.fixtures import mainnet_block, mainnet_index

from blockstm.cli.fixtures.exceptions import reasons_named
from blockstm.errors import DecodeError, InvalidBlock
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains import MAINNET, Activation, Chain
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.rules.block_rules import BLOCK_SIZE_MAX, block_violation, check_block
from blockstm.ethereum.rules.header_rules import DAO_EXTRA_DATA, NO_OMMERS_HASH, header_violation
from blockstm.ethereum.rules.ommers import ANCESTORS_MAX, ommers_violation
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.transaction_rules import transactions_violation
from blockstm.vm.forks import AMSTERDAM, BERLIN, DAO_FORK, LONDON, OSAKA, PARIS, PRAGUE, SHANGHAI

# What only executing the block, or the proof of work, can tell.
BY_EXECUTION = {
    Reason.ACCESS_LIST_HASH,
    Reason.ACCESS_LIST_TOO_LARGE,
    Reason.DEPOSIT_LAYOUT,
    Reason.GAS_ABOVE_BLOCK,
    Reason.GAS_USED,
    Reason.INSUFFICIENT_FUNDS,
    Reason.LOGS_BLOOM,
    Reason.NONCE_TOO_HIGH,
    Reason.NONCE_TOO_LOW,
    Reason.PROOF_OF_WORK,
    Reason.RECEIPTS_ROOT,
    Reason.REQUESTS_HASH,
    Reason.SENDER_HAS_CODE,
    Reason.STATE_ROOT,
    Reason.SYSTEM_CALL_FAILED,
    Reason.SYSTEM_CONTRACT_MISSING,
}
# From Amsterdam on the gas that is charged at once depends on who sends (EIP-2780).
BY_SENDER = {Reason.INTRINSIC_GAS, Reason.FLOOR_GAS}


def _check_official_chain(test: OfficialChain) -> None:
    blocks = {test.genesis.hash: test.genesis}
    difficulties = {test.genesis.hash: test.genesis.header.difficulty}
    for official in test.blocks:
        reason: Reason | None = Reason.MALFORMED
        try:
            block = Block.decode(official.encoding)
        except DecodeError:
            pass
        else:
            reason = _reason(block, test.chain, blocks, difficulties)
            if official.is_valid:
                parent = block.header.parent_hash
                blocks[block.hash] = block
                difficulties[block.hash] = difficulties[parent] + block.header.difficulty
        if official.is_valid:
            assert reason is None, test.name
        elif official.exception is not None:
            accepted = reasons_named(official.exception)
            is_amsterdam = test.chain.activations[-1].fork >= AMSTERDAM
            later = BY_EXECUTION | (BY_SENDER if is_amsterdam else set())
            assert reason in accepted or (reason is None and accepted & later), test.name


def _reason(
    block: Block, chain: Chain, blocks: dict[Any, Block], difficulties: dict[Any, int]
) -> Reason | None:
    parent = blocks.get(block.header.parent_hash)
    if parent is None:
        return Reason.UNKNOWN_PARENT
    ancestors = [parent]
    while len(ancestors) < ANCESTORS_MAX and ancestors[-1].header.parent_hash in blocks:
        ancestors.append(blocks[ancestors[-1].header.parent_hash])
    difficulty = difficulties[parent.hash]
    violation = block_violation(block, parent.header, chain, ancestors, difficulty)
    return None if violation is None else violation.reason


@pytest.mark.parametrize("archive", SMALL_ARCHIVES)
def test_official_blocks_are_refused_for_the_right_reason_or_not_at_all(archive: str) -> None:
    tests = [*map(_check_official_chain, official_chains(archive))]
    assert tests


@pytest.mark.slow
@pytest.mark.parametrize("archive", LARGE_ARCHIVES)
def test_all_official_blocks_are_refused_for_the_right_reason_or_not_at_all(archive: str) -> None:
    tests = [*map(_check_official_chain, official_chains(archive))]
    assert tests


@pytest.mark.parametrize("number", sorted(mainnet_index()))
def test_mainnet_blocks_break_no_rule(number: int) -> None:
    """Without their parents, of which the files have nothing."""
    check_block(read_block_file(mainnet_block(number)).block, None, MAINNET)


def test_a_mainnet_block_keeps_the_rules_after_its_parent() -> None:
    """24,628,608 is the one block whose parent is there too."""
    parent, block = (read_block_file(mainnet_block(n)).block for n in (24_628_607, 24_628_608))
    check_block(block, parent.header, MAINNET, [parent])
    earlier = replace(block.header, timestamp=parent.header.timestamp)
    with pytest.raises(InvalidBlock) as caught:
        check_block(replace(block, header=earlier), parent.header, MAINNET, [parent])
    assert (caught.value.reason, caught.value.index) == (Reason.TIMESTAMP, None)


def _chain(*forks: Any) -> Chain:
    return Chain(1, tuple(Activation(fork, block=start) for start, fork in forks))


def _genesis(**members: Any) -> Header:
    """Block 0 of a chain under Berlin."""
    first = read_block_file(mainnet_block(1)).block.header
    return replace(first, number=0, gas_limit=10**7, gas_used=5 * 10**6, extra_data=b"", **members)


def _child(parent: Header, **members: Any) -> Header:
    """A block under Berlin that keeps every rule."""
    kept = {
        "parent_hash": parent.hash,
        "number": parent.number + 1,
        "timestamp": parent.timestamp + 9,
        "difficulty": parent.difficulty,
    }
    return replace(parent, **(kept | members))


GENESIS_LIMIT = 10**7
STEP = GENESIS_LIMIT // 1024


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"parent_hash": b"\1" * 32}, Reason.UNKNOWN_PARENT),
        ({"number": 2}, Reason.BLOCK_NUMBER),
        ({"number": 0}, Reason.BLOCK_NUMBER),
        ({"extra_data": b"\1" * 32}, None),
        ({"extra_data": b"\1" * 33}, Reason.EXTRA_DATA_TOO_LONG),
        ({"gas_limit": GENESIS_LIMIT + STEP - 1}, None),
        ({"gas_limit": GENESIS_LIMIT + STEP}, Reason.GAS_LIMIT),
        ({"gas_limit": GENESIS_LIMIT - STEP + 1}, None),
        ({"gas_limit": GENESIS_LIMIT - STEP}, Reason.GAS_LIMIT),
        ({"gas_limit": 2**63}, Reason.GAS_LIMIT),
        ({"gas_used": GENESIS_LIMIT}, None),
        ({"gas_used": GENESIS_LIMIT + 1}, Reason.GAS_USED_ABOVE_LIMIT),
        ({"difficulty": 1}, Reason.DIFFICULTY),
        ({"base_fee_per_gas": 7}, Reason.HEADER_MEMBERS),
        ({"nonce": b"\xff" * 8, "mix_hash": b"\xff" * 32}, None),  # no work is checked
    ],
)
def test_each_rule_of_a_header(changed: Any, reason: Reason | None) -> None:
    parent = _genesis()
    violation = header_violation(_child(parent, **changed), parent, _chain((0, BERLIN)))
    assert (violation.reason if violation else None) == reason


def test_a_block_is_later_than_its_parent() -> None:
    parent = _genesis(timestamp=100)
    for timestamp in (99, 100):
        violation = header_violation(
            _child(parent, timestamp=timestamp), parent, _chain((0, BERLIN))
        )
        assert violation is not None
        assert violation.reason == Reason.TIMESTAMP


def test_a_gas_limit_is_5000_at_the_least() -> None:
    parent = replace(_genesis(), gas_limit=5003, gas_used=0)
    chain = _chain((0, BERLIN))
    assert header_violation(_child(parent, gas_limit=5000), parent, chain) is None
    violation = header_violation(_child(parent, gas_limit=4999), parent, chain)
    assert violation is not None
    assert violation.reason == Reason.GAS_LIMIT


def test_a_gas_limit_is_a_signed_number_of_8_bytes() -> None:
    """EIP-1985: 2**63 - 1 at the most."""
    parent, chain = replace(_genesis(), gas_limit=2**63 - 1), _chain((0, BERLIN))
    assert header_violation(_child(parent), parent, chain) is None
    violation = header_violation(_child(parent, gas_limit=2**63), parent, chain)
    assert violation is not None
    assert violation.reason == Reason.GAS_LIMIT


def test_london_doubles_the_gas_limit_and_begins_at_one_gwei() -> None:
    parent, chain = _genesis(), _chain((0, BERLIN), (1, LONDON))
    child = _child(parent, gas_limit=2 * GENESIS_LIMIT, base_fee_per_gas=10**9)
    assert header_violation(child, parent, chain) is None
    _has(header_violation(replace(child, gas_limit=GENESIS_LIMIT), parent, chain), Reason.GAS_LIMIT)
    _has(header_violation(replace(child, base_fee_per_gas=7), parent, chain), Reason.BASE_FEE)
    legacy = replace(child, base_fee_per_gas=None)
    _has(header_violation(legacy, parent, chain), Reason.HEADER_MEMBERS)
    after = _child(child, gas_used=0, gas_limit=child.gas_limit)
    half = replace(after, gas_limit=GENESIS_LIMIT, base_fee_per_gas=937_500_000)
    _has(header_violation(half, child, chain), Reason.GAS_LIMIT)  # it doubles once


def _has(violation: Any, reason: Reason) -> None:
    assert violation is not None
    assert violation.reason == reason
    assert violation.detail


def test_the_dao_fork_signs_its_first_ten_blocks() -> None:
    assert _chain((0, BERLIN)).dao_fork_block is None
    chain = _chain((0, DAO_FORK))
    parent = replace(_genesis(), number=8, extra_data=DAO_EXTRA_DATA, difficulty=131_072)  # type: ignore[arg-type]  # a number is an int
    ninth = _child(parent, timestamp=parent.timestamp + 10)
    assert header_violation(ninth, parent, chain) is None
    violation = header_violation(replace(ninth, extra_data=b"anything"), parent, chain)
    _has(violation, Reason.DAO_EXTRA_DATA)
    tenth = _child(ninth, extra_data=b"anything", timestamp=ninth.timestamp + 10)
    assert header_violation(tenth, ninth, chain) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"difficulty": 1}, Reason.DIFFICULTY),
        ({"nonce": b"\0" * 7 + b"\1"}, Reason.NONCE_NOT_ZERO),
        ({"ommers_hash": b"\1" * 32}, Reason.OMMERS_AFTER_PARIS),
    ],
)
def test_from_paris_on_there_is_no_work(changed: Any, reason: Reason | None) -> None:
    parent = _genesis(base_fee_per_gas=1000)
    kept = {"difficulty": 0, "nonce": bytes(8), "ommers_hash": NO_OMMERS_HASH}
    child = _child(parent, base_fee_per_gas=1000, **(kept | changed))
    violation = header_violation(child, parent, _chain((0, LONDON), (1, PARIS)))
    assert (violation.reason if violation else None) == reason


def _with_blobs() -> tuple[Block, Block, Chain]:
    """A valid block with blob transactions under Cancun, its parent, its chain."""
    for test in official_chains("eest-shanghaitocancunattime15k.tar.xz"):
        known = {test.genesis.hash: test.genesis}
        for official in test.blocks:
            if official.is_valid:
                block = Block.decode(official.encoding)
                known[block.hash] = block
                if any(transaction.blob_hashes for transaction in block.transactions):
                    return block, known[block.header.parent_hash], test.chain  # type: ignore[index]  # hashes are bytes
    raise AssertionError("no block with blobs")


def test_blob_gas_is_what_the_transactions_have_and_no_more_than_allowed() -> None:
    block, parent, chain = _with_blobs()

    def reason(**changed: Any) -> Reason | None:
        changed_block = replace(block, header=replace(block.header, **changed))
        violation = block_violation(changed_block, parent.header, chain)
        return violation.reason if violation else None

    used = block.header.blob_gas_used or 0
    assert reason() is None
    assert reason(blob_gas_used=used + 1) == Reason.BLOB_GAS_USED
    assert reason(blob_gas_used=used - 2**17) == Reason.BLOB_GAS_USED
    assert reason(blob_gas_used=7 * 2**17) == Reason.BLOB_GAS_ABOVE_BLOCK
    assert reason(excess_blob_gas=2**17) == Reason.EXCESS_BLOB_GAS
    assert reason(parent_beacon_block_root=None) == Reason.HEADER_MEMBERS
    assert reason(withdrawals_root=b"\1" * 32) == Reason.WITHDRAWALS_ROOT
    assert reason(transactions_root=b"\1" * 32) == Reason.TRANSACTIONS_ROOT


def test_a_block_has_a_size_from_osaka_on() -> None:
    blocks = [*map(Block.decode, sample_blocks())]
    sample = next(block for block in blocks if block.header.member_count == 21)
    header = replace(sample.header, gas_limit=10**9, base_fee_per_gas=0)
    legacy = next(t for block in blocks for t in block.transactions if t.type == 0)
    full = replace(legacy, data=bytes(1_350_000), gas=2**24, to=bytes(20))  # type: ignore[arg-type]  # an address is bytes

    def reason(fork: Any, size: int) -> Reason | None:
        block = replace(sample, header=header, transactions=(full,) * 6)
        more = size - len(block.encode())
        last = replace(full, data=bytes(len(full.data) + more))
        block = replace(block, transactions=(*block.transactions[1:], last))
        assert len(block.encode()) == size
        violation = block_violation(block, None, _chain((0, fork)))
        return violation.reason if violation else None

    # That the header does not name these transactions is found out after that.
    assert reason(PRAGUE, BLOCK_SIZE_MAX + 1) == Reason.TRANSACTIONS_ROOT
    assert reason(OSAKA, BLOCK_SIZE_MAX) == Reason.TRANSACTIONS_ROOT
    assert reason(OSAKA, BLOCK_SIZE_MAX + 1) == Reason.BLOCK_TOO_LARGE


def _ommer_chain() -> tuple[list[Block], Chain]:
    """Nine blocks under Berlin, the youngest first, without ommers."""
    chain = _chain((0, BERLIN))
    headers = [_genesis(ommers_hash=NO_OMMERS_HASH)]
    for _ in range(9):
        headers.append(_child(headers[-1]))
    return [Block(h.hash, h, ()) for h in reversed(headers)], chain


def _ommers(block: Block, *ommers: Header) -> Block:
    named = replace(block, ommers=ommers)
    return replace(named, header=replace(block.header, ommers_hash=named.ommers_hash))  # type: ignore[type-var]  # the hash is there


def test_ommers_are_siblings_of_ancestors() -> None:
    (block, *ancestors), chain = _ommer_chain()

    def reason(*ommers: Header) -> Reason | None:
        violation = ommers_violation(_ommers(block, *ommers), ancestors, chain)
        return violation.reason if violation else None

    def sibling_of(back: int, **changed: Any) -> Header:
        """Of the ancestor so many blocks before the block."""
        changed = {"coinbase": b"\x0e" * 20} | changed
        return replace(ancestors[back - 1].header, **changed)

    first, second = sibling_of(1), sibling_of(6)
    assert reason() is None
    assert reason(first) is None
    assert reason(first, second) is None
    assert reason(first, second, sibling_of(2)) == Reason.TOO_MANY_OMMERS
    assert reason(first, first) == Reason.OMMER_TWICE
    assert reason(ancestors[2].header) == Reason.OMMER_IS_ANCESTOR
    assert reason(sibling_of(7)) == Reason.OMMER_TOO_OLD
    assert reason(replace(block.header, coinbase=b"\x0e" * 20)) == Reason.OMMER_IS_SIBLING
    assert reason(sibling_of(2, parent_hash=b"\1" * 32)) == Reason.OMMER_NOT_RELATED
    # Its header keeps the rules of headers.
    assert reason(sibling_of(2, gas_used=10**9)) == Reason.GAS_USED_ABOVE_LIMIT
    assert reason(sibling_of(2, difficulty=5)) == Reason.DIFFICULTY
    assert reason(sibling_of(2, number=3)) == Reason.BLOCK_NUMBER


def test_an_ommer_is_named_once_on_a_chain() -> None:
    (block, *ancestors), chain = _ommer_chain()
    ommer = replace(ancestors[3].header, coinbase=b"\x0e" * 20)
    again = _ommers(block, ommer)
    assert ommers_violation(again, ancestors, chain) is None
    ancestors[1] = replace(ancestors[1], ommers=(ommer,))
    _has(ommers_violation(again, ancestors, chain), Reason.OMMER_TWICE)


def test_the_header_names_the_ommers() -> None:
    (block, *ancestors), chain = _ommer_chain()
    hidden = replace(block, ommers=(replace(ancestors[1].header, coinbase=b"\x0e" * 20),))
    _has(block_violation(hidden, ancestors[0].header, chain, ancestors), Reason.OMMERS_HASH)


def test_what_is_not_known_is_not_checked() -> None:
    (block, *ancestors), chain = _ommer_chain()
    related = _ommers(block, replace(ancestors[1].header, parent_hash=b"\1" * 32))  # type: ignore[arg-type]  # a hash is bytes
    parent = ancestors[0].header
    assert block_violation(related, parent, chain) is None
    assert block_violation(related, None, chain) is None
    _has(block_violation(related, parent, chain, ancestors), Reason.OMMER_NOT_RELATED)
    _has(block_violation(related, None, _chain((0, SHANGHAI))), Reason.HEADER_MEMBERS)


def test_the_index_is_the_first_transactions_that_is_wrong() -> None:
    block = next(b for b in map(Block.decode, sample_blocks()) if b.transactions)
    good = block.transactions[0]
    header = replace(block.header, gas_limit=10**8, base_fee_per_gas=0)
    check: Callable[..., Any] = lambda *t: transactions_violation(t, header, LONDON, 1)  # noqa: E731  # short
    good = replace(good, gas=10**6)
    assert check(good, good) is None
    violation = check(good, good, replace(good, nonce=2**64 - 1), replace(good, gas=1))
    assert (violation.index, violation.reason) == (2, Reason.NONCE_IS_MAX)


def test_a_refusal_survives_pickling() -> None:
    (block, *_), chain = _ommer_chain()
    with pytest.raises(InvalidBlock) as caught:
        check_block(replace(block, header=replace(block.header, gas_used=10**9)), None, chain) or (
            check_block(block, block.header, chain)
        )
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.index, again.reason) == (
        str(caught.value),
        caught.value.index,
        caught.value.reason,
    )
    assert again.reason == Reason.UNKNOWN_PARENT == "unknown_parent"
