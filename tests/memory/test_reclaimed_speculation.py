"""What workers published of transactions that are final does not pile up to the block's end."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from tests.memory.built import BuiltVm, built
from tests.patience import at_best

from blockstm import Config, Executor
from blockstm.bench.blocks.pipeline import in_a_process
from blockstm.bench.peak import PeakMemory

READS = 500
COUNT = 6_000
CONDITION = 24  # bytes of a read as it is published
OWN = 1024  # keys that are written


class _ManyReads(ctypes.Structure):  # as in many_reads.c: its transactions read what nobody writes
    _fields_ = (("reads", ctypes.c_uint64), ("vm", ctypes.c_uint64 * 16))


def grown_by(library: Path) -> int:
    """What a process grows by while two workers share a block."""
    vm = BuiltVm(library, "many_reads", _ManyReads(READS))
    with Executor(Config(workers=2, gate=False)) as executor:
        executor.execute_block(range(1000), {}, vm)
        memory = PeakMemory()
        result = executor.execute_block(range(COUNT), {}, vm)
        grown = memory.grown()
    last = {READS + index % OWN: index for index in range(COUNT)}
    assert dict(result.writes) == last
    assert grown is not None
    return grown


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="a count of Linux")
def test_what_is_published_is_kept_for_a_window_and_not_for_the_block() -> None:
    """Kept to the end of the block, it was two thirds and more of what all of them read."""
    library = built("many_reads")
    all_reads = COUNT * READS * CONDITION
    at_best(lambda: in_a_process(grown_by, library), lambda grown: grown < all_reads // 3)
