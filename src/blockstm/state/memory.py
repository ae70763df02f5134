"""A state in native memory: what native transactions read without the GIL.

`MemoryState` is a mapping (it reads and compares like the dict of its items) whose keys and
values are bytes in one hash table. A Python VM can run on it like on any mapping; a native VM (a
`blockstm.kernel`, C) reads it directly, one probe a read. Between blocks
``state.apply(result.writes)`` moves it on; while a block runs on it, changing it is refused with
`UsageError`.

Threads: any thread may read and, between blocks, change it. Order: that in which its keys came,
never that of the hash, whose seed differs from process to process.

>>> from blockstm.state.memory import MemoryState
>>> state = MemoryState({1: 10, 2: 0})
>>> state.apply({1: 7, 2: 3})
>>> state[1], len(state)
(7, 2)
"""

from __future__ import annotations

from blockstm._native.state.memory_state import MemoryState

__all__ = ["MemoryState"]
