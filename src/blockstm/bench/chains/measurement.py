"""A generated chain imported: on disk in a pipeline or one by one, in memory, and by others.

The chain's folder and its blocks are made once, in a process that ends. Parts of the chain are
imported in turn by each way, in one fresh process each. On disk each goes on where the last one
ended; in memory a process holds the same state, and runs the blocks of the first part. Within the
time are decoding, senders, execution, roots, and on disk the durable commits.
Geth imports the first blocks of the same chain into a folder of its own, where it is on the path;
py-evm, which takes a second a block, runs a few of them on our state in memory.
"""

from __future__ import annotations

import gc
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, Literal

from blockstm.bench.bare_blocks import RULES
from blockstm.bench.blocks.pipeline import in_a_process
from blockstm.bench.chains.folders import chunks_of, drop_pages, write_start
from blockstm.bench.chains.generated import Population, first_block, grown
from blockstm.bench.chains.geth import import_by_geth, why_no_geth
from blockstm.chain import Chain
from blockstm.chain.disk_state import DiskState
from blockstm.chain.files import read_blocks, write_blocks
from blockstm.chain.lookahead import decoded
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.config import Config
from blockstm.errors import ConfigError, InternalError
from blockstm.ethereum import AccountState, Block, StateTrie
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.executor import Executor
from blockstm.messages import brief
from blockstm.state.changes import RecordedChanges

__all__ = ["BASELINES", "WAYS", "ChainRow", "measure_chain"]

WAYS: Final = ("pipelined", "one by one", "in memory")
"""What is measured unless others are asked for."""
BASELINES: Final = ("geth", "py-evm")
"""What others take; on disk, and in memory."""

_GROWING_BYTES: Final = 256 << 20
_PYEVM_BLOCKS: Final = 10
_ENTRY_BYTES: Final = 100
"""What an account or a slot takes in memory, about: a cache of a tenth is so many of them."""


