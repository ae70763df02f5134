"""The options of `execute_block` for Ethereum blocks: none silently drops another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import (
    COINBASE,
    SENDERS,
    block_of,
    chain_under,
    sealed,
    signed,
    with_header,
)

import blockstm
from blockstm.errors import ConfigError, InputError, InvalidBlock
from blockstm.ethereum import (
    MAINNET,
    Account,
    AccountState,
    Activation,
    Block,
    Chain,
    Header,
    Reason,
    fork_named,
    prepare,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.fees import base_fee_after, blob_base_fee
from blockstm.ethereum.rules.header_rules import DAO_EXTRA_DATA
from blockstm.vm.forks import LONDON, PARIS, SHANGHAI, BlobSchedule

OWN_BLOBS = BlobSchedule(1, 2, 3_000_000)
DEPOSIT_CONTRACT = bytes(19) + b"\xdd"
TOPIC = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
# What it is called with, it logs as a deposit.
LOG_DEPOSIT = bytes.fromhex("6102405f5f377f") + TOPIC + bytes.fromhex("6102405fa100")
# Keeps what it is asked for a blob at slot 0: BLOBBASEFEE PUSH0 SSTORE.
KEEP_BLOB_FEE = bytes.fromhex("4a5f5500")
# Keeps the hash of block 3 at slot 0.
KEEP_HASH = bytes.fromhex("600340600055")
# Contracts that answer every call with nothing, where the system's stand.
REQUESTS = [
    bytes.fromhex(a)
    for a in (
        "00000961ef480eb55e80d19ad83579a64c007002",
        "0000bbddc7ce488642fb579f8b00f3a590007251",
    )
]
CALLED = bytes(19) + b"\xca"


def world(**codes: bytes) -> AccountState:
    accounts: Any = {sender: Account(10**18) for sender in SENDERS}
    placed = {CALLED: codes.get("called", b""), DEPOSIT_CONTRACT: LOG_DEPOSIT}
    placed |= dict.fromkeys(REQUESTS, b"\x00")
    accounts |= {place: Account(0, 1, code, keccak(code)) for place, code in placed.items()}
    return AccountState(accounts)


def deposit() -> bytes:
    def word(number: int) -> bytes:
        return number.to_bytes(32, "big")

    offsets = b"".join(map(word, (160, 256, 320, 384, 512)))
    return offsets + b"".join(word(n) + bytes(-(-n // 32) * 32) for n in (48, 32, 8, 96, 8))


# ---- fork beside chain


def test_a_fork_beside_a_chain_keeps_its_deposit_contract() -> None:
    block = block_of((signed(0, nonce=0, to=DEPOSIT_CONTRACT, data=deposit()),), "prague")
    chain = chain_under("prague", deposit_contract=DEPOSIT_CONTRACT)
    state = world()
    block = sealed(block, state, chain=chain)
    for options in ({}, {"fork": "prague"}, {"fork": fork_named("prague")}):
        executed = blockstm.execute_block(block, state, "evm", chain=chain, **options)  # type: ignore[arg-type]  # of a dict of options
        assert executed.requests is not None
        assert executed.requests[0][:1] == b"\0"


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_a_fork_by_name_keeps_the_blob_parameters_of_its_chain(fork: str) -> None:
    own = replace(fork_named("cancun"), blobs=OWN_BLOBS)
    chain = Chain(1, (Activation(LONDON, block=0), Activation(own, block=9)))
    excess = 10_000_000
    state = world(called=KEEP_BLOB_FEE)
    transaction = signed(0, nonce=0, to=CALLED)
    block = block_of((transaction,), fork, 10, excess_blob_gas=excess)
    done = prepare(block, state, chain=chain, fork=fork).run(blockstm.execute_block)
    assert done.writes[CALLED].storage[0] == blob_base_fee(excess, OWN_BLOBS)
    standard = fork_named(fork)
    done = prepare(block, state, chain=chain, fork=standard).run(blockstm.execute_block)
    assert standard.blobs is not None
    assert done.writes[CALLED].storage[0] == blob_base_fee(excess, standard.blobs)


def test_a_fork_beside_a_chain_keeps_its_proof_of_work_and_its_dao_block() -> None:
    chain = replace(MAINNET, checks_seals=True)
    under = chain.under("homestead")
    assert replace(under, fork=None) == chain
    assert (under.fork_at(10**7, 0), under.dao_fork_block) == (fork_named("homestead"), 1_920_000)
    parent = block_of((), "homestead", 1_919_999).header
    block = block_of((), "homestead", 1_920_000, parent_hash=parent.hash, timestamp=1_010)
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(block, world(), "evm", fork="homestead", parent=parent)
    assert caught.value.reason is Reason.DAO_EXTRA_DATA
    block = with_header(block, extra_data=DAO_EXTRA_DATA, difficulty=262_144)
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(block, world(), "evm", chain=under, parent=parent)
    assert caught.value.reason is Reason.PROOF_OF_WORK


def test_a_fork_beside_a_chain_keeps_its_id() -> None:
    block = block_of((signed(0, 1_337, nonce=0),), "london")
    state, chain = world(), replace(chain_under("berlin"), chain_id=1_337)
    block = sealed(block, state, chain=chain, fork="london")
    blockstm.execute_block(block, state, "evm", chain=chain, fork="london")
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(block, state, "evm", fork="london")
    assert caught.value.reason is Reason.CHAIN_ID


# ---- the merge


def merging(terminal: int) -> Chain:
    forks = (Activation(LONDON, block=0), Activation(PARIS, total_difficulty=terminal))
    return Chain(1, (*forks, Activation(SHANGHAI, timestamp=5_000)))


def child(parent: Header, difficulty: int, **members: Any) -> Block:
    """An empty block on top of a header; before the merge its difficulty is as it has to be."""
    members = {"timestamp": parent.timestamp + 5, "parent_hash": parent.hash, **members}
    members["base_fee_per_gas"] = base_fee_after(parent)
    fork = "london" if difficulty else "paris"
    return block_of((), fork, parent.number + 1, difficulty=difficulty, **members)


GENESIS = block_of((), "london", 0, timestamp=10).header
WORK = GENESIS.difficulty + GENESIS.difficulty // 2_048


def refusal(block: Block, terminal: int, parent: Header | None, **options: Any) -> str | None:
    """Why a block is refused; None where only its results are not what its header says."""
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(
            block, world(), "evm", chain=merging(terminal), parent=parent, **options
        )
    executed = caught.value.executed
    return caught.value.reason if executed is None else None


@pytest.mark.parametrize("parent", [GENESIS, None])
def test_without_a_total_difficulty_the_headers_difficulty_tells(parent: Header | None) -> None:
    first = GENESIS.difficulty
    assert refusal(child(GENESIS, 0), first, parent) is None
    assert refusal(child(GENESIS, WORK), first + 1, parent) is None


def test_what_is_known_of_the_merge_is_checked() -> None:
    first = GENESIS.difficulty
    too_early, too_late = child(GENESIS, 0), child(GENESIS, WORK)
    # The chain's first block is all that is before the second: its difficulty is the total.
    assert refusal(too_early, first + 1, GENESIS) is Reason.DIFFICULTY
    assert refusal(too_late, first, GENESIS) is Reason.DIFFICULTY
    later = replace(GENESIS, number=5)
    too_early, too_late = child(later, 0), child(later, WORK)
    assert refusal(too_early, 10 * first, later) is None  # nobody knows
    assert (
        refusal(too_early, 10 * first, later, total_difficulty=10 * first - 1) is Reason.DIFFICULTY
    )
    assert refusal(too_late, 10 * first, later, total_difficulty=10 * first) is Reason.DIFFICULTY
    assert refusal(too_late, 10 * first, later, total_difficulty=10 * first - 1) is None
    merged = replace(later, difficulty=0)
    assert refusal(child(merged, WORK), 10 * first, merged) is Reason.DIFFICULTY


def test_a_terminal_total_difficulty_of_zero_is_after_the_merge() -> None:
    assert refusal(child(GENESIS, 0), 0, GENESIS) is None
    assert refusal(child(GENESIS, WORK), 0, GENESIS) is Reason.DIFFICULTY


def test_time_decides_nothing_before_the_merge() -> None:
    late = child(GENESIS, WORK, timestamp=6_000)
    assert refusal(late, 10**9, None) is None


def test_a_chain_that_has_no_such_merge_takes_a_total_difficulty_too() -> None:
    state = world()
    block = sealed(block_of((), "london"), state, fork="london")
    blockstm.execute_block(block, state, "evm", fork="london", total_difficulty=5)


def test_prepare_goes_by_the_difficulty_as_well() -> None:
    state, chain = world(), merging(10**6)
    assert prepare(child(GENESIS, 0), state, chain=chain).fork == PARIS
    assert prepare(child(GENESIS, WORK), state, chain=chain).fork == LONDON
    assert prepare(child(GENESIS, 0), state, chain=chain, total_difficulty=5).fork == LONDON


# ---- what stands before a block


def lineage() -> tuple[Block, list[Block]]:
    """A block and the three before it, its parent first."""
    blocks = [block_of((), "london", 2, timestamp=1_000)]
    for _ in range(3):
        parent = blocks[0].header
        members = {"timestamp": parent.timestamp + 13, "parent_hash": parent.hash}
        members["base_fee_per_gas"] = base_fee_after(parent)
        blocks.insert(0, block_of((), "london", parent.number + 1, **members))
    return blocks[0], blocks[1:]


def test_ancestors_bring_the_parent_and_the_hashes() -> None:
    head, ancestors = lineage()
    state = world(called=KEEP_HASH)
    transaction = signed(0, nonce=0, to=CALLED)
    block = replace(head, transactions=(transaction,))
    block = with_header(block, transactions_root=block.transactions_root)
    block = sealed(block, state, fork="london", ancestors=ancestors)
    executed = blockstm.execute_block(block, state, "evm", fork="london", ancestors=ancestors)
    kept = executed.writes[CALLED].storage[0]
    assert kept == int.from_bytes(ancestors[1].hash, "big")
    late = with_header(block, timestamp=1)
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(late, state, "evm", fork="london", ancestors=ancestors)
    assert caught.value.reason is Reason.TIMESTAMP


def test_options_that_contradict_each_other_are_refused() -> None:
    head, ancestors = lineage()
    other = replace(ancestors[0].header, gas_used=1)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("ancestors begin with the parent", {"parent": other, "ancestors": ancestors}),
        (r"ancestors\[1\] is not the parent", {"ancestors": ancestors[::2]}),
        ("two hashes of block 3", {"ancestors": ancestors, "block_hashes": {3: bytes(32)}}),
        ("not the parent's hash", {"block_hashes": {4: bytes(32)}}),
    ]
    for message, options in wrong:
        with pytest.raises(InputError, match=message):
            blockstm.execute_block(head, world(), "evm", fork="london", **options)


def test_senders_that_are_given_are_as_many_as_transactions() -> None:
    block = block_of((signed(0, nonce=0),), "london")
    with pytest.raises(InputError, match="2 senders of 1"):
        prepare(block, world(), fork="london", senders=SENDERS[:2])


def test_general_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="on_invalid"):
        blockstm.execute_block(block_of((), "london"), world(), "evm", on_invalid="skip")  # type: ignore[call-overload]  # on purpose
    keys: Any = [COINBASE]
    with pytest.raises(InputError, match="hints"):
        blockstm.execute_block(block_of((), "london"), world(), "evm", fork="london", hints=keys)


@pytest.mark.parametrize(
    ("match", "make"),
    [
        (r"fork_named\('london'\)", lambda: Activation("london", block=0)),  # type: ignore[arg-type]  # on purpose
        (r"fork_named\('london'\)", lambda: replace(MAINNET, fork="london")),
        ("one of block=", lambda: Activation(LONDON, block="0")),  # type: ignore[arg-type]  # on purpose
        ("one of block=", lambda: Activation(LONDON, block=1.5)),  # type: ignore[arg-type]  # on purpose
        ("chain_id of a chain", lambda: replace(MAINNET, chain_id="1")),
        ("deposit_contract of a chain is 20 bytes", lambda: replace(MAINNET, deposit_contract=b"")),
        ("tuple of Activation", lambda: replace(MAINNET, activations=(LONDON,))),
        ("tuple of Activation", lambda: replace(MAINNET, activations=None)),
    ],
)
def test_a_chain_of_something_else_is_refused_in_words(match: str, make: Any) -> None:
    with pytest.raises(ConfigError, match=match):
        make()
