"""py-evm's computation of a fork, such that calls nest as deep as the EVM allows.

An EVM's calls nest up to 1024 deep. py-evm has room for that many Python frames, but it passes
through C at each call (an opcode is an object with ``__call__``) and gathers results by recursion
through generators. CPython 3.12 allows 1500 nested entries into C and no more; that was the end
at a depth of 500. Here a call opcode is a function, which needs no C to be called, and the tree
of calls is walked by a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eth.abc import ComputationAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.vm.logic.call import BaseCall
from eth.vm.logic.system import Create

from blockstm.types import Address
from blockstm.vm.pyevm.stack_headroom import with_headroom

__all__ = ["ViewComputation", "computation_class_of", "touched_by"]

_BALANCE, _SELFBALANCE, _SELFDESTRUCT = 0x31, 0x47, 0xFF
_RIPEMD160 = Address(bytes(19) + b"\x03")


class ViewComputation:
    """What every fork's computation does differently; mixed in before the fork's own."""

    msg: Any
    is_error: bool
    _gas_meter: Any

    def get_gas_refund(self) -> int:
        """The refunds of this call and of all below it that did not fail."""
        if self.is_error:
            return int(self.msg.refund)
        return sum(each.msg.refund + each._gas_meter.gas_refunded for each in _kept(self))

    def get_accounts_for_deletion(self) -> list[Address]:
        return list({address for each in _kept(self) for address in each.accounts_to_delete})

    def get_self_destruct_beneficiaries(self) -> list[Address]:
        return list({address for each in _kept(self) for address in each.beneficiaries})

    def get_raw_log_entries(self) -> tuple[Any, ...]:
        return tuple(sorted(entry for each in _kept(self) for entry in each._log_entries))


def _kept(computation: Any) -> Iterator[Any]:
    """The calls that were not undone: of this tree, those that neither failed nor lie in one."""
    pending = [computation]
    while pending:
        each = pending.pop()
        if not each.is_error:
            yield each
            pending += each.children


def touched_by(computation: Any) -> set[Address]:
    """The accounts to delete if they are empty (EIP-161).

    What a failed call touched is none of them, but for the contract RIPEMD-160: the network once
    deleted it so, and the rule was kept (https://github.com/ethereum/EIPs/issues/716).
    """
    touched = {computation.state.coinbase}
    pending = [(computation, False)]
    while pending:
        each, undone = pending.pop()
        addresses = [] if each.is_error else list(each.beneficiaries)
        if each.msg.to != CREATE_CONTRACT_ADDRESS:
            addresses.append(each.msg.to)
        undone = undone or each.is_error
        touched.update(a for a in addresses if not undone or a == _RIPEMD160)
        pending += [(child, undone) for child in each.children]
    return touched


def computation_class_of(base: Any) -> type[ComputationAPI]:
    """The computation of a fork: its opcodes and precompiled contracts, fit for a view."""
    members = {
        "opcodes": {code: _adapted(code, opcode) for code, opcode in base.opcodes.items()},
        "_precompiles": {a: with_headroom(run) for a, run in base.get_precompiles().items()},
    }
    return type(f"View{base.__name__}", (ViewComputation, base), members)


def _adapted(code: int, opcode: Any) -> Any:
    if code in (_BALANCE, _SELFBALANCE):
        return _reads_balances(opcode)
    if code == _SELFDESTRUCT:
        return _without_warning(opcode)
    if isinstance(opcode, BaseCall | Create):
        return _as_function(opcode)
    return opcode


def _reads_balances(opcode: Callable[..., None]) -> Callable[..., None]:
    """BALANCE and SELFBALANCE: they read the number they push."""

    def run(computation: Any) -> None:
        accounts = computation.state.accounts
        accounts.reads_balances = True
        try:
            opcode(computation=computation)
        finally:
            accounts.reads_balances = False

    run.mnemonic = getattr(opcode, "mnemonic", "")  # type: ignore[attr-defined]  # for its log
    return run


def _without_warning(opcode: Any) -> Any:
    """SELFDESTRUCT as it is below the warning that py-evm wraps it in from Shanghai on.

    What a transaction does must not depend on the process's warning filters.
    """
    code = getattr(opcode, "__code__", None)
    return opcode.__wrapped__ if getattr(code, "co_name", "") == "deprecated_func" else opcode


def _as_function(opcode: Any) -> Callable[..., None]:
    """An opcode that calls or creates, as a function: the interpreter calls it without C."""
    run_opcode = opcode.__call__

    def run(computation: Any) -> None:
        run_opcode(computation)

    run.mnemonic = opcode.mnemonic  # type: ignore[attr-defined]  # for its log
    return run
