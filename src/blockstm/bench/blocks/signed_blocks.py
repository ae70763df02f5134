"""Generated blocks as they travel: signed, encoded, with a header that tells all their roots.

Accounts stand in random order, so that no table is read in the order in which it was filled. The
roots in the header come from one worker, from the receipts one by one, and from all accounts at
once, none of which is what is timed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Final

from blockstm.ai import precompiles
from blockstm.bench.bare_blocks import COLLECTORS, RULES, STOP, bare_header
from blockstm.bench.blocks.agents_traffic import agents_traffic
from blockstm.bench.blocks.dex_traffic import dex_traffic
from blockstm.bench.blocks.fixture import RICH, TIME, Fixture
from blockstm.bench.blocks.market_traffic import market_traffic
from blockstm.bench.blocks.signing import Signer, addresses_of_keys
from blockstm.bench.blocks.workloads import BLOCK_WORKLOADS
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import bloom_of
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import prepare
from blockstm.ethereum.tries.list_root import list_root
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.executor import execute_block
from blockstm.messages import brief
from blockstm.state.accounts import Account, AccountState
from blockstm.types import Address
from blockstm.vm.evm import Signed

__all__ = ["SIGNED_BLOCKS", "SignedBlock", "SigningFixture", "chain_of_generated", "signed_block"]

_GAS_LIMIT: Final = 1 << 40


@dataclass(frozen=True)
class SignedBlock:
    """A block to verify.

    Attributes:
        name: what it is called.
        encoding: the block's RLP.
        state: what it starts from, complete.
        transactions, gas: how many it has, and uses.
        uses_ai: whether the chain has the instructions of `blockstm.ai`.
    """

    name: str
    encoding: bytes = field(repr=False)
    state: AccountState = field(repr=False)
    transactions: int
    gas: int
    uses_ai: bool = False

    @property
    def chain(self) -> Chain:
        """Whose block it is."""
        return chain_of_generated(self.uses_ai)


def chain_of_generated(uses_ai: bool) -> Chain:
    """The chain of generated blocks, with or without the instructions of `blockstm.ai`."""
    return replace(RULES, precompiles=precompiles()) if uses_ai else RULES


class SigningFixture(Fixture):
    """A fixture whose people have keys."""

    def __init__(self) -> None:
        self._signer = Signer()
        self._keys: dict[Address, int] = {}
        super().__init__()

    def person(self, name: str, balance: int = RICH) -> Address:
        return self.people(name, 1, balance)[0]

    def people(self, kind: str, count: int, balance: int = RICH) -> list[Address]:
        keys = self._signer.new_keys(count)
        addresses = addresses_of_keys(keys, threads=usable_cores())
        self._keys |= zip(addresses, keys, strict=True)
        self._accounts |= {address: Account(balance=balance) for address in addresses}
        return addresses

    def collectors(self) -> None:
        """Put contracts in place that collect no requests, which a block calls at its end."""
        for address in COLLECTORS:
            self._accounts[address] = Account(nonce=1, code=STOP, code_hash=keccak(STOP))

    def sign(self, step: Signed) -> Transaction:
        unsigned: Transaction = step.transaction
        parity, r, s = self._signer.sign(unsigned.signing_hash, self._keys[step.sender])
        return replace(unsigned, v=parity, r=r, s=s)


def _transfers(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """Everyone pays somebody once, and is paid once."""
    sources = fixture.people("person", count)
    draw.shuffle(sources)
    targets = sources[:]
    draw.shuffle(targets)
    return [fixture.pay(*pair) for pair in zip(sources, targets, strict=True)]


def _token_transfers(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """The same with a token."""
    token = fixture.token("token")
    sources = fixture.people("person", count)
    for holder in sources:
        fixture.mint(token, holder, 1000)
    draw.shuffle(sources)
    targets = sources[:]
    draw.shuffle(targets)
    return [fixture.give(token, *pair) for pair in zip(sources, targets, strict=True)]


@dataclass(frozen=True)
class _Recipe:
    """How a block is made; ``count`` is of its transactions, and of those that send them."""

    about: str
    count: int
    make: Callable[[Fixture, int, random.Random], list[Signed]]


_ABOUT: Final = {name: recipe.about for name, recipe in BLOCK_WORKLOADS.items()}

SIGNED_BLOCKS: Mapping[str, _Recipe] = MappingProxyType(
    {
        "transfers-20000": _Recipe("ether, among as many accounts", 20_000, _transfers),
        "transfers-47620": _Recipe("the same, a gigagas of it", 47_620, _transfers),
        "erc20-29516": _Recipe("one token, a gigagas of it", 29_516, _token_transfers),
        "settlement-20000": _Recipe(_ABOUT["settlement"], 20_000, market_traffic),
        "ai-dex-20000": _Recipe(_ABOUT["ai-dex"], 20_000, dex_traffic),
        "agents-20000": _Recipe(_ABOUT["agents"], 20_000, agents_traffic),
    }
)
"""Name → how it is made."""


def signed_block(name: str, *, count: int | None = None, seed: int = 1) -> SignedBlock:
    """Make a block.

    Args:
        name: one of `SIGNED_BLOCKS`.
        count: of its transactions, if not those of its name.
        seed: of what is drawn.

    Raises:
        ConfigError: there is no such block, or it would have no transaction.
    """
    if name not in SIGNED_BLOCKS:
        raise ConfigError(f"a signed block is one of {', '.join(SIGNED_BLOCKS)}, not {brief(name)}")
    recipe = SIGNED_BLOCKS[name]
    count = recipe.count if count is None else count
    if count < 1:
        raise ConfigError(f"a block to verify has 1 transaction or more, not {brief(count)}")
    fixture = SigningFixture()
    fixture.collectors()
    steps = recipe.make(fixture, count, random.Random(seed))
    transactions = tuple(map(fixture.sign, steps))
    state = fixture.state()
    chain = chain_of_generated(fixture.uses_ai)
    block = _with_results(_block_of(transactions, fixture.coinbase), state, chain)
    gas = block.header.gas_used
    return SignedBlock(name, block.encode(), state, len(transactions), gas, fixture.uses_ai)


def _block_of(transactions: tuple[Transaction, ...], coinbase: Address) -> Block:
    """A block whose header says nothing yet of what it does."""
    header = bare_header(
        1,
        parent_hash=keccak(b"parent"),
        coinbase=coinbase,
        gas_limit=_GAS_LIMIT,
        timestamp=TIME,
        transactions_root=list_root([each.encode() for each in transactions]),
    )
    return Block(header.hash, header, transactions, withdrawals=())


def _with_results(block: Block, state: AccountState, chain: Chain) -> Block:
    prepared = prepare(block, state, chain=chain)
    executed = prepared.run(partial(execute_block, workers=1))
    receipts = tuple(executed.receipts)
    after = state.copy()
    after.apply(executed.writes)
    header = replace(
        block.header,
        gas_used=executed.gas_used,
        receipts_root=list_root([receipt.encode() for receipt in receipts]),
        logs_bloom=bloom_of(log for receipt in receipts for log in receipt.logs),
        state_root=state_root(after.accounts()),
    )
    return replace(block, header=header, hash=header.hash)
