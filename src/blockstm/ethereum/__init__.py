"""What an Ethereum block means: forks, transactions, receipts, system calls, header checks.

`blockstm.execute_block(block, state, vm="evm")` runs a `Block` on an `AccountState` and checks it
against its header; `prepare` and what it returns are the same in steps.
"""

from blockstm.ethereum.block import Block
from blockstm.ethereum.blockfile import BlockFile, read_block_file
from blockstm.ethereum.chains import MAINNET, Activation, Chain
from blockstm.ethereum.execution import (
    ExecutedBlock,
    PreparedBlock,
    context_of,
    prepare,
    prepare_file,
)
from blockstm.ethereum.forks import FORKS, Fork, fork_named
from blockstm.ethereum.header import Header
from blockstm.ethereum.payloads import block_of_payload, payload_of_block
from blockstm.ethereum.reasons import Reason
from blockstm.ethereum.receipt import Receipt
from blockstm.ethereum.senders import recover_authorities, recover_senders
from blockstm.ethereum.stateroot import StateTrie, state_root
from blockstm.ethereum.transaction import Authorization, Transaction
from blockstm.ethereum.withdrawal import Withdrawal
from blockstm.state.accounts import Account, AccountState, Undo
from blockstm.state.changes import AccountChange, AccountChanges, changes_of

__all__ = [
    "FORKS",
    "MAINNET",
    "Account",
    "AccountChange",
    "AccountChanges",
    "AccountState",
    "Activation",
    "Authorization",
    "Block",
    "BlockFile",
    "Chain",
    "ExecutedBlock",
    "Fork",
    "Header",
    "PreparedBlock",
    "Reason",
    "Receipt",
    "StateTrie",
    "Transaction",
    "Undo",
    "Withdrawal",
    "block_of_payload",
    "changes_of",
    "context_of",
    "fork_named",
    "payload_of_block",
    "prepare",
    "prepare_file",
    "read_block_file",
    "recover_authorities",
    "recover_senders",
    "state_root",
]
