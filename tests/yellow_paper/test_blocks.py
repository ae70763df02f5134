"""Yellow Paper, sections 4.3, 4.4 and 11: headers, receipts, ommers, and the hashes of blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from blockstm.insight.assembly import assemble
from eth_typing import Address, Hash32
from tests.eips.rules import answers, refusal, refusal_after, since, word
from tests.ethereum.made import block_of, sealed, signed, with_header
from tests.ethereum.made import world as complete_state

import blockstm
from blockstm.ethereum import Account, Block, Header, Reason
from blockstm.ethereum.codecs.hashing import keccak

LOGS, FAILS = Address(b"\x11" * 20), Address(b"\x22" * 20)
WORK = {"difficulty": 2_048_000, "timestamp": 5}
NEXT = {"difficulty": 2_049_000, "timestamp": 6}


# -------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "istanbul"])
@pytest.mark.parametrize(
    ("before", "limit", "fits"),
    [
        (1_024_000, 1_024_999, True),
        (1_024_000, 1_025_000, False),  # a 1,024th is too much
        (1_024_000, 1_023_001, True),
        (1_024_000, 1_023_000, False),
        (5_003, 5_000, True),
        (5_003, 4_999, False),
    ],
)
def test_the_gas_limit_moves_by_less_than_a_1024th(
    fork: str, before: int, limit: int, fits: bool
) -> None:
    parent = WORK | {"gas_limit": before}
    reason = refusal_after(fork, parent, gas_limit=limit, **NEXT)
    assert reason is (None if fits else Reason.GAS_LIMIT)


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "istanbul"])
def test_a_header_follows_its_parent(fork: str) -> None:
    assert refusal_after(fork, WORK, **NEXT) is None
    assert refusal_after(fork, WORK, **NEXT, parent_hash=bytes(32)) is Reason.UNKNOWN_PARENT
    assert refusal_after(fork, WORK, **NEXT | {"timestamp": 5}) is Reason.TIMESTAMP
    assert refusal_after(fork, WORK, **NEXT | {"timestamp": 4}) is Reason.TIMESTAMP
    assert refusal_after(fork, WORK, **NEXT, extra_data=bytes(32)) is None
    assert refusal_after(fork, WORK, **NEXT, extra_data=bytes(33)) is Reason.EXTRA_DATA_TOO_LONG


# ------------------------------------------------------------------------------- receipts, results


def logging_block(fork: str) -> tuple[Block, Any]:
    """Two that log, one that fails after it has logged, and a payment."""
    logs = assemble("0xbeef 0xcafe 1 0 LOG2")
    fails = assemble("0xdead 0 0 LOG1 INVALID")
    state = complete_state({LOGS: Account(0, 1, logs), FAILS: Account(0, 1, fails)})
    transactions = (
        signed(0, nonce=0, to=LOGS, value=0),
        signed(1, nonce=0, to=FAILS, value=0),
        signed(0, nonce=1, to=LOGS, value=0),
        signed(1, nonce=1),
    )
    return sealed(block_of(transactions, fork), state, fork=fork), state


def bits(data: bytes) -> set[int]:
    """The three bits of a Bloom filter of 2,048: of the first three pairs of keccak's bytes."""
    hashed = keccak(data)
    return {int.from_bytes(hashed[at : at + 2], "big") % 2_048 for at in (0, 2, 4)}


@pytest.mark.parametrize("fork", since("frontier", until="amsterdam"))
def test_receipts_count_gas_and_filter_logs(fork: str) -> None:
    block, state = logging_block(fork)
    receipts = blockstm.execute_block(block, state, "evm", fork=fork, workers=2).receipts
    log = (LOGS, (0xCAFE.to_bytes(32, "big"), 0xBEEF.to_bytes(32, "big")), b"\0")
    assert [receipt.logs for receipt in receipts] == [(log,), (), (log,), ()]
    used = [21_000 + 4 * 3 + 375 * 3 + 8 + 3, 100_000, 21_000 + 4 * 3 + 375 * 3 + 8 + 3, 21_000]
    total = [sum(used[: place + 1]) for place in range(4)]
    assert [receipt.cumulative_gas_used for receipt in receipts] == total
    expected = set().union(*(bits(each) for each in (LOGS, *log[1])))
    for receipt in receipts:
        number = int.from_bytes(receipt.bloom, "big")
        assert {bit for bit in range(2_048) if number >> bit & 1} == (
            expected if receipt.logs else set()
        )
    assert block.header.logs_bloom == receipts[0].bloom
    assert block.header.gas_used == total[-1]


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "london", "osaka", "amsterdam"])
@pytest.mark.parametrize(
    ("member", "wrong", "reason"),
    [
        ("gas_used", lambda header: header.gas_used - 1, Reason.GAS_USED),
        ("gas_used", lambda header: header.gas_used + 1, Reason.GAS_USED),
        ("logs_bloom", lambda header: bytes(256), Reason.LOGS_BLOOM),
        ("receipts_root", lambda header: bytes(32), Reason.RECEIPTS_ROOT),
        ("state_root", lambda header: bytes(32), Reason.STATE_ROOT),
        ("transactions_root", lambda header: bytes(32), Reason.TRANSACTIONS_ROOT),
    ],
)
def test_a_header_commits_to_its_results(
    fork: str, member: str, wrong: Any, reason: Reason
) -> None:
    block, state = logging_block(fork)
    assert refusal(block, state, fork) is None
    said = with_header(block, **{member: wrong(block.header)})
    assert refusal(said, state, fork) is reason


