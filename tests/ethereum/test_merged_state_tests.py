"""Official state tests merged into blocks where they meet: parallel equals sequential.

The tests' own expectations are those of `test_official_states`; here the same bytecode runs under
contention, and what counts is that every number of workers, every schedule and every option comes
to what the transactions one after another come to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import cycle, islice
from typing import Any

import pytest
from tests.ethereum.official import documents

from blockstm.cli.fixtures.machines import state_test_context
from blockstm.cli.fixtures.statetests import StateTest, is_state_test
from blockstm.config import Config
from blockstm.errors import DecodeError
from blockstm.ethereum.execution.senders import recover_authorities
from blockstm.executor import execute_block, explore
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_serial_equivalent, random_schedules
from blockstm.testing.conflicts import ConflictGenerator
from blockstm.testing.merged_state_tests import MergedBlock, Piece, merge
from blockstm.vm.evm import BlockContext, Evm, Signed
from blockstm.vm.forks import AMSTERDAM, Fork

LEGACY = "legacy-tests.tar.xz"
ARCHIVES = {
    "Frontier": LEGACY,
    "Homestead": LEGACY,
    "EIP150": LEGACY,
    "EIP158": LEGACY,
    "Byzantium": LEGACY,
    "Constantinople": LEGACY,
    "ConstantinopleFix": LEGACY,
    "Istanbul": LEGACY,
    "Berlin": LEGACY,
    "London": LEGACY,
    "Paris": LEGACY,
    "Shanghai": LEGACY,
    "Cancun": "ethereum-tests-state.tar.xz",
    "Prague": "eest-prague.tar.xz",
    "Osaka": "eest-osaka.tar.xz",
    "Amsterdam": "eest-amsterdam-glamsterdam-devnet-8.tar.xz",
}
PIECES_OF_A_FORK = 200
LARGE, SMALL = 60, 8  # pieces of a block: for real threads, for schedules
WORKERS = (2, 4, 8)
EAGER = Config(throttle=False)
"""Speculates even where it does not pay, so that transactions do meet."""
CONFIGS = (
    Config(),
    Config(throttle=False, estimates=False),
    Config(throttle=False, revalidation=False),
    Config(throttle=False, window=1),
    Config(throttle=False, window=8, max_incarnations=1),
    Config(throttle=False, estimates=False, revalidation=False),
)


def candidates(archive: str) -> Iterator[tuple[str, StateTest]]:
    """Every test of an archive under every network that it is for."""
    for path, document in documents(archive, "tate"):
        for name, test in document.items():
            if is_state_test(test):
                for network in test["post"]:
                    yield network, StateTest(f"{path}:{name}", test)


@cache
def samples(archive: str, size: int) -> dict[str, list[StateTest]]:
    """``size`` tests of each network of an archive, all equally likely; always the same."""
    rng = random.Random(archive)
    chosen: dict[str, list[StateTest]] = {}
    seen: dict[str, int] = {}
    for network, test in candidates(archive):
        kept = chosen.setdefault(network, [])
        seen[network] = seen.get(network, 0) + 1
        if len(kept) < size:
            kept.append(test)
        elif (place := rng.randrange(seen[network])) < size:
            kept[place] = test
    return chosen


def piece_of(test: StateTest, network: str, rng: random.Random) -> Piece | None:
    """One case of a test, drawn; None where its transaction is not even one."""
    try:
        transaction = test.transaction(rng.choice(list(test.posts(network))))
    except DecodeError:
        return None
    if transaction.value >> 256:
        return None
    [authorities] = recover_authorities([transaction], 1)
    return Piece(test.accounts, Signed(transaction, test.sender, authorities))


def evm_for(test: StateTest, fork: Fork) -> Evm:
    """The EVM in the block of a test, at fees that every test pays."""
    header = test.header(fork)
    if header.base_fee_per_gas is not None:
        header = replace(header, base_fee_per_gas=1)
    context = state_test_context(header, fork, test.chain_id)
    return Evm(fork.rules, replace(context, has_access_list=fork >= AMSTERDAM))


def blocks(tests: list[StateTest], network: str, seed: int) -> Iterator[tuple[Evm, MergedBlock]]:
    """Blocks of all these tests; what does not fit into one goes into the next."""
    rng = random.Random(seed)
    tests = rng.sample(tests, len(tests))
    pieces = [piece for test in tests if (piece := piece_of(test, network, rng)) is not None]
    forced = False
    sizes = cycle((LARGE, SMALL, SMALL, SMALL))
    while pieces:
        evm = evm_for(rng.choice(tests), tests[0].fork(network))
        size = next(sizes)
        block = merge(pieces[:size], evm, seed=rng.getrandbits(32), forced=forced)
        assert block.pieces, "not one piece fits"
        forced = block.pieces < len(block.left_out)  # what is left all has the same addresses
        pieces = pieces[size:] + block.left_out
        yield evm, block


def check(evm: Evm, block: MergedBlock, seed: int, *, schedules: int = 5) -> int:
    """Run a block in many ways; how many incarnations were in vain under some schedules."""
    state = AccountState(block.accounts)
    is_small = len(block.steps) < 4 * SMALL
    for config, workers in ((EAGER, WORKERS), (CONFIGS[seed % len(CONFIGS)], (4,))):
        assert_serial_equivalent(
            block.steps,
            state,
            evm,
            workers=workers,
            schedules=schedules if is_small else 0,
            seed=seed,
            config=config,
            on_invalid="skip",
            reference_vm=evm,
        )
    return _aborts(evm, block, seed) if is_small else 0


def _aborts(evm: Evm, block: MergedBlock, seed: int) -> int:
    state = AccountState(block.accounts)
    aborts = 0
    for schedule in islice(random_schedules(seed), 3):
        explored = explore(
            block.steps, state, evm, choices=schedule, config=EAGER, on_invalid="skip"
        )
        assert explored.result is not None
        aborts += sum(explored.result.stats.aborts.values())
    return aborts


@pytest.mark.parametrize("network", ARCHIVES)
def test_official_tests_under_contention(network: str) -> None:
    tests = samples(ARCHIVES[network], PIECES_OF_A_FORK)[network]
    merged = steps = aborts = 0
    for number, (evm, block) in enumerate(blocks(tests, network, seed=1)):
        aborts += check(evm, block, seed=number)
        merged, steps = merged + block.pieces, steps + len(block.steps)
    assert merged > 0.9 * len(tests)
    assert steps > 2 * merged  # each piece twice, less what is refused, and the conflicts's
    assert aborts > 0  # they did meet


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", [2, 3, 4])
@pytest.mark.parametrize("network", ARCHIVES)
def test_all_official_tests_under_contention(network: str, seed: int) -> None:
    tests = [test for name, test in candidates(ARCHIVES[network]) if name == network]
    for number, (evm, block) in enumerate(blocks(tests, network, seed)):
        check(evm, block, seed=number, schedules=10)


def evm_of(fork: str, **changed: Any) -> Evm:
    """The EVM in a block made here."""
    fields: dict[str, Any] = {"number": 9, "timestamp": 1000, "coinbase": bytes(19) + b"\x99"}
    fields |= {"gas_limit": 10**9, "base_fee_per_gas": 7, "excess_blob_gas": 0, "blob_base_fee": 1}
    return Evm(fork, BlockContext(**fields | changed))


@pytest.mark.parametrize("fork", ["frontier", "spurious_dragon", "petersburg", "osaka"])
def test_the_mixers_transactions_do_what_they_are_for(fork: str) -> None:
    evm = evm_of(fork)
    conflicts = ConflictGenerator(evm, random.Random(4))
    state = AccountState(conflicts.accounts)
    seen = set()
    for _ in range(400):
        signed = conflicts.draw(state)
        nonce = state.get((signed.sender, "nonce"), 0)
        step = Signed(replace(signed.transaction, nonce=nonce), signed.sender, signed.authorities)
        result = execute_block([step], state, evm, on_invalid="skip")
        state.apply(result.writes)
        seen |= {key[1] for key in result.writes if len(key) == 2}
        if result.outcomes[0].value is not None:
            seen |= {f"logs {bool(result.outcomes[0].value.logs)}", result.outcomes[0].value.error}
        seen.add(result.outcomes[0].status)
    assert {"balance", "nonce", "code_hash", "logs True", "success", ""} <= seen
    if fork == "petersburg":  # from Cancun on what stood there before stays
        assert "epoch" in seen
    if fork == "osaka":
        delegated = [a for _, a in state.accounts() if (a.code or b"").startswith(b"\xef\x01\x00")]
        assert delegated


def test_a_difference_is_found() -> None:
    """The same block, where the reference pays somebody else."""
    evm = evm_of("berlin", base_fee_per_gas=None)
    block = merge([], evm, seed=1)
    assert block.steps == []
    other = evm_of("berlin", base_fee_per_gas=None, coinbase=bytes(20))
    conflicts = ConflictGenerator(evm, random.Random(1))
    steps = [
        Signed(replace(conflicts.draw(AccountState()).transaction, nonce=0), bytes([n]) * 20)
        for n in range(1, 5)
    ]
    accounts = conflicts.accounts | {bytes([n]) * 20: Account(balance=10**20) for n in range(1, 5)}
    with pytest.raises(AssertionError, match="balance"):
        assert_serial_equivalent(
            steps, AccountState(accounts), evm, workers=(2,), schedules=0, reference_vm=other
        )
