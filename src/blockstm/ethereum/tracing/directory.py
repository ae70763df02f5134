"""Tracers by the names and options that nodes give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from blockstm.errors import ConfigError
from blockstm.ethereum.tracing.flat_calls import FlatCallTracer
from blockstm.ethereum.tracing.nested_calls import CallTracer
from blockstm.ethereum.tracing.pre_states import PrestateTracer
from blockstm.ethereum.tracing.selectors import FourByteTracer
from blockstm.ethereum.tracing.struct_logs import StructLogger, is_limit
from blockstm.ethereum.tracing.tracer import NoopTracer, Tracer
from blockstm.messages import brief, did_you_mean

__all__ = ["tracer_named"]

_TRACERS: Final[dict[str, tuple[Callable[..., Tracer], dict[str, str]]]] = {
    "callTracer": (CallTracer, {"withLog": "with_log", "onlyTopCall": "only_top_call"}),
    "flatCallTracer": (
        FlatCallTracer,
        {
            "convertParityErrors": "convert_parity_errors",
            "includePrecompiles": "include_precompiles",
        },
    ),
    "prestateTracer": (
        PrestateTracer,
        {
            "diffMode": "diff_mode",
            "disableCode": "disable_code",
            "disableStorage": "disable_storage",
            "includeEmpty": "include_empty",
        },
    ),
    "4byteTracer": (FourByteTracer, {}),
    "noopTracer": (NoopTracer, {}),
    "structLogger": (
        StructLogger,
        {
            "enableMemory": "enable_memory",
            "disableStack": "disable_stack",
            "disableStorage": "disable_storage",
            "enableReturnData": "enable_return_data",
            "limit": "limit",
        },
    ),
}


def tracer_named(name: str, options: Mapping[str, Any] | None = None) -> Tracer:
    """The tracer of a name, with the options of its ``tracerConfig``.

    "structLogger" is what nodes trace with where no name is given. Options that it does not have
    are passed over, as nodes do.

    Raises:
        ConfigError: there is no such tracer, or an option has a value that it cannot have.
    """
    if not isinstance(name, str) or name not in _TRACERS:
        known = ", ".join(_TRACERS)
        raise ConfigError(
            f"the tracers are {known}, not {brief(name)}{did_you_mean(name, _TRACERS)}"
        )
    make, names = _TRACERS[name]
    if options is not None and not isinstance(options, Mapping):
        raise ConfigError(f"the options of {name} are an object, not {brief(options)}")
    given = {}
    for option, value in (options or {}).items():
        if option in names:
            given[names[option]] = _checked(name, option, value)
    return make(**given)


def _checked(name: str, option: str, value: Any) -> Any:
    is_good = is_limit(value) if option == "limit" else isinstance(value, bool)
    if not is_good:
        raise ConfigError(f"the option {option} of {name} cannot be {brief(value)}")
    return value