# --------------------------------------------------------------------------------------- ommers


def chain_of(count: int) -> list[Block]:
    """Blocks without transactions one after another, the youngest first."""
    blocks: list[Block] = []
    for number in range(1, count + 1):
        given = {
            "timestamp": 10 * number,
            "difficulty": 2_048_000,
        }  # which ten seconds leave as it is
        if blocks:
            given["parent_hash"] = blocks[0].hash
        blocks.insert(0, block_of((), "byzantium", number=number, **given))
    return blocks


def naming(block: Block, ommers: tuple[Header, ...]) -> Block:
    named = replace(block, ommers=ommers)
    named = with_header(named, ommers_hash=named.ommers_hash)
    return sealed(named, complete_state(), fork="byzantium")


@pytest.mark.parametrize(
    ("backs", "reason"),
    [
        ((), None),
        ((1,), None),
        ((1, 6), None),
        ((7,), Reason.OMMER_TOO_OLD),
        ((1, 2, 3), Reason.TOO_MANY_OMMERS),
        ((2, 2), Reason.OMMER_TWICE),
    ],
)
def test_ommers(backs: tuple[int, ...], reason: Reason | None) -> None:
    """Siblings of the ancestors, up to six blocks back and two of them."""
    block, *ancestors = chain_of(9)
    ommers = tuple(replace(ancestors[back - 1].header, coinbase=LOGS) for back in backs)
    options = {"parent": ancestors[0].header, "ancestors": ancestors}
    found = refusal(naming(block, ommers), complete_state(), "byzantium", **options)
    assert found is reason


def test_an_ommer_is_no_ancestor_and_no_sibling() -> None:
    block, *ancestors = chain_of(9)
    options = {"parent": ancestors[0].header, "ancestors": ancestors}

    def reason(ommer: Header) -> Reason | None:
        return refusal(naming(block, (ommer,)), complete_state(), "byzantium", **options)

    assert reason(ancestors[2].header) is Reason.OMMER_IS_ANCESTOR
    assert reason(replace(block.header, coinbase=LOGS)) is Reason.OMMER_IS_SIBLING
    stranger = replace(ancestors[2].header, parent_hash=Hash32(bytes(32)))
    assert reason(stranger) is Reason.OMMER_NOT_RELATED
    assert reason(replace(ancestors[2].header, difficulty=1)) is Reason.DIFFICULTY


# ------------------------------------------------------------------------------------- BLOCKHASH


@pytest.mark.parametrize("fork", since("frontier"))
def test_the_hashes_of_the_last_256_blocks(fork: str) -> None:
    """Of block 1,000: from 744 to 999; 0 for every other number."""
    hashes = {number: Hash32(number.to_bytes(32, "big")) for number in range(700, 1_003)}
    rows = {number: number for number in (744, 745, 998, 999)}
    rows |= dict.fromkeys((0, 743, 1_000, 1_001, 2**64 + 999, 2**256 - 1), 0)
    sources = [f"{number} BLOCKHASH" for number in rows]
    assert answers(fork, sources, changed={"block_hashes": hashes}) == list(rows.values())


def test_a_young_chain_has_fewer() -> None:
    given = {"number": 3, "block_hashes": {n: Hash32(bytes([n + 1]) * 32) for n in range(4)}}
    for number, known in ((0, True), (2, True), (3, False), (2**256 - 1, False)):
        found = word("frontier", f"{number} BLOCKHASH", changed=given)
        assert (found != 0) is known


def test_a_block_knows_its_parents_hash() -> None:
    """From its header, without being told."""
    number = int.from_bytes(keccak(b"parent"), "big")
    tells = assemble("1 NUMBER SUB BLOCKHASH DUP1 SSTORE")
    state = complete_state({LOGS: Account(0, 1, tells)})
    for fork in ("frontier", "osaka"):
        block = block_of((signed(0, nonce=0, to=LOGS, value=0),), fork, number=7)
        block = sealed(block, state, fork=fork)
        after = state.copy()
        after.apply(blockstm.execute_block(block, state, "evm", fork=fork).writes)
        assert after.account(LOGS).storage == {number: number}
