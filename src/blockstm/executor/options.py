"""What a caller says of a block that is run: the options of each kind of block, and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from blockstm.engine.options import DEFAULTS, RunOptions
from blockstm.errors import ConfigError
from blockstm.messages import brief, did_you_mean

if TYPE_CHECKING:
    from blockstm.ethereum.execution.options import BlockOptions

__all__ = ["block_options", "run_options"]

_OF_AN_EXECUTOR = ("config", "workers")


def run_options(options: Mapping[str, Any]) -> RunOptions:
    """The options of a block of transactions, each of them given or by default.

    Raises:
        ConfigError: there is no such option, or only an Ethereum block has it.
    """
    others = options.keys() - DEFAULTS.keys()
    if others:
        _check_names(options)
        others_in_order = [name for name in options if name in others]
        raise ConfigError(f"only Ethereum blocks have {', '.join(others_in_order)}: vm='evm'")
    return {**DEFAULTS, **options}  # type: ignore[typeddict-item]  # their names are checked


def block_options(options: Mapping[str, Any]) -> BlockOptions:
    """The options of an Ethereum block, which has none of another's but by default.

    It is verified as a whole; builders run the EVM's steps as transactions.

    Raises:
        ConfigError: there is no such option, or only a block of transactions has it.
    """
    _check_names(options)
    general = {name: DEFAULTS[name] for name in ("on_invalid", "limit")}
    if {name: options.get(name, default) for name, default in general.items()} != general:
        raise ConfigError("on_invalid and limit are not for an Ethereum block as a whole")
    return {name: value for name, value in options.items() if name not in general}  # type: ignore[return-value]  # their names are checked


def _check_names(options: Iterable[str]) -> None:
    """Refuse a name that is no option of any block, and say which one was meant."""
    from blockstm.ethereum.execution.options import BlockOptions  # loads what only Ethereum needs

    known = (*DEFAULTS, *BlockOptions.__annotations__)
    for name in options:
        if name in _OF_AN_EXECUTOR:
            raise ConfigError(f"{name} is an option of the executor: Executor({name}=...)")
        if name not in known:
            meant = did_you_mean(name, (*known, *_OF_AN_EXECUTOR))
            raise ConfigError(f"execute_block has no option {brief(name)}{meant}")
