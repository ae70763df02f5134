"""How the chain of a backend begins: its accounts, its first header, its forks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from eth_tester.backends.common import merge_genesis_overrides

from blockstm.chain import DevChain
from blockstm.errors import ConfigError
from blockstm.ethereum import Activation, Chain
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.genesis import parse_genesis
from blockstm.ethereum.genesis.system_contracts import system_contracts
from blockstm.messages import brief
from blockstm.rpc.dev.mnemonic import keys_at
from blockstm.types import Address
from blockstm.vm.forks import PARIS, PRAGUE, Fork, fork_named

__all__ = [
    "CHAIN_ID",
    "TesterChain",
    "address_of",
    "begin",
    "default_parameters",
    "default_state",
    "keys_of_backend",
]

CHAIN_ID: Final = 131277322940537
ACCOUNTS: Final = 10
_ETHER: Final = 10**18
_GAS_LIMIT: Final = 30_029_122
_DIFFICULTY: Final = 131_072
_NONCE: Final = (42).to_bytes(8, "big")
_PATH: Final = "m/44'/60'/0'"
# What eth-tester lets a test say of the first header; the others follow from the rest.
_HEADER: Final = {
    "coinbase": "coinbase",
    "difficulty": "difficulty",
    "extra_data": "extraData",
    "gas_limit": "gasLimit",
    "mix_hash": "mixHash",
    "nonce": "nonce",
    "timestamp": "timestamp",
}
_DERIVED: Final = ("receipt_root", "transaction_root")


class TesterChain(DevChain):
    """A `DevChain` that tells what tests ask the chain of a backend."""

    @property
    def chain_id(self) -> int:
        """What transactions sign."""
        return self.spec.chain_id


def default_parameters(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of the first header.

    Raises:
        ValueError: there is no such one.
    """
    defaults = {
        "coinbase": bytes(20),
        "difficulty": 0,
        "extra_data": b"",
        "gas_limit": _GAS_LIMIT,
        "mix_hash": bytes(32),
        "nonce": bytes(8),
        "timestamp": int(time.time()),
        **dict.fromkeys(_DERIVED),
    }
    found: dict[str, Any] = merge_genesis_overrides(defaults, overrides or {})
    return found


def default_state(
    keys: Iterable[bytes], overrides: Mapping[str, Any] | None = None
) -> dict[Address, dict[str, Any]]:
    """Rich accounts, one for each key.

    Raises:
        ValueError: there is no such member of an account.
    """
    defaults = {"balance": 1_000_000 * _ETHER, "storage": {}, "code": b"", "nonce": 0}
    account = merge_genesis_overrides(defaults, overrides or {})
    return {address_of(key): dict(account) for key in keys}


@lru_cache(maxsize=1024)  # a suite makes a backend for each test, with the same keys
def address_of(key: bytes) -> Address:
    """Whose secret key it is."""
    return address_of_key(key)


def keys_of_backend(count: int | None, mnemonic: str | None, path: str | None) -> list[bytes]:
    """The secret keys: 1, 2, 3 and on, or those of a mnemonic."""
    wanted = count or ACCOUNTS
    if mnemonic:
        return keys_at(mnemonic, path or _PATH, wanted)
    return [number.to_bytes(32, "big") for number in range(1, wanted + 1)]


def begin(
    parameters: Mapping[str, Any] | None,
    accounts: Mapping[Any, Mapping[str, Any]] | Iterable[tuple[Any, Mapping[str, Any]]],
    schedule: Sequence[tuple[int, Any]] | None,
) -> TesterChain:
    """The chain.

    Args:
        parameters: of the first header, see `default_parameters`.
        accounts: address → balance, nonce, code, storage.
        schedule: (number of the first block, fork): a fork, its name, or a VM class of py-evm.

    Raises:
        ConfigError: the forks are no chain's.
    """
    activations = [
        Activation(_fork(fork), block=start) for start, fork in schedule or ((0, PRAGUE),)
    ]
    spec = Chain(CHAIN_ID, tuple(activations))
    first = activations[0].fork
    work = {} if first >= PARIS else {"difficulty": _DIFFICULTY, "nonce": _NONCE}
    given = default_parameters(work)
    given |= parameters or {}
    members: dict[str, Any] = {
        theirs: _text(given[ours])
        for ours, theirs in _HEADER.items()
        if given.get(ours) is not None
    }
    alloc = {
        _text(address): {name: _shown(value) for name, value in account.items()}
        for address, account in dict(accounts).items()
    }
    for address, account in system_contracts(activations[-1].fork).items():
        contract = {"balance": "0x0", "nonce": "0x1", "code": shown(account.code or b"")}
        alloc.setdefault(shown(address), contract)
    return TesterChain.in_memory(parse_genesis(members | {"alloc": alloc}, chain=spec), window=None)


def _text(value: Any) -> Any:
    return shown(value) if isinstance(value, int | bytes) else value


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_text(slot): _text(word) for slot, word in value.items()}
    return _text(value)


def _fork(given: Any) -> Fork:
    """A fork, its name, or what py-evm calls one."""
    if isinstance(given, Fork):
        return given
    name = given if isinstance(given, str) else getattr(given, "fork", None)
    if not isinstance(name, str):
        raise ConfigError(f"a fork is a name, a Fork or a VM class of py-evm, not {brief(given)}")
    return fork_named(name.replace("-", "_"))
