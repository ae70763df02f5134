"""Ethereum blocks: forks, transactions, receipts, system calls, rules, execution, verification.

`blockstm.execute_block(block, state, vm="evm")` runs a `Block` on an `AccountState` and checks it
against its header; `prepare` and what it returns are the same in steps.

Imports point down::

    transition  a block that is not there yet: transactions on a state, in an environment
    simulation  blocks of calls, one after another, on a state that stays as it is
    remote     blocks of a node far away, and states that are read from it
    building   a valid block of what fits of some transactions
    calls      messages that nobody signs, run on a state that they do not change
    witnesses  a block and what proves the state that it reads, for stateless clients
    learned    what past blocks teach of the next one's conflicts, as hints
    execution  from a block to what it did, and to a verdict
    tracing    what transactions did inside, as go-ethereum's tracers tell it
    hints      what is known of a block's transactions before it runs
    results    what executing a block gave, and how it compares with its header
    files      files and messages that hold a block or what executing it reads
    genesis    how a chain begins, as clients write it
    rules      what a block must satisfy that needs no execution
    blocks     a block and its parts: from RLP and JSON, to RLP and JSON
    tries      the roots of lists and of states
    chains     which fork a block is under, and whose chain it is
    codecs     bytes and JSON to Python values and back
"""

from typing import TYPE_CHECKING

from blockstm import lazy_names

__all__ = [
    "FORKS",
    "MAINNET",
    "Account",
    "AccountChange",
    "AccountChanges",
    "AccountInfo",
    "AccountOverride",
    "AccountState",
    "Activation",
    "Authorization",
    "Block",
    "BlockAttributes",
    "BlockCalls",
    "BlockFile",
    "BlockOverrides",
    "BuiltBlock",
    "Bundle",
    "CallResult",
    "CallSession",
    "Candidate",
    "Chain",
    "CheckedPart",
    "ChunkProof",
    "CreatedAccessList",
    "ExecutedBlock",
    "Failure",
    "Fork",
    "Header",
    "Message",
    "NodeClient",
    "Overlay",
    "OwnTransaction",
    "OwnTransactionType",
    "PreparedBlock",
    "Reason",
    "Receipt",
    "Rejected",
    "RevertReason",
    "RootedState",
    "RpcState",
    "RuleView",
    "Rules",
    "SimulatedBlock",
    "SimulatedCall",
    "State",
    "StateTrie",
    "StatelessFile",
    "SystemCall",
    "Transaction",
    "TransactionFee",
    "Undo",
    "Withdrawal",
    "Witness",
    "WitnessState",
    "as_given",
    "block_of_payload",
    "build_block",
    "by_price",
    "call",
    "call_many",
    "changes_of",
    "check_part",
    "context_of",
    "create_access_list",
    "estimate_gas",
    "fetch_block",
    "fork_named",
    "gas_limit_toward",
    "join_chunks",
    "join_parts",
    "located",
    "message_of",
    "overlay",
    "parse_witness",
    "payload_of_block",
    "prepare",
    "prepare_file",
    "read_block_file",
    "read_stateless_file",
    "read_witness",
    "recover_authorities",
    "recover_senders",
    "simulate",
    "state_root",
    "verify_part",
    "write_block_file",
]

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.blocks.header import Header
    from blockstm.ethereum.blocks.own_transaction import OwnTransaction
    from blockstm.ethereum.blocks.receipt import Receipt
    from blockstm.ethereum.blocks.transaction import Authorization, Transaction
    from blockstm.ethereum.blocks.withdrawal import Withdrawal
    from blockstm.ethereum.building import (
        BlockAttributes,
        BuiltBlock,
        Candidate,
        Rejected,
        as_given,
        build_block,
        by_price,
        gas_limit_toward,
    )
    from blockstm.ethereum.calls import (
        AccountOverride,
        BlockOverrides,
        CallResult,
        CallSession,
        CreatedAccessList,
        Failure,
        Message,
        RevertReason,
        call,
        call_many,
        create_access_list,
        estimate_gas,
        message_of,
    )
    from blockstm.ethereum.chains.chain import MAINNET, Activation, Chain
    from blockstm.ethereum.chains.rules import OwnTransactionType, Rules
    from blockstm.ethereum.execution import (
        ExecutedBlock,
        PreparedBlock,
        context_of,
        prepare,
        prepare_file,
    )
    from blockstm.ethereum.execution.senders import recover_authorities, recover_senders
    from blockstm.ethereum.files.block_files import BlockFile, read_block_file, write_block_file
    from blockstm.ethereum.files.payloads import block_of_payload, payload_of_block
    from blockstm.ethereum.remote import NodeClient, RpcState, fetch_block
    from blockstm.ethereum.rules.reasons import Reason
    from blockstm.ethereum.simulation import BlockCalls, SimulatedBlock, SimulatedCall, simulate
    from blockstm.ethereum.tries.state_trie import StateTrie, state_root
    from blockstm.ethereum.witnesses import (
        Bundle,
        CheckedPart,
        ChunkProof,
        StatelessFile,
        Witness,
        WitnessState,
        check_part,
        join_chunks,
        join_parts,
        parse_witness,
        read_stateless_file,
        read_witness,
        verify_part,
    )
    from blockstm.state.accounts import Account, AccountState, Undo
    from blockstm.state.changes import AccountChange, AccountChanges, changes_of
    from blockstm.state.located import located
    from blockstm.state.overlay import Overlay, overlay
    from blockstm.state.protocol import AccountInfo, RootedState, State
    from blockstm.vm.evm.own_rules import RuleView, SystemCall, TransactionFee
    from blockstm.vm.forks import FORKS, Fork, fork_named
