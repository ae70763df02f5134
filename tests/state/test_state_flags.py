"""What a native state promises to those who read it: `blockstm_state.flags`."""

from __future__ import annotations

import copy
import ctypes
import pickle
from typing import Any

from blockstm import execute_block
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.state.memory import MemoryState
from blockstm.vm.evm import BlockContext, Evm, Signed

LASTS, HASHED = 1, 2
ADDRESS = b"\x07" * 20


class Table(ctypes.Structure):
    """``blockstm_state``."""

    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
    )


def _table(state: Any) -> Table:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return Table.from_address(get(state.__blockstm_state__(), b"blockstm.state"))


def _flags(state: Any) -> int:
    return int(_table(state).flags)


def test_values_of_memory_last_and_nobody_hashed_them() -> None:
    state = MemoryState({bytes(32): b"code"}, keys="bytes", values="bytes")
    assert _flags(state) == LASTS
    assert _flags(copy.copy(state)) == LASTS


def test_accounts_were_hashed_when_they_came() -> None:
    state = AccountState({ADDRESS: Account(nonce=1, code=b"\x5f" * 40)})
    assert _flags(state) == LASTS | HASHED
    assert _flags(copy.copy(state)) == LASTS | HASHED
    assert _flags(pickle.loads(pickle.dumps(state))) & LASTS


def test_what_came_unseen_was_not_hashed() -> None:
    """The memory behind the accounts, changed by itself."""
    memory = AccountState({ADDRESS: Account(nonce=1, code=b"\x5f" * 40)})._memory
    memory.apply({bytes(32): b"no such code"})
    assert _flags(memory) == LASTS


def test_a_table_without_flags_promises_nothing() -> None:
    """One that was built before there were any is read all the same: the EVM hashes its codes."""
    sender = b"\x01" * 20
    code = bytes.fromhex("602a5f5260205ff3")  # returns 42
    state = AccountState({sender: Account(balance=10**18), ADDRESS: Account(nonce=1, code=code)})
    context = BlockContext(number=1, timestamp=0, coinbase=bytes(20), gas_limit=10**9)
    call = Transaction(
        type=0, nonce=0, gas=100_000, to=ADDRESS, value=0, data=b"", v=0, r=0, s=0, gas_price=10
    )
    code_cache(limit=0)
    table = _table(state)
    size, table.struct_size = table.struct_size, Table.flags.offset
    try:
        result = execute_block([Signed(call, sender)], state, Evm("osaka", context), workers=1)
    finally:
        table.struct_size = size
        code_cache(limit=CODE_CACHE_LIMIT)
    assert result.outcomes[0].value.output == (42).to_bytes(32, "big")
