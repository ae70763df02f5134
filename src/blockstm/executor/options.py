"""What a caller says of a block that is run: the options of each kind of block, and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from blockstm.errors import ConfigError, InputError
from blockstm.messages import brief, did_you_mean, kind_of
from blockstm.types import Limit, StateReader, View
from blockstm.vm.native import NativeVM

if TYPE_CHECKING:
    from blockstm.ethereum.execution.options import BlockOptions

__all__ = [
    "VM",
    "OnInvalid",
    "RunOptions",
    "State",
    "block_options",
    "check_limit",
    "check_on_invalid",
    "prefetch",
    "run_options",
]

VM = Callable[[View, Any], Any] | NativeVM
State = Mapping[Any, Any] | StateReader
OnInvalid = Literal["raise", "skip"]

_OF_AN_EXECUTOR = ("config", "workers")


class RunOptions(TypedDict, total=False):
    """What a caller may say of a block of transactions; see `blockstm.execute_block`."""

    on_invalid: OnInvalid
    limit: Limit | None
    hints: Iterable[Any] | None


_DEFAULTS: RunOptions = {"on_invalid": "raise", "limit": None, "hints": None}


def run_options(options: Mapping[str, Any]) -> RunOptions:
    """The options of a block of transactions, each of them given or by default.

    Raises:
        ConfigError: there is no such option, or only an Ethereum block has it.
    """
    others = options.keys() - _DEFAULTS.keys()
    if others:
        _check_names(options)
        others_in_order = [name for name in options if name in others]
        raise ConfigError(f"only Ethereum blocks have {', '.join(others_in_order)}: vm='evm'")
    return {**_DEFAULTS, **options}  # type: ignore[typeddict-item]  # their names are checked


def block_options(options: Mapping[str, Any]) -> BlockOptions:
    """The options of an Ethereum block, which has none of another's but by default.

    It is verified as a whole; builders run the EVM's steps as transactions.

    Raises:
        ConfigError: there is no such option, or only a block of transactions has it.
    """
    _check_names(options)
    general = {name: options.get(name, default) for name, default in _DEFAULTS.items()}
    if general != _DEFAULTS:
        raise ConfigError("on_invalid, limit and hints are not for an Ethereum block as a whole")
    return {name: value for name, value in options.items() if name not in _DEFAULTS}  # type: ignore[return-value]  # their names are checked


def _check_names(options: Iterable[str]) -> None:
    """Refuse a name that is no option of any block, and say which one was meant."""
    from blockstm.ethereum.execution.options import BlockOptions  # loads what only Ethereum needs

    known = (*_DEFAULTS, *BlockOptions.__annotations__)
    for name in options:
        if name in _OF_AN_EXECUTOR:
            raise ConfigError(f"{name} is an option of the executor: Executor({name}=...)")
        if name not in known:
            meant = did_you_mean(name, (*known, *_OF_AN_EXECUTOR))
            raise ConfigError(f"execute_block has no option {brief(name)}{meant}")


def check_on_invalid(on_invalid: Any) -> None:
    """Refuse what says neither.

    Raises:
        ConfigError: it is neither "raise" nor "skip".
    """
    if on_invalid not in ("raise", "skip"):
        raise ConfigError(f'on_invalid is "raise" or "skip", not {brief(on_invalid)}')


def check_limit(limit: Any) -> None:
    """Refuse what limits nothing.

    Raises:
        ConfigError: it is neither a gas cap nor callable.
    """
    if limit is None or callable(limit):
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ConfigError(f"limit is a gas cap of 0 or more, or a callable, not {brief(limit)}")


def prefetch(state: Any, hints: Any) -> None:
    """Pass hints on. They decide nothing, so neither does a failure: `get` will tell."""
    if not isinstance(hints, Iterable):
        raise InputError(f"hints are an iterable of keys, not {kind_of(hints)}")
    method = getattr(state, "prefetch", None)
    if callable(method):
        try:
            method(list(hints))
        except Exception:
            return
