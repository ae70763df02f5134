"""Simulated blocks are those that another client has given for the same requests."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ethereum.builders import ATTRIBUTES, COINBASE, COUNTER, NOBODY, SENDERS, Site
from tests.ethereum.exchanges import (
    Exchange,
    exchanges,
    recorded,
)
from tests.ethereum.test_builders import BUILT, RICH, pay
from tests.ethereum.test_building import built

from blockstm.bench.evm.assembly import assemble
from blockstm.errors import ConfigError, InputError, SimulationError
from blockstm.ethereum import (
    AccountOverride,
    BlockCalls,
    BlockOverrides,
    Message,
    SimulatedBlock,
    Withdrawal,
    message_of,
    simulate,
)
from blockstm.rpc.messages import block_calls_of
from blockstm.rpc.simulated_forms import simulated_block_form
from blockstm.vm.forks import CANCUN, SPURIOUS_DRAGON, Fork

UNKNOWN_BLOCK = "header not found"


def simulated(exchange: Exchange) -> list[SimulatedBlock]:
    chain = recorded()
    request, at = exchange.params
    place = len(chain.blocks) - 1 if at == "latest" else int(at, 16)
    blocks = [block_calls_of(each, "block") for each in request["blockStateCalls"]]
    return simulate(
        chain.blocks[place].header,
        blocks,
        chain.states[place],
        chain=chain.chain,
        block_hashes=chain.block_hashes,
        validation=request.get("validation", False),
        trace_transfers=request.get("traceTransfers", False),
    )


def without_words(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the words for failures that are no reverts: each client has its own."""
    for call in calls:
        if call.get("error", {}).get("code") == -32015:
            del call["error"]["message"]
    return calls


ASKED = [
    each
    for each in exchanges()["eth_simulateV1"]
    if each.answer.get("error", {}).get("message") != UNKNOWN_BLOCK
]


@pytest.mark.parametrize(
    "exchange", [each for each in ASKED if "result" in each.answer], ids=lambda each: each.name
)
def test_simulated_blocks_are_what_another_client_has_given(exchange: Exchange) -> None:
    request = exchange.params[0]
    told = [
        simulated_block_form(each, full=request.get("returnFullTransactions", False))
        for each in simulated(exchange)
    ]
    assert len(told) == len(exchange.result)
    for ours, theirs in zip(told, exchange.result, strict=True):
        assert without_words(ours["calls"]) == without_words(theirs["calls"])
        assert ours == theirs


@pytest.mark.parametrize(
    "exchange", [each for each in ASKED if "error" in each.answer], ids=lambda each: each.name
)
def test_what_cannot_be_simulated_has_the_code_that_another_client_has_given(
    exchange: Exchange,
) -> None:
    error = exchange.answer["error"]
    kind = InputError if error["code"] == -32000 else SimulationError
    with pytest.raises(kind) as raised:
        simulated(exchange)
    if isinstance(raised.value, SimulationError):
        assert raised.value.code == error["code"]
    else:
        assert str(raised.value).lower() == error["message"].lower()


# ---- against blocks that are built


