"""The VMs that Ethereum blocks run on, by name, and the forks that each of them has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from blockstm.errors import ConfigError
from blockstm.messages import brief, did_you_mean
from blockstm.vm import evm, evmc
from blockstm.vm.evmc import EvmcVm
from blockstm.vm.forks import Fork

__all__ = ["VMName", "check_fork", "check_vm"]

_Name = Literal["evm", "py-evm"]
VMName = _Name | EvmcVm
"""A VM for Ethereum blocks, by name, or another EVM by EVMC."""
_NAMES = get_args(_Name)


def check_vm(vm: object) -> None:
    """Refuse what is no VM for Ethereum blocks.

    Raises:
        ConfigError: so it is.
    """
    if not isinstance(vm, EvmcVm) and vm not in _NAMES:
        raise ConfigError(
            "the VMs for Ethereum blocks are 'evm', 'py-evm' and what blockstm.vm.evmc.load "
            f"gives, not {brief(vm)}"
            f"{did_you_mean(vm, _NAMES)}"
        )


def check_fork(vm: VMName, fork: Fork) -> None:
    """Refuse a fork that a VM lacks: the caller's mistake, which comes before any of the block's.

    Raises:
        ConfigError: the VM does not have the fork.
        ImportError: a package that the VM needs is not installed.
    """
    forks: Collection[str]
    if vm == "evm":
        name, forks = fork.rules, evm.FORKS
    elif isinstance(vm, EvmcVm):
        name, forks = fork.rules, evmc.FORKS
    else:
        from blockstm.vm import pyevm  # an optional extra

        name, forks = fork.name, pyevm.FORKS
    if name not in forks:
        raise ConfigError(f"{vm} has no fork {brief(name)}, only {', '.join(forks)}")
