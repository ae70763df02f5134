"""Pre-states of blocks in any schedule are those of the same transactions one after another.

What a balance was before a transaction is filled in when that becomes final: see
`PreStateRecorder`. The reference reads each balance where it is shown.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evm.world_blocks import (
    COINBASE,
    EMPTY,
    FUNDS,
    NOBODY,
    SENDERS,
    context,
    contract,
    number_of,
    transaction,
    words,
    world,
)
from tests.fixtures import mainnet_block

import blockstm
from blockstm import reference
from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.config import Config
from blockstm.ethereum import Account, read_block_file
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tracing import PrestateTracer
from blockstm.executor import Executor, explore
from blockstm.state.accounts import AccountState
from blockstm.testing import random_schedules
from blockstm.types import Status
from blockstm.vm.evm import BlockEnd, BlockStart, Evm, recording
from blockstm.vm.evm.inspection import Recorder

FORKS: Final = ["frontier", "spurious_dragon", "london", "cancun", "prague", "amsterdam"]
PAYER, DOOMED, FAILING, OBSERVER = (Address(bytes([0xA0 + i]) * 20) for i in range(4))
# The second is what the first sender creates with its second transaction.
CREATED: Final = Address(keccak(b"\xd6\x94" + SENDERS[0] + b"\x01")[12:])
COINBASES: Final = [COINBASE, CREATED, DOOMED, PAYER, SENDERS[1], EMPTY]


def accounts_of(coinbase: Address) -> Any:
    who = f"{number_of(coinbase):#x}"
    return world(
        {
            PAYER: contract(f"0 0 0 0 CALLVALUE {who} GAS CALL POP", 7),
            DOOMED: contract("CALLDATASIZE @go JUMPI STOP go: 0 CALLDATALOAD SELFDESTRUCT", 9),
            FAILING: contract(f"0 0 0 0 CALLVALUE {who} GAS CALL POP 0 0 REVERT"),
            OBSERVER: contract(f"{who} BALANCE 0 SSTORE", 1),
            EMPTY: Account(0, 0),
        }
    )


transfers = st.tuples(
    st.integers(0, 3),
    st.sampled_from([PAYER, FAILING, OBSERVER, NOBODY, None, "coinbase", *SENDERS[:3]]),
    st.sampled_from([0, 0, 1, 5, FUNDS]),
    st.just(b""),
)
endings = st.tuples(
    st.integers(0, 3),
    st.just(DOOMED),
    st.sampled_from([0, 3]),
    st.sampled_from([NOBODY, DOOMED, COINBASE, SENDERS[2]]).map(lambda to: words(number_of(to))),
)


def steps_of(given: list[tuple[int, Any, int, bytes]], coinbase: Address, price: int) -> list[Any]:
    """Transactions, each with the nonce that is its sender's if all before it are in the block."""
    nonces = dict.fromkeys(range(4), 0)
    steps: list[Any] = [BlockStart()]
    for sender, to, value, data in given:
        made = to if to != "coinbase" else coinbase
        code = initcode_of(assemble("CALLER SELFDESTRUCT")) if made is None else data
        members = {"value": value, "data": code, "gas_price": price}
        steps.append(transaction(sender, made, nonce=nonces[sender], **members))
        nonces[sender] += 1
    return [*steps, BlockEnd(withdrawals=[(coinbase, 11)])]


def recorded(run: Any, steps: list[Any], fork: str, coinbase: Address) -> Any:
    """What came of it, and of each step that is in the block what was recorded."""
    recorder = Recorder(recording.PRE_STATE)
    evm = Evm(fork, context(fork, coinbase), inspector=recorder)
    result = run(steps, AccountState(accounts_of(coinbase)), evm)
    counts = [o.index for o in result.outcomes if o.status is not Status.SKIPPED]
    return result.writes, {index: recorder.events[index] for index in counts}


def explored(choices: Any) -> Any:
    def run(steps: list[Any], state: Any, evm: Any) -> Any:
        ran = explore(steps, state, evm, choices=choices, workers=3, on_invalid="skip")
        assert ran.result is not None, ran.error
        return ran.result

    return run


def on(workers: int) -> Any:
    def run(steps: list[Any], state: Any, evm: Any) -> Any:
        with Executor(Config(gate=False), workers=workers) as executor:
            return executor.execute_block(steps, state, evm, on_invalid="skip")

    return run


def one_by_one(steps: list[Any], state: Any, evm: Any) -> Any:
    return reference.execute_block(steps, state, evm, on_invalid="skip")


