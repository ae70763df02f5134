"""A block of London that creates, changes and destroys accounts; no test of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tests.ethereum.documents import (
    RECEIVER,
    SENDER,
    block_document,
    hex_of,
    seal,
    signed_transaction,
)

import blockstm
from blockstm.ethereum import Account, AccountState, Block, state_root
from blockstm.ethereum.files.block_files import parse_block_file

STORER, DESTROYED = b"\x44" * 20, b"\x55" * 20
STORER_CODE = bytes.fromhex("600160025560056003556000600155")  # slots 2 and 3, and clears slot 1
DESTROYED_CODE = b"\x73" + RECEIVER + b"\xff"


@cache
def block_and_state() -> tuple[Block, AccountState]:
    """A valid block on a complete state."""
    document = block_document()
    # A contract of one byte of code.
    creation = signed_transaction(5, RECEIVER, bytes.fromhex("60016000f3"))
    document.pop("receipts")
    document["block"]["transactions"] += [
        signed_transaction(3, STORER),
        signed_transaction(4, DESTROYED),
        creation,
    ]
    for address, code in ((STORER, STORER_CODE), (DESTROYED, DESTROYED_CODE)):
        document["pre_state"][hex_of(address)] = {
            "balance": hex_of(7),
            "nonce": hex_of(1),
            "code": hex_of(code),
            "storage": {hex_of(1): hex_of(9), hex_of(12): hex_of(10)},
        }
    file = parse_block_file(seal(document))
    accounts = {
        address: Account(a.balance, a.nonce, a.code, a.code_hash, a.storage)
        for address, a in file.accounts.items()
    }
    assert SENDER in accounts
    state = AccountState(accounts)
    partial = AccountState(accounts, partial=True)
    after = state.copy()
    after.apply(blockstm.execute_block(file.block, partial, "evm").writes)
    header = replace(file.block.header, state_root=state_root(after.accounts()))
    return replace(file.block, header=header), state
