"""A chain's own base fee and rule of headers: built, executed, imported, asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.builders import ATTRIBUTES, GAS_LIMIT, Site, contract
from tests.ethereum.made import chain_under, with_header
from tests.ethereum.test_builders import RICH, pay
from tests.ethereum.test_building import verify

import blockstm
from blockstm.chain import Chain as ImportedChain
from blockstm.errors import ConfigError, InputError, InvalidBlock, StoreMismatch
from blockstm.ethereum import (
    AccountState,
    BlockCalls,
    BuiltBlock,
    Header,
    Reason,
    build_block,
    simulate,
)
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.execution.checks import execute_in_order
from blockstm.ethereum.genesis import Genesis, parse_genesis
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.rules.ommers import ommers_violation
from blockstm.ethereum.transition import Environment, transition
from blockstm.rpc import Node, dispatch
from blockstm.vm.forks import BERLIN, CANCUN, LONDON, SHANGHAI, Fork

STEP = 2
FORKS = ["london", "cancun", "prague", "amsterdam"]
# BASEFEE, PUSH1 0, SSTORE
KEEPER = contract(bytes.fromhex("48600055"))
AT = b"\xbf" * 20


def rising(parent: Header) -> int:
    """Two wei more than the parent's, whatever it used."""
    return (parent.base_fee_per_gas or 100) + STEP


def even_time(header: Header, parent: Header) -> str | None:
    """Blocks come at even times, of a header's own choice."""
    return f"an odd time, {header.timestamp} s" if header.timestamp % 2 else None


def site(fork: Fork | str, **members: Any) -> Site:
    """A place to build on a chain with members of its own."""
    made = Site(blockstm.ethereum.fork_named(fork) if isinstance(fork, str) else fork)
    object.__setattr__(made, "chain", replace(made.chain, **members))
    return made


def built(where: Site, **options: Any) -> BuiltBlock:
    pool = [pay(key, 0)[1] for key in range(4)]
    state = with_keeper()
    pool.append(pay(0, 1, to=AT, gas=250_000, value=0)[1])
    options = {"attributes": ATTRIBUTES, "chain": where.chain, **options}
    return build_block(where.parent, pool, state, **options)


def with_keeper() -> AccountState:
    return AccountState({**dict(RICH.accounts()), AT: KEEPER})


def run_in_order(block: Block, where: Site) -> Any:
    return execute_in_order(block, with_keeper(), chain=where.chain, parent=where.parent)


def run_on_two(block: Block, where: Site) -> Any:
    options: Any = {"chain": where.chain, "parent": where.parent, "workers": 2}
    return blockstm.execute_block(block, with_keeper(), vm="evm", **options)


RUNS: list[Callable[[Block, Site], Any]] = [run_in_order, run_on_two]


# ---- a base fee


@pytest.mark.parametrize("fork", FORKS)
def test_a_block_with_the_chains_base_fee_verifies(fork: str) -> None:
    where = site(fork, base_fee=rising)
    done = built(where)
    assert done.rejected == ()
    assert done.block.header.base_fee_per_gas == 7 + STEP
    assert done.executed.writes[AT].storage == {0: 7 + STEP}  # what code sees
    verify(where, done, with_keeper())


def test_who_offers_less_is_left_out_of_it() -> None:
    done = built(site("cancun", base_fee=lambda parent: 11))  # they offer 10
    assert {each.reason for each in done.rejected} == {Reason.FEE_CAP_BELOW_BASE_FEE}
    assert len(done.rejected) == 5


@pytest.mark.parametrize("run", RUNS)
def test_a_base_fee_holds_on_its_chain_alone(run: Callable[[Block, Site], Any]) -> None:
    own, usual = site("cancun", base_fee=rising), site("cancun")
    for made_on, run_on in ((own, usual), (usual, own)):
        block = built(made_on).block
        run(block, made_on)
        with pytest.raises(InvalidBlock) as caught:
            run(block, run_on)
        assert caught.value.reason == Reason.BASE_FEE


def test_the_first_block_of_london_follows_a_parent_without_a_fee() -> None:
    where = site(LONDON, base_fee=rising)
    begins = replace(
        where.chain,
        activations=(
            blockstm.ethereum.Activation(BERLIN, block=0),
            blockstm.ethereum.Activation(LONDON, block=5),
        ),
    )
    parent = replace(where.parent, base_fee_per_gas=None)
    done = build_block(parent, [], RICH, attributes=ATTRIBUTES, chain=begins)
    assert done.block.header.base_fee_per_gas == 100 + STEP