@dataclass(frozen=True)
class ChainRow:
    """One way to import.

    Attributes:
        way: one of `WAYS` or `BASELINES`.
        accounts, slots: of the state that the chain starts from.
        transactions: of each block.
        blocks: how many were imported, in all parts.
        cache_bytes: that the chain was given; 0 in memory and for others.
        seconds: for a block; the median of the parts.
        seconds_min, seconds_max: the same of the fastest and of the slowest part.
        processor_seconds: for a block, of all threads.
        opening_seconds: until the folder was open; for geth what a run of one block takes, which
            is not in `seconds`; 0 in memory.
        resident_bytes: the most that a process had of its own, beside the mapped file; of geth, all
            of it.
        disk_bytes: of the folder at the end; 0 in memory.
        hit_rates: by kind, of the cache; none in memory.
    """

    way: str
    accounts: int
    slots: int
    transactions: int
    blocks: int
    cache_bytes: int
    seconds: float
    seconds_min: float
    seconds_max: float
    processor_seconds: float
    opening_seconds: float
    resident_bytes: int
    disk_bytes: int
    hit_rates: Mapping[str, float]

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON."""
        flat = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**flat, "hit_rates": dict(self.hit_rates)}


@dataclass(frozen=True)
class _Part:
    """What importing a part of the chain took, in all."""

    blocks: int
    seconds: float
    processor_seconds: float
    opening_seconds: float
    resident_bytes: int
    hit_rates: Mapping[str, float]


def measure_chain(
    *,
    accounts: int,
    blocks: int,
    transactions: int,
    parts: int = 2,
    workers: int | None = None,
    ways: Sequence[str] = WAYS,
    folder: Path | None = None,
    seed: int = 1,
    cold: bool = False,
) -> Iterator[ChainRow]:
    """Import a generated chain in several ways.

    Args:
        accounts: of the state that it starts from; it has five slots for each.
        blocks: of a part.
        transactions: of a block.
        parts: for each way of `WAYS`, in turn.
        workers: threads that run a block; by default as many as there are usable cores.
        ways: of `WAYS` and `BASELINES`.
        folder: where the chain is made, and removed again; by default one for temporary files. A
            folder that is not there is made, and stays.
        seed: of what is drawn.
        cold: whether the system has none of the folder in memory when a part on disk begins.

    Raises:
        ConfigError: no such way, it cannot be had here, or a number is too small.
        InternalError: a way came to another head or was refused a block.
    """
    _check(accounts, blocks, transactions, parts, ways)
    if cold and not hasattr(os, "posix_fadvise"):
        raise ConfigError("pages cannot be dropped on this system: measure without cold")
    population = Population(accounts, seed)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="blockstm-chain-", dir=folder) as name:
        place = Path(name)
        on_disk = [way for way in ways if way in ("pipelined", "one by one")]
        count = blocks * max(parts * len(on_disk), 1)
        in_a_process(_make, place, population, count, transactions)
        cache = max((accounts + population.slots) * _ENTRY_BYTES // 10, 1 << 20)
        found: dict[str, list[_Part]] = {way: [] for way in ways}
        number = 0
        for turn in range(parts):
            for way in on_disk if turn % 2 == 0 else reversed(on_disk):
                part = (number, number + blocks)
                if cold:
                    drop_pages(place / "chain")
                found[way].append(in_a_process(_on_disk, place, part, way, cache, workers))
                number += blocks
            if "in memory" in found:
                part = (0, blocks)
                found["in memory"].append(
                    in_a_process(_in_memory, place, part, population, workers)
                )
        size = sum(each.stat().st_size for each in (place / "chain").iterdir())
        sizes = dict.fromkeys(on_disk, size)
        if "py-evm" in found:
            part = (0, min(_PYEVM_BLOCKS, blocks))
            found["py-evm"] = [in_a_process(_in_memory, place, part, population, 1, "py-evm")]
        if "geth" in found:
            by_geth, sizes["geth"] = _by_geth(place, population, count)
            found["geth"] = [by_geth]
        for way in ways:
            held = cache if way in on_disk else 0
            yield _row(way, population, transactions, held, sizes.get(way, 0), found[way])


def _check(accounts: int, blocks: int, transactions: int, parts: int, ways: Sequence[str]) -> None:
    numbers = {"blocks": blocks, "transactions": transactions, "parts": parts}
    for name, number in numbers.items():
        if number < 1:
            raise ConfigError(f"{name} are 1 or more, not {brief(number)}")
    if accounts < 200:
        raise ConfigError(f"accounts are 200 or more, not {brief(accounts)}")
    known = WAYS + BASELINES
    for way in ways:
        if way not in known:
            raise ConfigError(f"a way to import is one of {', '.join(known)}, not {brief(way)}")
    reason = why_no_geth() if "geth" in ways else None
    if reason:
        raise ConfigError(reason)


def _make(place: Path, population: Population, count: int, transactions: int) -> None:
    """Make the folder that the chain starts from, and a file of its blocks."""
    first = write_start(place / "chain", population)
    store = MdbxStore.open(place / "chain")
    try:
        root = first.header.state_root
        state = DiskState(store, root, cache_bytes=_GROWING_BYTES)
        made = grown(population, first, state, state.apply, blocks=count, transactions=transactions)
        write_blocks(place / "blocks.rlp", made)
    finally:
        store.close()  # nothing of it was committed


def _blocks(place: Path, part: tuple[int, int]) -> list[bytes]:
    first, end = part
    numbered = enumerate(read_blocks(place / "blocks.rlp"))
    return [decoded(each).encode() for number, each in numbered if first <= number < end]


def _on_disk(
    place: Path, part: tuple[int, int], way: str, cache_bytes: int, workers: int | None
) -> _Part:
    """Import a part of the chain; what is written when it is closed is within the time."""
    blocks = _blocks(place, part)
    KNOWN_SENDERS.clear()
    begin = perf_counter()
    chain = Chain.open(place / "chain", cache_bytes=cache_bytes, workers=workers)
    opening = perf_counter() - begin
    watch = _Watch()
    try:
        for _ in chain.import_blocks(blocks, pipelined=way == "pipelined"):
            pass
        last, rates = Block.decode(blocks[-1]).hash, chain.hit_rates()
        if chain.head.hash != last:
            raise InternalError("the chain ends with another block than it was given")
    finally:
        chain.close()
    return watch.part(len(blocks), opening, rates)


def _in_memory(
    place: Path,
    part: tuple[int, int],
    population: Population,
    workers: int | None,
    vm: Literal["evm", "py-evm"] = "evm",
) -> _Part:
    """Run the same blocks on a state in memory, its tries at hand."""
    blocks = _blocks(place, part)
    state, codes = AccountState(), population.codes()
    for chunk in chunks_of(population):
        state.apply(RecordedChanges(chunk, codes))
    tries = state.tries(partial(StateTrie.of, workers=workers))
    parent = first_block(tries.root).header
    hashes = {int(parent.number): parent.hash}
    KNOWN_SENDERS.clear()
    with Executor(Config(workers="auto" if workers is None else workers)) as executor:
        watch = _Watch()
        for encoded in blocks:
            block = Block.decode(encoded)
            executed = executor.execute_block(
                block, state, vm, chain=RULES, parent=parent, block_hashes=hashes
            )
            if executed.state_root != block.header.state_root:
                raise InternalError("a block has another state root than its header says")
            state.apply(executed.writes)
            parent = block.header
            hashes[int(parent.number)] = parent.hash
        return watch.part(len(blocks), 0.0, {})


def _by_geth(place: Path, population: Population, count: int) -> tuple[_Part, int]:
    """Import all blocks by geth; the part has those behind the first."""
    first, all_blocks, size = import_by_geth(place, place / "blocks.rlp", population)
    part = _Part(
        blocks=count - 1,
        seconds=all_blocks.seconds - first.seconds,
        processor_seconds=all_blocks.processor_seconds - first.processor_seconds,
        opening_seconds=first.seconds,
        resident_bytes=all_blocks.resident_bytes,
        hit_rates={},
    )
    return part, size


class _Watch:
    """Measures from where it is made to `part`."""

    def __init__(self) -> None:
        gc.collect()
        self._begin, self._processor = perf_counter(), sum(os.times()[:2])

    def part(self, blocks: int, opening: float, rates: Mapping[str, float]) -> _Part:
        seconds = perf_counter() - self._begin
        processor = sum(os.times()[:2]) - self._processor
        return _Part(blocks, seconds, processor, opening, _resident_bytes(), rates)


def _resident_bytes() -> int:
    """Memory of this process that is no file's, in bytes; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["RssAnon"].split()[0]) << 10


def _row(
    way: str,
    population: Population,
    transactions: int,
    cache: int,
    disk_bytes: int,
    found: Sequence[_Part],
) -> ChainRow:
    seconds = [each.seconds / each.blocks for each in found]
    return ChainRow(
        way=way,
        accounts=population.accounts,
        slots=population.slots,
        transactions=transactions,
        blocks=sum(each.blocks for each in found),
        cache_bytes=cache,
        seconds=statistics.median(seconds),
        seconds_min=min(seconds),
        seconds_max=max(seconds),
        processor_seconds=statistics.median(each.processor_seconds / each.blocks for each in found),
        opening_seconds=max(each.opening_seconds for each in found),
        resident_bytes=max(each.resident_bytes for each in found),
        disk_bytes=disk_bytes,
        hit_rates=found[-1].hit_rates,
    )
