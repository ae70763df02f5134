"""The work of a block besides its transactions: before the first one, and after the last.

Each function works on a state made for one step; the step is run like a transaction, in front
of the block's transactions or behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth.constants import SYSTEM_ADDRESS, SYSTEM_MESSAGE_GAS
from eth.vm.forks.cancun.constants import (
    BEACON_ROOTS_ADDRESS,
    BEACON_ROOTS_CONTRACT_CODE,
    HISTORY_BUFFER_LENGTH,
)
from eth.vm.forks.homestead.headers import dao_drain_list, dao_refund_contract
from eth.vm.forks.prague.constants import (
    CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    CONSOLIDATION_REQUEST_TYPE,
    HISTORY_SERVE_WINDOW,
    HISTORY_STORAGE_ADDRESS,
    HISTORY_STORAGE_CONTRACT_CODE,
    WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    WITHDRAWAL_REQUEST_TYPE,
)
from eth.vm.message import Message

from blockstm.errors import Invalid
from blockstm.types import Address
from blockstm.vm.context import BlockContext

__all__ = [
    "Ommer",
    "Withdrawal",
    "apply_withdrawals",
    "collect_requests",
    "move_dao_funds",
    "pay_rewards",
    "store_beacon_root",
    "store_parent_hash",
]

_WEI_PER_GWEI = 10**9
_OMMER_DEPTH_MAX = 8


@dataclass(frozen=True, slots=True)
class Ommer:
    """A rewarded side block: its number and its miner."""

    number: int
    coinbase: Address


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A payment from the beacon chain, in Gwei."""

    address: Address
    amount_gwei: int


def move_dao_funds(state: Any) -> None:
    """The irregular state change of mainnet block 1,920,000 (EIP-779)."""
    state.accounts.reads_balances = True
    for text in dao_drain_list:
        address = Address(bytes.fromhex(text[2:]))
        state.delta_balance(dao_refund_contract, state.get_balance(address))
        state.set_balance(address, 0)
    state.accounts.reads_balances = False


def store_beacon_root(state: Any, block: BlockContext) -> None:
    """The system call of EIP-4788; none where its contract is not in the state."""
    if state.get_code(BEACON_ROOTS_ADDRESS) != BEACON_ROOTS_CONTRACT_CODE:
        return
    place = block.timestamp % HISTORY_BUFFER_LENGTH
    root = int.from_bytes(block.parent_beacon_block_root or b"", "big")
    state.set_storage(BEACON_ROOTS_ADDRESS, place, block.timestamp)
    state.set_storage(BEACON_ROOTS_ADDRESS, place + HISTORY_BUFFER_LENGTH, root)


def store_parent_hash(state: Any, block: BlockContext) -> None:
    """The system call of EIP-2935; none where its contract is not in the state."""
    if state.get_code(HISTORY_STORAGE_ADDRESS) != HISTORY_STORAGE_CONTRACT_CODE:
        return
    place = (block.number - 1) % HISTORY_SERVE_WINDOW
    state.set_storage(HISTORY_STORAGE_ADDRESS, place, int.from_bytes(block.parent_hash, "big"))


def apply_withdrawals(state: Any, withdrawals: Iterable[Withdrawal]) -> None:
    """EIP-4895: pay, without gas and without running code."""
    receivers: dict[Address, None] = {}
    for withdrawal in withdrawals:
        state.delta_balance(withdrawal.address, withdrawal.amount_gwei * _WEI_PER_GWEI)
        receivers[withdrawal.address] = None
    for address in receivers:
        if state.account_exists(address) and state.account_is_empty(address):
            state.delete_account(address)


def collect_requests(state: Any) -> tuple[bytes, bytes] | None:
    """The withdrawal and consolidation requests (EIP-7002, EIP-7251), each behind its type.

    None where one of the two contracts is not in the state.

    Raises:
        Invalid: one of the two calls failed, which the EIPs forbid.
    """
    contracts = (
        (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE),
        (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE),
    )
    if not all(state.get_code(address) for address, _ in contracts):
        return None
    withdrawals, consolidations = (
        kind + _call_by_system(state, address) for address, kind in contracts
    )
    return withdrawals, consolidations


def _call_by_system(state: Any, address: Address) -> bytes:
    message = Message(
        gas=SYSTEM_MESSAGE_GAS,
        to=address,
        sender=SYSTEM_ADDRESS,
        value=0,
        data=b"",
        code=state.get_code(address),
    )
    context = state.get_transaction_context_class()(gas_price=0, origin=SYSTEM_ADDRESS)
    computation = state.computation_class.apply_message(state, message, context)
    if computation.is_error:
        raise Invalid(f"the system call to 0x{address.hex()} failed: {computation.error}")
    return bytes(computation.output)


def pay_rewards(state: Any, rules: Any, block: BlockContext, ommers: Sequence[Ommer]) -> None:
    """The rewards of the miner and of the miners of ommers; nothing from Paris on."""
    reward = rules.get_block_reward()
    if not reward:
        return
    state.delta_balance(block.coinbase, reward + len(ommers) * rules.get_nephew_reward())
    for ommer in ommers:
        share = _OMMER_DEPTH_MAX + ommer.number - block.number
        state.delta_balance(ommer.coinbase, reward * share // _OMMER_DEPTH_MAX)