def test_before_london_nobody_asks_for_one() -> None:
    where = site(BERLIN, base_fee=lambda parent: pytest.fail("asked"))
    assert (
        build_block(
            where.parent, [], RICH, attributes=ATTRIBUTES, chain=where.chain
        ).block.header.base_fee_per_gas
        is None
    )


@pytest.mark.parametrize("fee", [-1, 2**256, None, "7", 7.0, True])
def test_what_is_no_fee_is_told(fee: Any) -> None:
    usual = site("cancun")
    where = site("cancun", base_fee=lambda parent: fee)
    with pytest.raises(ConfigError, match="the base_fee of a chain gives an int from 0"):
        built(where)
    for run in RUNS:
        with pytest.raises(ConfigError, match="the base_fee of a chain"):
            run(built(usual).block, where)


@pytest.mark.parametrize("member", ["base_fee", "header_rule"])
@pytest.mark.parametrize("run", RUNS)
def test_what_a_function_raises_reaches_the_caller(member: str, run: Any) -> None:
    def broken(*given: Header) -> Any:
        raise LookupError("mine")

    block = built(site("cancun")).block
    where = site("cancun", **{member: broken})
    with pytest.raises(LookupError, match="mine"):
        run(block, where)
    with pytest.raises(LookupError, match="mine"):
        built(where)


# ---- a rule of headers


@pytest.mark.parametrize("fork", ["berlin", *FORKS])
def test_a_header_keeps_the_rule_of_its_chain(fork: str) -> None:
    where = site(fork, header_rule=even_time)
    verify(where, built(where), with_keeper())
    with pytest.raises(InputError, match="these attributes: an odd time, 1001 s"):
        built(where, attributes=replace(ATTRIBUTES, timestamp=1_001))
    odd = built(site(fork), attributes=replace(ATTRIBUTES, timestamp=1_001)).block
    for run in RUNS:
        run(odd, site(fork))
        with pytest.raises(InvalidBlock, match="an odd time, 1001 s") as caught:
            run(odd, where)
        assert (caught.value.reason, caught.value.index) == (Reason.HEADER_RULE, None)
    # Without a parent nothing of a header is checked that depends on one.
    blockstm.execute_block(odd, with_keeper(), vm="evm", chain=where.chain)


@pytest.mark.parametrize("run", RUNS)
def test_the_rules_of_the_fork_come_first(run: Callable[[Block, Site], Any]) -> None:
    block = with_header(built(site("cancun")).block, timestamp=1_001, base_fee_per_gas=8)
    with pytest.raises(InvalidBlock) as caught:
        run(block, site("cancun", header_rule=even_time))
    assert caught.value.reason == Reason.BASE_FEE


def test_a_rule_sees_both_headers() -> None:
    seen: list[tuple[Header, Header]] = []
    where = site("cancun", header_rule=lambda *headers: seen.append(headers))
    block = built(where).block
    seen.clear()
    run_on_two(block, where)
    assert seen == [(block.header, where.parent)]


@pytest.mark.parametrize("said", [7, b"wrong", False, True, ""])
def test_a_rule_says_words_or_nothing(said: Any) -> None:
    block, where = built(site("cancun")).block, site("cancun", header_rule=lambda *_: said)
    expected = InvalidBlock if said == "" else ConfigError  # words, though few
    for run in RUNS:
        with pytest.raises(expected):
            run(block, where)


def test_ommers_keep_the_rule() -> None:
    where = site(
        BERLIN, header_rule=lambda header, parent: "an extra" if header.extra_data else None
    )
    grandparent = replace(where.parent, ommers_hash=NO_OMMERS_HASH)
    first = build_block(grandparent, [], RICH, attributes=ATTRIBUTES, chain=where.chain).block
    later = replace(ATTRIBUTES, timestamp=1_010)
    block = build_block(first.header, [], RICH, attributes=later, chain=where.chain).block
    ancestors = [first, Block(grandparent.hash, grandparent, ())]
    for extra, reason in ((b"", None), (b"extra", Reason.HEADER_RULE)):
        ommer = replace(first.header, coinbase=b"\x0e" * 20, extra_data=extra)
        named = replace(block, ommers=(ommer,))
        assert named.ommers_hash is not None
        named = replace(named, header=replace(block.header, ommers_hash=named.ommers_hash))
        violation = ommers_violation(named, ancestors, where.chain)
        assert (None if violation is None else violation.reason) == reason


# ---- the chain that has them