@pytest.mark.parametrize("fork", BUILT, ids=str)
def test_a_simulated_block_does_what_a_built_one_does(fork: Fork) -> None:
    site = Site(fork)
    pool = [pay(0, 0, 60_000, to=COUNTER), pay(1, 0), pay(0, 1)]
    if fork.newest_transaction_type < 2:
        price: dict[str, Any] = {"max_fee_per_gas": 0, "max_priority_fee_per_gas": 0}
        price["chain_id"] = 1337 if fork >= SPURIOUS_DRAGON else None
        pool = [
            (key, pay(key, each.nonce, each.gas, to=each.to, type=0, gas_price=10, **price)[1])
            for key, each in pool
        ]
    block = built(site, pool).block
    asked = BlockCalls(
        [message_of(each, SENDERS[key]) for key, each in pool],
        block_overrides=BlockOverrides(timestamp=ATTRIBUTES.timestamp, coinbase=COINBASE),
    )
    [done] = simulate(site.parent, [asked], RICH, chain=site.chain, validation=True)
    assert len(block.transactions) == len(done.calls) == 3
    ours, theirs = done.block.header, block.header
    for name in (
        "state_root",
        "receipts_root",
        "logs_bloom",
        "gas_used",
        "base_fee_per_gas",
        "requests_hash",
        "block_access_list_hash",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name


def asked(*calls: Message, **members: Any) -> BlockCalls:
    return BlockCalls(calls, **members)


def run(*blocks: BlockCalls, fork: Fork = CANCUN, **options: Any) -> list[SimulatedBlock]:
    site = Site(fork, gas_limit=10_000_000)
    return simulate(site.parent, blocks, RICH, chain=site.chain, **options)


def test_what_a_block_changes_is_there_in_the_next() -> None:
    reads = assemble("0 SLOAD 0 MSTORE 32 0 RETURN")
    stores = Message(sender=SENDERS[0], to=NOBODY, gas=200_000)
    code = assemble("0 SLOAD 1 ADD 0 SSTORE")
    first, second, third = run(
        asked(stores, stores, overrides={NOBODY: AccountOverride(code=code)}),
        asked(stores),
        asked(stores, overrides={NOBODY: AccountOverride(code=reads)}),
    )
    assert all(call.result.succeeded for each in (first, second, third) for call in each.calls)
    assert int.from_bytes(third.calls[0].result.output, "big") == 3
    assert [each.block.header.number for each in (first, second, third)] == [5, 6, 7]
    assert dict(RICH.accounts()).get(NOBODY) is None


def test_withdrawals_are_paid() -> None:
    [done] = run(
        asked(block_overrides=BlockOverrides(withdrawals=(Withdrawal(0, 0, NOBODY, 3),))),
    )
    assert done.block.withdrawals == (Withdrawal(0, 0, NOBODY, 3),)
    assert done.block.header.withdrawals_root == done.block.withdrawals_root
    [_, seen] = run(
        asked(block_overrides=BlockOverrides(withdrawals=(Withdrawal(0, 0, NOBODY, 3),))),
        asked(
            Message(data=assemble(f"0x{NOBODY.hex()} BALANCE 0 MSTORE 32 0 RETURN"), gas=500_000)
        ),
    )
    assert int.from_bytes(seen.calls[0].result.output, "big") == 3 * 10**9


def test_a_creation_and_what_destroys_itself_are_logged_as_transfers() -> None:
    initcode = assemble(f"0x{NOBODY.hex()} SELFDESTRUCT")
    [done] = run(
        asked(Message(sender=SENDERS[0], data=initcode, value=7, gas=500_000)),
        trace_transfers=True,
    )
    created = done.calls[0].result.created
    assert created is not None
    logs = [log for log, _ in done.calls[0].logs]
    moved = [(log.topics[1][12:], log.topics[2][12:], log.data[-1]) for log in logs]
    assert moved == [(SENDERS[0], created, 7), (created, NOBODY, 7)]
    assert done.receipts[0].logs == ()


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([asked(block_overrides=BlockOverrides(number=4))], -38020),
        ([asked(block_overrides=BlockOverrides(timestamp=999))], -38021),
        ([asked(block_overrides=BlockOverrides(number=4 + 257))], -38026),
        ([asked(Message(to=NOBODY, gas=10_000_001))], -38015),
        ([asked(Message(data=bytes(10**5), gas=5_000_000))], -38025),
        ([asked(Message(to=NOBODY, gas=20_000))], -38013),
        ([asked(Message(to=NOBODY, blob_hashes=()))], -32603),
    ],
)
def test_what_breaks_a_rule_has_its_code(blocks: list[BlockCalls], code: int) -> None:
    with pytest.raises(SimulationError) as raised:
        run(*blocks)
    assert raised.value.code == code
    assert raised.value.block == 0


def test_the_gas_of_a_simulation_is_capped() -> None:
    spender = {NOBODY: AccountOverride(code=assemble("again: @again JUMP"))}
    call = Message(to=NOBODY)
    [done] = run(asked(call, overrides=spender), gas_cap=30_000)
    assert done.calls[0].result.gas_used == 30_000
    with pytest.raises(SimulationError) as raised:  # nothing is left for the second
        run(asked(call, call, overrides=spender), gas_cap=30_000)
    assert (raised.value.code, raised.value.call) == (-38013, 1)


def test_what_is_of_the_wrong_kind_is_refused() -> None:
    wrong: list[tuple[Any, type, str]] = [
        ([None], InputError, r"blocks\[0\] is a"),
        ([asked(5)], InputError, r"blocks\[0\].calls\[0\] is a"),  # type: ignore[arg-type]  # on purpose
        ([asked(overrides=5)], InputError, "overrides map"),
        ([asked(block_overrides=5)], InputError, r"blocks\[0\].block_overrides"),
        ([asked(block_overrides=BlockOverrides(withdrawals=5))], InputError, "withdrawals"),  # type: ignore[arg-type]  # on purpose
    ]
    for blocks, kind, message in wrong:
        with pytest.raises(kind, match=message):
            run(*blocks)
    with pytest.raises(ConfigError, match="gas_cap"):
        run(gas_cap=0)
    with pytest.raises(InputError, match="knows its root"):
        simulate(Site(CANCUN).parent, [asked()], {}, chain=Site(CANCUN).chain)
