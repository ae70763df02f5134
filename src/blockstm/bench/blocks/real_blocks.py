"""Real blocks on our EVM and on py-evm: what executing one takes, signatures left out.

Ours is raced against py-evm on the same engine with one worker (``py-evm``), where it reads
accounts in memory, and against py-evm as it comes, with its own accounts (``py-evm-stock``). Each
lap's gas is compared with the header, and the receipts of all laps that have any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blockstm.bench.benchmark import Contender, Race, Timing
from blockstm.config import Config
from blockstm.errors import ConfigError
from blockstm.ethereum.execution import ExecutedBlock, PreparedBlock, prepare_file
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.executor import Executor
from blockstm.messages import brief

__all__ = ["RIVALS", "BlockRow", "measure_block"]

RIVALS = ("py-evm", "py-evm-stock")
_OURS = "evm"


@dataclass(frozen=True)
class BlockRow:
    """What was measured of one block.

    Attributes:
        number: of the block; ``fork``, ``transactions`` and ``gas`` are its.
        workers: threads of ours.
        first_seconds: ours on codes it had not seen, in s.
        timing: what the laps of ours come to, after the first.
        rivals: the timings of the others, by name; they have one worker.
    """

    number: int
    fork: str
    transactions: int
    gas: int
    workers: int
    first_seconds: float
    timing: Timing
    rivals: Mapping[str, Timing]

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON. ``ratio``, against the first rival: above 1, ours wins."""
        flat: dict[str, object] = {
            "workload": f"block {self.number}",
            "number": self.number,
            "fork": self.fork,
            "transactions": self.transactions,
            "gas": self.gas,
            "workers": self.workers,
            "first_seconds": self.first_seconds,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "mgas_per_second": self.gas / self.timing.seconds / 1e6,
        }
        for place, (name, timing) in enumerate(self.rivals.items()):
            key, ratio = name.replace("-", "_"), timing.seconds / self.timing.seconds
            if place == 0:
                flat |= {"against": name, "ratio": ratio}
            flat |= {f"{key}_seconds": timing.seconds, f"{key}_ratio": ratio}
        return flat | {"laps": self.timing.rounds, "stable": self.timing.stable}


def measure_block(
    file: BlockFile, *, workers: int = 1, rivals: Sequence[str] = (), laps: int = 10
) -> BlockRow:
    """Run a block ``laps`` times on our EVM, and once on each rival in between.

    Raises:
        ConfigError: there is no such rival.
        AssertionError: a lap came to something else than the header or another EVM.
    """
    unknown = [name for name in rivals if name not in RIVALS]
    if unknown:
        raise ConfigError(f"blocks are raced against {', '.join(RIVALS)}, not {brief(unknown[0])}")
    header = file.block.header
    same = _same(header.number, header.gas_used)
    with Executor(Config(workers=workers)) as many, Executor(Config(workers=1)) as one:
        ours = prepare_file(file)
        race = Race(
            {_OURS: _on_engine(ours, many, same)}
            | {name: _rival(name, file, one, same) for name in rivals}
        )
        race.lap(_OURS)
        first = race.laps.pop(_OURS)[0].seconds
        for number in range(laps):
            race.lap(_OURS)
            if number == laps // 2:
                for name in rivals:
                    race.lap(name)
    return BlockRow(
        number=header.number,
        fork=ours.fork.name,
        transactions=len(file.block.transactions),
        gas=header.gas_used,
        workers=workers,
        first_seconds=first,
        timing=race.timing(_OURS),
        rivals={name: race.timing(name) for name in rivals},
    )


def _on_engine(
    prepared: PreparedBlock, executor: Executor, same: Callable[[Any], None]
) -> Contender:
    return Contender(lambda _: prepared.run(executor.execute_block), check=same)


def _rival(
    name: str, file: BlockFile, executor: Executor, same: Callable[[Any], None]
) -> Contender:
    prepared = prepare_file(file, "py-evm")
    if name == "py-evm":
        return _on_engine(prepared, executor, same)
    from blockstm.bench.blocks.upstream_pyevm import stock_pyevm

    stock = stock_pyevm(prepared)
    return Contender(stock.run, stock.prepare, same)


def _same(number: int, gas_used: int) -> Callable[[ExecutedBlock | int], None]:
    """What every lap must come to: the header's gas, and the receipts of the first lap."""
    seen: list[bytes] = []

    def check(executed: ExecutedBlock | int) -> None:
        used = executed if isinstance(executed, int) else executed.gas_used
        if used != gas_used:
            raise AssertionError(f"block {number} used {used} gas, not {gas_used}")
        if isinstance(executed, int):
            return
        encoded = b"".join(receipt.encode() for receipt in executed.receipts)
        if not seen:
            seen.append(encoded)
        elif seen[0] != encoded:
            raise AssertionError(f"the EVMs disagree on the receipts of block {number}")

    return check
