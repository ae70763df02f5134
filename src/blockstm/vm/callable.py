"""Python VMs and native VMs behind one interface: a VM bound to a block and a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set, Sized
from typing import Any

from blockstm._native.engine.bound_vm import BoundVm
from blockstm._native.engine.vms.natives import BoundNativeVm
from blockstm._native.engine.vms.objects import BoundPythonVm
from blockstm.errors import InputError
from blockstm.messages import brief, kind_of

__all__ = ["bind"]


def bind(vm: Any, transactions: Any, state: Any) -> tuple[BoundVm, int, bool]:
    """(the bound VM, number of transactions, whether runs need the GIL).

    Raises:
        InputError: the VM, the transactions or the state are of the wrong kind.
    """
    if hasattr(vm, "__blockstm_bind__"):
        block = _checked(vm.__blockstm_bind__(transactions), transactions)
        if not hasattr(state, "__blockstm_state__"):
            _check_state(state)
        else:
            _check_codecs(block, state)
        return BoundNativeVm(block, state), block.count, False
    if not callable(vm):
        raise InputError(f"a VM is a callable vm(view, transaction), not {type(vm).__name__}")
    _check_state(state)
    listed = _listed(transactions)
    return BoundPythonVm(vm, listed, state), len(listed), True


def _checked(block: Any, transactions: Any) -> Any:
    """A native block with all that the engine will ask of it."""
    for name in ("vm", "count", "keys", "values", "value", "error"):
        if not hasattr(block, name):
            raise InputError(f"a native block has {name}, which {kind_of(block)} has not")
    if type(block.vm).__name__ != "PyCapsule":
        raise InputError(f"a native block's vm is a capsule, not {kind_of(block.vm)}")
    if not isinstance(block.count, int) or block.count < 0:
        raise InputError(f"a native block's count is an int of 0 or more, not {brief(block.count)}")
    if isinstance(transactions, Sized) and len(transactions) != block.count:
        raise InputError(f"a native block counts {block.count} of {len(transactions)} transactions")
    return block


def _listed(transactions: Any) -> list[Any]:
    if isinstance(transactions, (str, bytes, Mapping, Set)) or not isinstance(
        transactions, Iterable
    ):
        kind = type(transactions).__name__
        raise InputError(f"transactions are an ordered iterable of transactions, not {kind}")
    return list(transactions)


def _check_state(state: Any) -> None:
    if not isinstance(state, Mapping) and not callable(getattr(state, "get", None)):
        kind = type(state).__name__
        raise InputError(f"a state is a mapping or has a get(key), which {kind} has not")


def _check_codecs(block: Any, state: Any) -> None:
    """A native state must hold the codecs that the VM expects: the bytes are not checked later."""
    for what, wanted in (("key", block.keys), ("value", block.values)):
        held = getattr(state, f"{what}_codec", None)
        if held is not None and held.name != wanted.name:
            raise InputError(f"the VM has {what}s of {wanted.name}, the state {held.name}")
