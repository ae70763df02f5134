"""Blocks to measure the EVM in parallel with, by name: what a block does, and how much of it.

Each is a list of transactions of one sort or a few, and the state they begin with; the same name,
size and seed give the same block everywhere. They differ in their conflicts: none, between a few
transactions, or of each transaction with the one before.

A state lists its accounts and their slots in random order, as on a chain: what a transaction meets
lies far from what the one before met. Workloads whose names end in ``-in-order`` list them as the
block uses them, which the processor's caches like better.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from blockstm.bench.blocks.agents_traffic import agents_traffic
from blockstm.bench.blocks.dex_traffic import dex_traffic
from blockstm.bench.blocks.fixture import GAS_PRICE, TRANSFER_GAS, Fixture
from blockstm.bench.blocks.market_traffic import market_traffic
from blockstm.errors import ConfigError
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.messages import brief
from blockstm.state.accounts import AccountState
from blockstm.vm.evm import Evm, Signed, Step

__all__ = ["BLOCK_WORKLOADS", "GIGAGAS", "BlockWorkload", "block_workload", "workload_of_file"]

GIGAGAS = 10**9
ERC20_GAS = 33_880
"""The gas of a transfer of the token, about."""
SWAP_GAS = 79_640
"""The gas of a swap in the pool, about."""
TOKEN_CHAIN_GAS = 46_180
"""The gas of a transfer of a whole balance to an account without tokens, about."""
SETTLEMENT_GAS = 64_400
"""The gas of what happens to a job, on average, about."""
AI_SWAP_GAS = 100_900
"""The gas of a swap whose fee a network sets, about."""
AGENT_GAS = 42_800
"""The gas of what an agent does, on average, about."""
HOT_HOLDERS = 10
POOLS = 64
DEPTH = 10**24


@dataclass(frozen=True)
class BlockWorkload:
    """A block to measure with.

    Attributes:
        name: one of `BLOCK_WORKLOADS`.
        about: what its transactions do, in a few words.
        steps: the transactions.
        state: what they begin with.
        evm: the EVM in their block.
        all_succeed: whether none of them may fail; a real block's may.
        is_portable: whether other EVMs can run them, too: none has a chain's own precompiles.
    """

    name: str
    about: str
    steps: Sequence[Step] = field(repr=False)
    state: AccountState = field(repr=False)
    evm: Evm
    all_succeed: bool = True
    is_portable: bool = True


# ---------------------------------------------------------------- no conflicts


def _transfers(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    sources, targets = fixture.people("source", count), fixture.people("target", count)
    return [fixture.pay(*pair) for pair in zip(sources, targets, strict=True)]


def _token_transfers(share: float) -> Callable[[Fixture, int, random.Random], list[Signed]]:
    """ERC-20 transfers; of each, the receiver is with this probability one of a few."""

    def make(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
        token = fixture.token("token")
        sources, targets = fixture.people("source", count), fixture.people("target", count)
        hot = fixture.people("hot", HOT_HOLDERS) if share else []
        for holder in (*sources, *targets, *hot):
            fixture.mint(token, holder, 1000)
        for place in range(count):
            if draw.random() < share:
                targets[place] = draw.choice(hot)
        return [
            fixture.give(token, source, target)
            for source, target in zip(sources, targets, strict=True)
        ]

    return make


def _swaps(pools: int | None) -> Callable[[Fixture, int, random.Random], list[Signed]]:
    """Swaps of people of their own; each in a pool of its own, or all in a few."""

    def make(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
        return _traders(fixture, "trader", count, pools or count, draw)

    return make


def _traders(
    fixture: Fixture, name: str, count: int, pools: int, draw: random.Random
) -> list[Signed]:
    tokens = fixture.token("first"), fixture.token("second")
    there = [fixture.pool(f"pool {number}", *tokens, DEPTH) for number in range(pools)]
    traders = fixture.people(name, count)
    steps = []
    for place, trader in enumerate(traders):
        pool = there[place] if pools == count else draw.choice(there)
        for token in tokens:
            fixture.mint(token, trader, 10**18)
        fixture.approve(tokens[0], trader, pool, 10**18)
        steps.append((pool, trader))
    return [fixture.swap(pool, trader, draw.randrange(10**6, 10**9)) for pool, trader in steps]


# ---------------------------------------------------------------- a few are met by many


def _one_recipient(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    target = fixture.person("everyone's target")
    return [fixture.pay(source, target) for source in fixture.people("source", count)]


_EARNED_BY = 20
"""Transactions after each of which the beneficiary spends most of what they brought."""


def _beneficiary(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """All fees go to an account that has nothing else, and pays others out of them."""
    beneficiary = fixture.person("coinbase", balance=0)
    tips = (_EARNED_BY - 1) * TRANSFER_GAS * GAS_PRICE // 2
    value = tips - TRANSFER_GAS * GAS_PRICE
    steps = []
    for number, source in enumerate(fixture.people("source", count)):
        if number % _EARNED_BY == _EARNED_BY - 1:
            steps.append(fixture.pay(beneficiary, source, value))
        else:
            steps.append(fixture.pay(source, fixture.named(f"target {number}")))
    return steps


def _hybrid(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """60 % transfers of ether, 20 % of a token, between accounts that occur often, 20 % swaps."""
    swaps, gifts = count // 5, count // 5
    people = fixture.people("person", max(2, count // 2))
    token = fixture.token("token")
    for person in people:
        fixture.mint(token, person, 10**6)
    trades = _traders(fixture, "trader", swaps, min(POOLS, max(1, swaps)), draw)
    kinds = ["swap"] * swaps + ["gift"] * gifts + ["transfer"] * (count - swaps - gifts)
    draw.shuffle(kinds)
    steps = []
    for kind in kinds:
        if kind == "swap":
            steps.append(trades.pop())
            continue
        source, target = draw.sample(people, 2)
        steps.append(
            fixture.pay(source, target)
            if kind == "transfer"
            else fixture.give(token, source, target)
        )
    return steps


# ---------------------------------------------------------------- chains


def _transfer_chain(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """Each account pays the next out of what the one before paid, and has nothing else."""
    fee = TRANSFER_GAS * GAS_PRICE
    source = fixture.person("link 0", balance=(count + 1) * fee)
    steps = []
    for number in range(1, count + 1):
        target = fixture.named(f"link {number}")
        steps.append(fixture.pay(source, target, (count + 1 - number) * fee))
        source = target
    return steps


def _token_chain(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """One coin of a token goes from hand to hand."""
    token = fixture.token("token")
    people = fixture.people("link", count + 1)
    fixture.mint(token, people[0], 1)
    return [fixture.give(token, *pair) for pair in pairwise(people)]


@dataclass(frozen=True)
class _Recipe:
    """How a workload is made; ``gas`` that one of its transactions uses, about.

    ``in_order``: whether the state lists its accounts in the order in which the block uses them.
    """

    about: str
    gas: int
    make: Callable[[Fixture, int, random.Random], list[Signed]]
    in_order: bool = False


_HYBRID_GAS = (3 * TRANSFER_GAS + ERC20_GAS + SWAP_GAS) // 5

BLOCK_WORKLOADS: Mapping[str, _Recipe] = MappingProxyType(
    {
        "transfers": _Recipe(
            "ether, each between two accounts of its own", TRANSFER_GAS, _transfers
        ),
        "erc20": _Recipe("one token, independent holders", ERC20_GAS, _token_transfers(0)),
        "swaps": _Recipe("each in a pool of its own", SWAP_GAS, _swaps(None)),
        "erc20-hot-10": _Recipe("one token, 10 % to ten holders", ERC20_GAS, _token_transfers(0.1)),
        "erc20-hot-30": _Recipe("one token, 30 % to ten holders", ERC20_GAS, _token_transfers(0.3)),
        "hybrid": _Recipe("60 % ether, 20 % token, 20 % swaps", _HYBRID_GAS, _hybrid),
        "one-recipient": _Recipe("ether, all to the same", TRANSFER_GAS, _one_recipient),
        "beneficiary": _Recipe("the coinbase spends its fees", TRANSFER_GAS, _beneficiary),
        "transfer-chain": _Recipe("ether from hand to hand", TRANSFER_GAS, _transfer_chain),
        "token-chain": _Recipe("a token from hand to hand", TOKEN_CHAIN_GAS, _token_chain),
        "pool-chain": _Recipe("swaps, all in one pool", SWAP_GAS, _swaps(1)),
        "settlement": _Recipe(
            "a market of compute: jobs, bids, answers, payments", SETTLEMENT_GAS, market_traffic
        ),
        "ai-dex": _Recipe("swaps, a network sets each fee, 64 pools", AI_SWAP_GAS, dex_traffic),
        "agents": _Recipe(
            "each acts once, by signals of earlier blocks", AGENT_GAS, agents_traffic
        ),
        "transfers-in-order": _Recipe(
            "as transfers, accounts in order of use", TRANSFER_GAS, _transfers, in_order=True
        ),
        "erc20-in-order": _Recipe(
            "as erc20, accounts in order of use", ERC20_GAS, _token_transfers(0), in_order=True
        ),
    }
)
"""Name → how it is made."""


def block_workload(name: str, *, gas: int = GIGAGAS, seed: int = 1) -> BlockWorkload:
    """Make a workload.

    Args:
        name: one of `BLOCK_WORKLOADS`.
        gas: about how much gas the block uses.
        seed: of what is drawn.

    Raises:
        ConfigError: no such workload, or less gas than two of its transactions use.
    """
    if name not in BLOCK_WORKLOADS:
        raise ConfigError(f"a workload is one of {', '.join(BLOCK_WORKLOADS)}, not {brief(name)}")
    recipe = BLOCK_WORKLOADS[name]
    count = -(-gas // recipe.gas)
    if count < 2:
        raise ConfigError(f"gas is {2 * recipe.gas} or more for {name}, not {gas}")
    fixture = Fixture()
    steps = recipe.make(fixture, count, random.Random(seed))
    order = None if recipe.in_order else random.Random(seed)
    return BlockWorkload(
        name,
        recipe.about,
        steps,
        fixture.state(order),
        fixture.evm(),
        is_portable=not fixture.uses_ai,
    )


def workload_of_file(file: BlockFile) -> BlockWorkload:
    """A real block as a workload, its senders recovered."""
    prepared = prepare_file(file)
    number = prepared.block.header.number
    return BlockWorkload(
        f"block {number}",
        f"{prepared.fork.name}, as it is on the chain",
        prepared.steps,
        prepared.state,
        prepared.vm,
        all_succeed=False,
    )
