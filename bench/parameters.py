"""The parameters that the benchmarks share, and the figures they are meant to reach."""

from __future__ import annotations

from blockstm.cores import usable_cores

ACCOUNTS = (2, 10, 100, 1_000, 10_000)
"""Accounts of the payments in the Block-STM paper: the fewer, the more they conflict."""
BLOCKS = (1_000, 10_000, 100_000)
LIGHT_US, HEAVY_US = 0.2, 5.0
"""Work of a transaction, in µs: next to nothing, and that of a cheap real one."""

CORES = usable_cores()
WORKERS = tuple(2**power for power in range(CORES.bit_length()))
"""1, 2, 4 ... up to the usable cores."""
