"""``4byteTracer``: which functions were called, and with how much data."""

from __future__ import annotations

from blockstm._native.tracing.traces import TraceForm
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.vm.evm import recording

__all__ = ["FourByteTracer"]


class FourByteTracer(WrittenTracer):
    """How often each function was called: ``0x`` selector ``-`` bytes of arguments → count.

    Calls of precompiled contracts are left out, and those with less than four bytes.
    """

    form = TraceForm("selectors")
    mask = recording.CALLS
