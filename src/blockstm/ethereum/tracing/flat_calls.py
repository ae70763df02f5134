"""``flatCallTracer``: the calls of a transaction one behind the other."""

from __future__ import annotations

from typing import ClassVar

from blockstm._native.tracing.traces import TraceForm
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.vm.evm import recording

__all__ = ["FlatCallTracer"]


class FlatCallTracer(WrittenTracer):
    """The calls of a transaction as a list, each with its place among them.

    Args:
        convert_parity_errors: whether failures are told in OpenEthereum's words.
        include_precompiles: whether calls of precompiled contracts are shown.
    """

    mask = recording.CALLS | recording.SELFDESTRUCTS | recording.CAUSES
    shows_hashes: ClassVar[bool] = True

    def __init__(
        self, *, convert_parity_errors: bool = False, include_precompiles: bool = False
    ) -> None:
        self.form = TraceForm(
            "flat", converts_errors=convert_parity_errors, has_precompiles=include_precompiles
        )
