"""What blocks did, as numbers: conflicts, hot locations, groups, failures, value; as arrays.

A dependency is one of `BlockAccesses.dependencies`: a transaction has read what an earlier one
wrote. It is *commuting* where every location that makes it is one that its reader changes, too: a
balance or a counter perhaps, of which additions could commute. That is an upper bound: what a
contract computes from such a location may depend on it.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from blockstm.errors import InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.results.block_accesses import BlockAccesses, Location
from blockstm.insight.groups import groups_of
from blockstm.insight.recording import Steps, run_for_accesses

__all__ = ["COLUMNS", "BlockSignals", "HotLocation", "columns_of", "signals_of", "signals_of_steps"]

COLUMNS = (
    "number",
    "transactions",
    "gas",
    "value",
    "failures",
    "dependencies",
    "dependents",
    "commuting_share",
    "longest_chain",
    "groups",
    "largest_group",
    "hottest",
)
"""The numbers of a block, in the order of tables."""


@dataclass(frozen=True, slots=True)
class HotLocation:
    """A location that transactions of a block waited for.

    Attributes:
        location: an address and a slot's number, or ``"balance"``, ``"nonce"``, ``"code_hash"``.
        dependents: transactions that read there what an earlier one had written.
        writers: transactions that set it, or added to it.
    """

    location: Location
    dependents: int
    writers: int


@dataclass(frozen=True, slots=True)
class BlockSignals:
    """The numbers of one block.

    Attributes:
        number: of the block.
        transactions: how many it has.
        gas: what they used.
        value: what they sent, in ether.
        failures: those that did not succeed.
        dependencies: pairs of transactions of which the later read what the earlier wrote.
        dependents: transactions that depend on another.
        commuting_share: the part of the dependencies that are commuting, 0 to 1; 0 without any.
        longest_chain: transactions of the longest chain of dependencies.
        groups: sets of transactions that write a location in common, those of one included.
        largest_group: transactions of the largest.
        hot: the locations with the most dependents, the most first.
        group_sizes: of all groups, the largest first.
    """

    number: int
    transactions: int
    gas: int
    value: float
    failures: int
    dependencies: int
    dependents: int
    commuting_share: float
    longest_chain: int
    groups: int
    largest_group: int
    hot: tuple[HotLocation, ...]
    group_sizes: tuple[int, ...]

    @property
    def hottest(self) -> int:
        """Dependents of the hottest location."""
        return self.hot[0].dependents if self.hot else 0


def signals_of(block: Block, executed: ExecutedBlock, *, hot: int = 10) -> BlockSignals:
    """The numbers of a block that was run with ``accesses=True``.

    Args:
        hot: how many hot locations are kept at most.

    Raises:
        InputError: it was run without.
    """
    accesses = executed.accesses
    if accesses is None:
        raise InputError("signals take a block's accesses: run it with accesses=True")
    return _signals(
        accesses,
        hot,
        number=block.header.number,
        gas=executed.gas_used,
        value=sum(each.value for each in block.transactions) / 1e18,
        failures=sum(not outcome.succeeded for outcome in executed.outcomes),
    )


def signals_of_steps(steps: Steps, *, number: int = 0, hot: int = 10) -> BlockSignals:
    """The numbers of transactions that are no block yet: they are run in order for them.

    Args:
        steps: signed transactions, and the state and EVM that they run on.
        number: what the signals say is the block's.
        hot: how many hot locations are kept at most.

    Raises:
        BlockError: one of the transactions cannot be in a block.
    """
    outcomes, accesses = run_for_accesses(steps)
    transactions = [steps.steps[place].transaction for place in steps.transactions]
    return _signals(
        accesses,
        hot,
        number=number,
        gas=sum(outcome.gas_used for outcome in outcomes),
        value=sum(each.value for each in transactions) / 1e18,
        failures=sum(not outcome.value.succeeded for outcome in outcomes),
    )


def _signals(
    accesses: BlockAccesses, hot: int, *, number: int, gas: int, value: float, failures: int
) -> BlockSignals:
    conflicts = _Conflicts(accesses)
    sizes = sorted(map(len, groups_of(accesses)), reverse=True)
    pairs = sum(map(len, accesses.dependencies))
    return BlockSignals(
        number=number,
        transactions=len(accesses),
        gas=gas,
        value=value,
        failures=failures,
        dependencies=pairs,
        dependents=sum(map(bool, accesses.dependencies)),
        commuting_share=conflicts.commuting / pairs if pairs else 0.0,
        longest_chain=_longest_chain(accesses.dependencies),
        groups=len(sizes),
        largest_group=sizes[0] if sizes else 0,
        hot=tuple(conflicts.hottest(hot)),
        group_sizes=tuple(sizes),
    )


def columns_of(blocks: Sequence[BlockSignals]) -> Mapping[str, array[float]]:
    """The numbers of blocks, one array of float64 for each of `COLUMNS`."""
    return {name: array("d", (float(getattr(each, name)) for each in blocks)) for name in COLUMNS}


class _Conflicts:
    """Where the dependencies of a block come from."""

    def __init__(self, accesses: BlockAccesses) -> None:
        self.commuting = 0
        self._dependents: Counter[Location] = Counter()
        self._writers: defaultdict[Location, list[int]] = defaultdict(list)
        for index, each in enumerate(accesses):
            shared = {location for location in each.reads if self._writers.get(location)}
            self._dependents.update(shared)
            at: defaultdict[int, set[Location]] = defaultdict(set)
            for location in shared:
                for writer in self._writers[location]:
                    at[writer].add(location)
            self.commuting += sum(
                bool(at[writer]) and at[writer] <= each.writes
                for writer in accesses.dependencies[index]
            )
            for location in each.writes | each.adds:
                self._writers[location].append(index)

    def hottest(self, count: int) -> Iterator[HotLocation]:
        """Those with the most dependents; of equal ones the first by name."""
        order = sorted(self._dependents.items(), key=lambda each: (-each[1], _name(each[0])))
        for location, dependents in order[:count]:
            yield HotLocation(location, dependents, len(self._writers[location]))


def _name(location: Location) -> tuple[bytes, str]:
    address, what = location
    return address, f"{what:064x}" if isinstance(what, int) else what


def _longest_chain(dependencies: Sequence[tuple[int, ...]]) -> int:
    lengths: list[int] = []
    for needed in dependencies:
        lengths.append(1 + max((lengths[each] for each in needed), default=0))
    return max(lengths, default=0)
