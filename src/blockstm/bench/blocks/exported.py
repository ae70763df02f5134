"""A workload as bytes that programs in other languages read, and what it comes to as a digest.

An exported block, all numbers big-endian, counts and sizes of 8 bytes before what they count:

    number, timestamp, gas limit, base fee (8 bytes each); coinbase
    accounts: address, balance (32 bytes), nonce (8), code, slots: key, value (32 each)
    transactions of type 2: sender, to, nonce (8), gas (8), fee cap (32), tip cap (32),
        value (32), data

The chain's id is 1. The fork is not in there: that of a workload is Osaka.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.errors import ConfigError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.state.accounts import Account
from blockstm.types import DELETED, BlockResult
from blockstm.vm.evm import Execution, Signed

__all__ = ["digest_of", "export"]

_BALANCE, _NONCE, _SLOT = 0, 1, 2
"""Kinds of a change in a digest."""


def export(workload: BlockWorkload) -> bytes:
    """The workload as bytes, as the module says.

    Raises:
        ConfigError: a transaction creates a contract, has an access list, or is not of type 2.
    """
    block = workload.evm.block
    head = (block.number, block.timestamp, block.gas_limit, block.base_fee_per_gas or 0)
    steps = [_transaction(step) for step in workload.steps]
    accounts = [_account(*each) for each in workload.state.accounts()]
    return b"".join([*map(_number, head), block.coinbase, _list(accounts), _list(steps)])


def digest_of(result: BlockResult, before: Any) -> bytes:
    """All results of a block and what it changed: each result, then each change in order.

    What was written back as it was in the state ``before`` is no change.

    A result is success (1 byte), gas (8), output, logs: address, topics, data. A change is an
    address, its kind (0 balance, 1 nonce, 2 slot), the slot (32 bytes, 0 where it is none) and the
    value (32).
    """
    results = [_result(outcome.value) for outcome in result.outcomes]
    changes = sorted(
        _change(key, value)
        for key, value in result.writes.items()
        if (0 if value is DELETED else value) != before.get(key, 0)
    )
    return bytes(keccak(b"".join([*results, *changes])))


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _sized(data: bytes) -> bytes:
    return _number(len(data)) + data


def _list(items: Iterable[bytes]) -> bytes:
    written = list(items)
    return _number(len(written)) + b"".join(written)


def _account(address: bytes, account: Account) -> bytes:
    slots = [_word(slot) + _word(value) for slot, value in account.storage.items()]
    numbers = _word(account.balance) + _number(account.nonce)
    return address + numbers + _sized(account.code or b"") + _list(slots)


def _transaction(step: object) -> bytes:
    plain = isinstance(step, Signed) and step.transaction.type == 2
    if not isinstance(step, Signed) or not plain or not step.transaction.to:
        raise ConfigError(
            "a workload can be exported where all its transactions are calls of type 2"
        )
    sent = step.transaction
    if sent.access_list:
        raise ConfigError("a workload can be exported where no transaction has an access list")
    fees = _word(sent.max_fee_per_gas or 0) + _word(sent.max_priority_fee_per_gas or 0)
    numbers = _number(sent.nonce) + _number(sent.gas) + fees + _word(sent.value)
    return b"".join([step.sender, sent.to, numbers, _sized(sent.data)])


def _result(executed: Execution) -> bytes:
    logs = [
        log.address + _list(log.topics) + _sized(log.data)
        for log in (executed.logs if executed.succeeded else ())
    ]
    head = bytes([executed.succeeded]) + _number(executed.gas_used)
    return head + _sized(executed.output) + _list(logs)


def _change(location: Any, value: Any) -> bytes:
    number = 0 if value is DELETED else value
    match location:
        case (address, "balance"):
            return _written(address, _BALANCE, 0, number)
        case (address, "nonce"):
            return _written(address, _NONCE, 0, number)
        case (address, "storage", 0, slot):
            return _written(address, _SLOT, slot, number)
    raise ConfigError(f"a digest is of balances, nonces and slots, not of {brief(location[1])}")


def _written(address: bytes, kind: int, slot: int, value: int) -> bytes:
    return address + bytes([kind]) + _word(slot) + _word(value)
