"""How many instructions a load executes, by opcode: counted by py-evm, kept in the package.

Counting takes minutes, so the counts of the loads at full length are kept, each with a digest of
the load it was made for: a load that has changed since counts as not counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from blockstm.bench.evm.workloads import Load

_OWN_NAMES = {"SHA3": "KECCAK256", "DIFFICULTY": "PREVRANDAO"}  # py-evm's for ours

__all__ = ["COUNTS", "count", "counting", "digest", "instructions", "opcodes"]

COUNTS = files("blockstm.bench.evm").joinpath("contracts", "instructions.json")
"""Where the counts are kept: digest of the load → opcode → how often."""


def digest(load: Load) -> str:
    """What tells this load from any other: what is called, with what, and the code it meets."""
    code = b"".join(account.code for _, account in sorted(load.accounts.items()))
    return hashlib.sha256(load.to + load.data + code).hexdigest()[:32]


@cache
def _kept() -> Mapping[str, Mapping[str, int]]:
    kept: Mapping[str, Mapping[str, int]] = json.loads(COUNTS.read_text())
    return kept


def opcodes(load: Load) -> Mapping[str, int] | None:
    """Opcode → how often the load executes it, most often first; None where it was not counted."""
    return _kept().get(digest(load))


def instructions(load: Load) -> int | None:
    """How many instructions the load executes; None where they were not counted."""
    counts = opcodes(load)
    return None if counts is None else sum(counts.values())


def count(load: Load) -> dict[str, int]:
    """Run a load on py-evm and count its opcodes, most often first. May take minutes."""
    from blockstm.bench.evm.candidates import contender

    counts: Counter[str] = Counter()
    with counting(counts):
        lap = contender("py-evm", load, lambda ran: None)
        lap.run(lap.prepare())
    return dict(counts.most_common())


@contextmanager
def counting(counts: Counter[str]) -> Iterator[None]:
    """While inside, Cancun's opcodes count themselves."""
    from eth.vm.forks.cancun.computation import CancunComputation

    before = CancunComputation.opcodes

    def counted(opcode: Any) -> Any:
        def run(computation: Any) -> None:
            counts[name] += 1
            opcode(computation=computation)

        mnemonic = getattr(opcode, "mnemonic", None) or opcode.__wrapped__.mnemonic
        name = _OWN_NAMES.get(mnemonic, mnemonic)
        run.mnemonic = mnemonic  # type: ignore[attr-defined]  # py-evm looks for it
        return run

    try:
        CancunComputation.opcodes = {number: counted(each) for number, each in before.items()}
        yield
    finally:
        CancunComputation.opcodes = before