else:  # to a type checker, a module with this function has every name there could be
    __getattr__, __dir__ = lazy_names.of(
        __name__,
        {
            "blocks.block": "Block",
            "blocks.header": "Header",
            "blocks.own_transaction": "OwnTransaction",
            "blocks.receipt": "Receipt",
            "blocks.transaction": "Authorization Transaction",
            "blocks.withdrawal": "Withdrawal",
            "building": "BlockAttributes BuiltBlock Candidate Rejected as_given build_block "
            "by_price gas_limit_toward",
            "calls": "AccountOverride BlockOverrides CallResult CallSession CreatedAccessList "
            "Failure Message RevertReason call call_many create_access_list estimate_gas "
            "message_of",
            "chains.chain": "MAINNET Activation Chain",
            "chains.rules": "OwnTransactionType Rules",
            "execution": "ExecutedBlock PreparedBlock context_of prepare prepare_file",
            "execution.senders": "recover_authorities recover_senders",
            "files.block_files": "BlockFile read_block_file write_block_file",
            "files.payloads": "block_of_payload payload_of_block",
            "remote": "NodeClient RpcState fetch_block",
            "rules.reasons": "Reason",
            "simulation": "BlockCalls SimulatedBlock SimulatedCall simulate",
            "tries.state_trie": "StateTrie state_root",
            "witnesses": "Bundle CheckedPart ChunkProof StatelessFile Witness WitnessState "
            "check_part join_chunks join_parts parse_witness read_stateless_file read_witness "
            "verify_part",
            "blockstm.state.accounts": "Account AccountState Undo",
            "blockstm.state.changes": "AccountChange AccountChanges changes_of",
            "blockstm.state.located": "located",
            "blockstm.state.overlay": "Overlay overlay",
            "blockstm.state.protocol": "AccountInfo RootedState State",
            "blockstm.vm.evm.own_rules": "RuleView SystemCall TransactionFee",
            "blockstm.vm.forks": "FORKS Fork fork_named",
        },
        # The first block of a process would else wait for these imports.
        beside=dict.fromkeys(("Block", "read_block_file"), "execution.verification"),
    )
