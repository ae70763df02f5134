"""Balances, code, nonces and slots as they are wanted: ``hardhat_set*`` and ``anvil_set*``."""

from __future__ import annotations

from typing import Any

from blockstm.messages import brief
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.stepping import number
from blockstm.rpc.params import Params, refuse, slot_key
from blockstm.state.changes import AccountChange
from blockstm.types import Address

__all__ = ["add_balance", "set_balance", "set_code", "set_nonce", "set_slot"]

_WORD_MAX = (1 << 256) - 1


def _edit(node: DevNode, address: Address, change: AccountChange) -> bool:
    with node.miner.turn:
        node.chain.edit({address: change})
    return True


def set_balance(node: DevNode, params: Params) -> Any:
    """``hardhat_setBalance``: in wei."""
    balance = number(params.raw(1), "invalid argument 1", 256)
    return _edit(node, params.address(0), AccountChange(balance=balance))


def add_balance(node: DevNode, params: Params) -> Any:
    """``anvil_addBalance``: in wei."""
    address, more = params.address(0), number(params.raw(1), "invalid argument 1", 256)
    with node.miner.turn:
        account = node.state(node.chain.head.hash).account(address)
        balance = more + (0 if account is None else account.balance)
        if balance > _WORD_MAX:
            raise refuse("invalid argument 1: more ether than an account can have")
        return _edit(node, address, AccountChange(balance=balance))


def set_code(node: DevNode, params: Params) -> Any:
    """``hardhat_setCode``."""
    return _edit(node, params.address(0), AccountChange(code=params.data(1)))


def set_nonce(node: DevNode, params: Params) -> Any:
    """``hardhat_setNonce``."""
    nonce = number(params.raw(1), "invalid argument 1")
    return _edit(node, params.address(0), AccountChange(nonce=nonce))


def set_slot(node: DevNode, params: Params) -> Any:
    """``hardhat_setStorageAt``: 32 bytes; of an account that is empty otherwise none are kept."""
    slot = slot_key(params.raw(1), "invalid argument 1")
    value = params.data(2)
    if len(value) != 32:
        raise refuse(f"invalid argument 2: a slot holds 32 bytes, not {brief(params.raw(2))}")
    change = AccountChange(storage={slot: int.from_bytes(value, "big")})
    return _edit(node, params.address(0), change)