@pytest.mark.parametrize("member", ["base_fee", "header_rule"])
def test_what_is_no_function_is_refused(member: str) -> None:
    with pytest.raises(ConfigError, match=f"the {member} of a chain is a function, not 7"):
        chain_under("london", **{member: 7})


def test_a_chain_under_another_fork_keeps_them_and_differs_by_them() -> None:
    chain = chain_under("london", base_fee=rising, header_rule=even_time)
    moved = chain.under("shanghai")
    assert (moved.base_fee, moved.header_rule) == (rising, even_time)
    assert chain != chain_under("london")
    assert hash(chain) == hash(chain_under("london"))


# ---- chains that grow, and what else follows a parent


def genesis_of(where: Site) -> Genesis:
    document = {
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": "0x7",
        "alloc": {
            address.hex(): {
                "balance": hex(account.balance),
                "code": "0x" + (account.code or b"").hex(),
            }
            for address, account in RICH.accounts()
        },
    }
    return parse_genesis(document, chain=where.chain)


@pytest.mark.parametrize("pipelined", [False, True])
def test_blocks_are_imported_by_the_rules_of_their_chain(pipelined: bool) -> None:
    where = site(SHANGHAI, base_fee=rising, header_rule=even_time)
    usual = site(SHANGHAI)
    with (
        ImportedChain.in_memory(genesis_of(where), workers=2) as chain,
        ImportedChain.in_memory(genesis_of(usual), workers=1) as other,
    ):
        blocks = []
        state, parent = with_genesis(where), chain.head.header
        for number in range(3):
            attributes = replace(ATTRIBUTES, timestamp=2 + 2 * number)
            pool = [pay(key, number, max_fee_per_gas=100)[1] for key in range(4)]
            done = build_block(parent, pool, state, attributes=attributes, chain=where.chain)
            assert done.rejected == ()
            state.apply(done.executed.writes)
            blocks.append(done.block)
            parent = done.block.header
        assert len(list(chain.import_blocks(blocks, pipelined=pipelined))) == 3
        assert chain.head.header.base_fee_per_gas == 7 + 3 * STEP
        with pytest.raises(InvalidBlock) as caught:
            list(other.import_blocks(blocks, pipelined=pipelined))
        assert caught.value.reason == Reason.BASE_FEE
        assert other.head.number == 0
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_baseFee", "params": []}
        for one, fee in ((chain, 7 + 4 * STEP), (other, 7 - 7 // 8 or 7)):
            answer: Any = dispatch(Node(one), request)
            assert int(answer["result"], 16) == fee


def with_genesis(where: Site) -> AccountState:
    return AccountState(genesis_of(where).accounts)


def test_simulated_blocks_and_transitions_have_the_chains_base_fee() -> None:
    where = site("cancun", base_fee=rising)
    blocks = simulate(
        where.parent, [BlockCalls(), BlockCalls()], RICH, chain=where.chain, validation=True
    )
    assert [each.block.header.base_fee_per_gas for each in blocks] == [7 + STEP, 7 + 2 * STEP]
    environment = Environment.from_json(
        {
            "currentCoinbase": "0x" + "00" * 20,
            "currentGasLimit": GAS_LIMIT,
            "currentNumber": 5,
            "currentTimestamp": 1_000,
            "currentRandom": 0,
            "parentBaseFee": 7,
            "parentGasUsed": 0,
            "parentGasLimit": GAS_LIMIT,
            "withdrawals": [],
            "currentExcessBlobGas": 0,
            "parentBeaconBlockRoot": "0x" + "00" * 32,
        }
    )
    with blockstm.Executor(workers=1) as executor:
        made = transition(executor.execute_block, environment, [], RICH, where.chain)
    assert made.block.header.base_fee_per_gas == 7 + STEP


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("precompiles", {AT: lambda data, gas: (data, 0)}),
        ("opcodes", {0x0C: None}),
        ("base_fee", rising),
        ("header_rule", even_time),
    ],
)
def test_a_chain_on_disk_is_opened_with_its_own_functions_alone(
    member: str, value: Any, tmp_path: Path
) -> None:
    """Without them it would take its own blocks for invalid."""
    pytest.importorskip("mdbx")
    where, folder = site(CANCUN, **{member: value}), tmp_path / "chain"
    ImportedChain.open(folder, genesis=genesis_of(where)).close()
    with pytest.raises(StoreMismatch):
        ImportedChain.open(folder, spec=site(CANCUN).chain).close()
    with pytest.raises(StoreMismatch):
        ImportedChain.open(folder).close()
    ImportedChain.open(folder, spec=where.chain).close()
