"""How many instructions a workload executes, by opcode: counted by py-evm, kept in the package.

Counting takes minutes, so the counts of the workloads at full length are kept, each with a digest
of the workload it was made for: a workload that has changed since counts as not counted.
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

from blockstm.bench.evm.candidates import candidate
from blockstm.bench.evm.workloads import Workload

_OWN_NAMES = {"SHA3": "KECCAK256", "DIFFICULTY": "PREVRANDAO"}  # py-evm's for ours

__all__ = ["COUNTS", "count", "counting", "digest", "instructions", "opcodes"]

COUNTS = files("blockstm.bench.evm").joinpath("contracts", "instructions.json")
"""The kept counts: digest of the workload → opcode → how often."""


def digest(workload: Workload) -> str:
    """A hash of everything that makes the workload: the call, its data, and all code."""
    code = b"".join(account.code for _, account in sorted(workload.accounts.items()))
    return hashlib.sha256(workload.to + workload.data + code).hexdigest()[:32]


@cache
def _kept() -> Mapping[str, Mapping[str, int]]:
    kept: Mapping[str, Mapping[str, int]] = json.loads(COUNTS.read_text())
    return kept


def opcodes(workload: Workload) -> Mapping[str, int] | None:
    """Opcode → how often the workload executes it, most often first; None if it was not counted."""
    return _kept().get(digest(workload))


def instructions(workload: Workload) -> int | None:
    """How many instructions the workload executes; None where they were not counted."""
    counts = opcodes(workload)
    return None if counts is None else sum(counts.values())


def count(workload: Workload) -> dict[str, int]:
    """Run a workload on py-evm and count its opcodes, most often first. May take minutes."""

    counts: Counter[str] = Counter()
    with counting(counts):
        measured = candidate("py-evm", workload, lambda ran: None)
        measured.run(measured.prepare())
    return dict(counts.most_common())


@contextmanager
def counting(counts: Counter[str]) -> Iterator[None]:
    """While inside, Cancun's opcodes count themselves."""
    from eth.vm.forks.cancun.computation import CancunComputation  # an optional extra

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
