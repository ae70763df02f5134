"""``prestateTracer``: the accounts and slots that a transaction has to do with, before it.

In ``diffMode``, what it changed of them: before and after.
"""

from __future__ import annotations

from blockstm._native.tracing.traces import TraceForm
from blockstm.errors import ConfigError
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.vm.evm import recording

__all__ = ["PrestateTracer"]


class PrestateTracer(WrittenTracer):
    """Address → balance, nonce, code and slots before a transaction; or ``pre`` and ``post``.

    Args:
        diff_mode: whether only what changed is shown, before and after.
        disable_code, disable_storage: whether code and slots are left out.
        include_empty: whether accounts that do not exist are shown.

    Raises:
        ConfigError: ``diff_mode`` and ``include_empty`` do not go together.
    """

    mask = recording.PRE_STATE

    def __init__(
        self,
        *,
        diff_mode: bool = False,
        disable_code: bool = False,
        disable_storage: bool = False,
        include_empty: bool = False,
    ) -> None:
        if diff_mode and include_empty:
            raise ConfigError("cannot use diffMode with includeEmpty")
        self.form = TraceForm(
            "pre-state",
            is_diff=diff_mode,
            has_code=not disable_code,
            has_storage=not disable_storage,
            has_empty=include_empty,
        )
