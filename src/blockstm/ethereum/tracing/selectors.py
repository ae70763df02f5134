"""``4byteTracer``: which functions were called, and with how much data."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.vm.evm import recording
from blockstm.vm.evm.inspection import FIRST_CREATION

__all__ = ["FourByteTracer"]

_SELECTOR: Final = 4


class FourByteTracer(Tracer):
    """How often each function was called: ``0x`` selector ``-`` bytes of arguments → count.

    Calls of precompiled contracts are left out, and those with less than four bytes.
    """

    mask = recording.CALLS

    def trace(self, traced: TracedTransaction) -> Any:
        """The counts."""
        counts: Counter[str] = Counter()
        for event in recording.read_events(traced.events):
            if not isinstance(event, recording.CallBegan) or event.kind >= FIRST_CREATION:
                continue
            data = event.input
            if len(data) >= _SELECTOR and event.code_address not in traced.precompiles:
                counts[f"0x{data[:_SELECTOR].hex()}-{len(data) - _SELECTOR}"] += 1
        return dict(counts)