@pytest.mark.parametrize("fork", FORKS)
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(transfers, transfers, endings), min_size=1, max_size=10),
    st.sampled_from(COINBASES),
    st.sampled_from([7, 7, 10]),
    st.lists(st.integers(0, 2), max_size=120),
)
def test_any_schedule_shows_what_one_after_another_shows(
    fork: str, given: Any, coinbase: Address, price: int, choices: list[int]
) -> None:
    steps = steps_of(given, coinbase, price)
    expected = recorded(one_by_one, steps, fork, coinbase)
    assert recorded(explored(choices), steps, fork, coinbase) == expected
    for workers in (1, 2):
        assert recorded(on(workers), steps, fork, coinbase) == expected


STORIES: Final[dict[str, list[tuple[int, Any, int, bytes]]]] = {
    "pays the coinbase": [(i % 4, "coinbase", i, b"") for i in range(8)],
    "pays through a contract": [(i % 4, PAYER, 3, b"") for i in range(6)],
    "fails after it has paid": [(i % 4, (FAILING, PAYER)[i % 2], 3, b"") for i in range(6)],
    "is created in the block": [(0, NOBODY, 1, b""), (1, NOBODY, 2, b""), (0, None, 4, b""),
                                (2, "coinbase", 5, b""), (0, NOBODY, 1, b"")],
    "destroys itself": [(0, DOOMED, 1, b""), (1, DOOMED, 2, words(number_of(NOBODY))),
                        (2, DOOMED, 3, b""), (3, DOOMED, 4, words(number_of(DOOMED))),
                        (0, NOBODY, 1, b"")],
    "sends": [(1, NOBODY, 5, b""), (0, SENDERS[1], 2, b""), (1, SENDERS[1], 3, b""),
              (1, PAYER, 1, b""), (2, "coinbase", 0, b"")],
    "is looked at": [(0, NOBODY, 1, b""), (1, OBSERVER, 0, b""), (2, NOBODY, 1, b""),
                     (3, OBSERVER, 0, b"")],
    "is paid more than there is": [(0, "coinbase", FUNDS, b""), (1, "coinbase", FUNDS - 10**7, b""),
                                   (1, "coinbase", FUNDS, b""), (2, "coinbase", 1, b"")],
}  # fmt: skip


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("coinbase", COINBASES, ids=lambda each: each.hex()[:4])
@pytest.mark.parametrize("story", STORIES)
def test_forced_schedules_show_the_same(story: str, coinbase: Address, fork: str) -> None:
    steps = steps_of(STORIES[story], coinbase, 10)
    expected = recorded(one_by_one, steps, fork, coinbase)
    assert recorded(on(1), steps, fork, coinbase) == expected
    schedules = random_schedules(5, workers=3)
    for _ in range(6):
        assert recorded(explored(next(schedules)), steps, fork, coinbase) == expected


def test_what_is_shown_of_a_coinbase_orders_nothing() -> None:
    """Each transaction pays it, and none looks: in no schedule is one run twice."""
    given = [(i, NOBODY, 1, b"") for i in range(8)]
    steps = [
        transaction(sender, to, value=value, nonce=0, data=data)
        for sender, to, value, data in given
    ]
    for choices in (schedule for schedule, _ in zip(random_schedules(9), range(40), strict=False)):
        recorder = Recorder(recording.PRE_STATE)
        evm = Evm("london", context("london"), inspector=recorder)
        ran = explore(steps, AccountState(dict[Any, Account](world())), evm, choices=choices)
        assert ran.result is not None
        assert ran.result.stats.incarnations == len(steps)
        [seen] = [each for each in shown(recorder.events[7]) if each.address == COINBASE]
        assert seen.balance_before == 7 * 21_000 * 3
        assert seen.balance_after == 8 * 21_000 * 3


def shown(events: bytes) -> list[recording.AccountSeen]:
    return [e for e in recording.read_events(events) if isinstance(e, recording.AccountSeen)]


@pytest.mark.parametrize("diff_mode", [False, True])
def test_real_blocks_show_the_same_on_any_workers(diff_mode: bool) -> None:
    for number in (12300570, 13287210, 2675001, 15537394, 19426587, 24628607):
        file = read_block_file(mainnet_block(number))
        ran: list[Any] = [
            blockstm.execute_block(
                *(file.block, file.state(), "evm"),
                block_hashes=file.block_hashes,
                workers=workers,
                tracer=PrestateTracer(diff_mode=diff_mode),
            )
            for workers in (1, 2, 4)
        ]
        one, two, four = (each.traces.json() for each in ran)
        assert one == two == four
