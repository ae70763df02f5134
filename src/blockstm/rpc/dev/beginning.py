"""How the chain of a `DevNode` begins: under one fork, its accounts rich."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from blockstm.chain import DevChain
from blockstm.errors import ConfigError
from blockstm.ethereum import Activation, Chain, Rules
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.genesis import Genesis, parse_genesis
from blockstm.ethereum.genesis.system_contracts import system_contracts
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.values import is_int
from blockstm.vm.forks import PARIS, Fork, fork_named

__all__ = ["CHAIN_ID", "FORK", "dev_chain"]

CHAIN_ID: Final = 31337
FORK: Final = "osaka"
_ETHER: Final = 10**18
_GAS_LIMIT: Final = 60_000_000
_BASE_FEE: Final = 10**9


def dev_chain(
    accounts: Iterable[Address] = (),
    *,
    balance: int = 10_000 * _ETHER,
    chain_id: int = CHAIN_ID,
    fork: Fork | str = FORK,
    gas_limit: int = _GAS_LIMIT,
    timestamp: int = 0,
) -> DevChain:
    """A chain in memory to develop on, all of whose states are kept.

    Args:
        accounts: addresses that begin with ether.
        balance: of each, in wei.
        chain_id: that transactions sign.
        fork: whose rules hold.
        gas_limit: of the first block, and so of those after it, in gas.
        timestamp: of the first block, in s since 1970.

    Raises:
        ConfigError: there is no such fork, or a number is none or out of range.
    """
    for name, value, most in (
        ("balance", balance, 1 << 240),
        ("chain_id", chain_id, 1 << 62),
        ("gas_limit", gas_limit, 1 << 62),
        ("timestamp", timestamp, 1 << 62),
    ):
        if not is_int(value) or not 0 <= value < most:
            raise ConfigError(f"{name} is an int from 0 to {most - 1}, not {brief(value)}")
    rules = fork_named(fork) if isinstance(fork, str) else fork
    # Those that are impersonated may be contracts.
    spec = Chain(chain_id, (Activation(rules, block=0),), rules=Rules(contracts_may_send=True))
    genesis = _genesis(dict.fromkeys(accounts, balance), spec, rules, gas_limit, timestamp)
    return DevChain.in_memory(genesis, spec=spec, window=None)


def _genesis(
    balances: dict[Address, int], spec: Chain, fork: Fork, gas_limit: int, timestamp: int
) -> Genesis:
    alloc: dict[str, Any] = {
        shown(address): {"balance": shown(balance)} for address, balance in balances.items()
    }
    for address, account in system_contracts(fork).items():
        alloc[shown(address)] = {
            "balance": "0x0",
            "nonce": "0x1",
            "code": shown(account.code or b""),
        }
    members: dict[str, Any] = {
        "gasLimit": shown(gas_limit),
        "timestamp": shown(timestamp),
        "baseFeePerGas": shown(_BASE_FEE),
        "difficulty": "0x0" if fork >= PARIS else "0x20000",
        "alloc": alloc,
    }
    return parse_genesis(members, chain=spec)
