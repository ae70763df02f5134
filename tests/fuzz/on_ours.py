"""Ours: the native EVM on the engine, sequential and parallel, and on the reference's view."""

from __future__ import annotations

from typing import Any

from eth_typing import Address, BlockNumber, Hash32
from tests.fuzz.case import CHAIN_ID, Account, Case
from tests.fuzz.result import FAILED, INVALID, SUCCEEDED, Did, Log, Result

import blockstm
from blockstm import reference
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.senders import recover_authorities, recover_senders
from blockstm.ethereum.rules.fees import blob_base_fee
from blockstm.ethereum.rules.transaction_rules import transactions_violation
from blockstm.state.accounts import Account as StateAccount
from blockstm.state.accounts import AccountState
from blockstm.types import BlockResult, Outcome, Status
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import Evm, Signed
from blockstm.vm.evmc import EvmcVm
from blockstm.vm.forks import CANCUN, HOMESTEAD, LONDON

_NO_HASH = Hash32(bytes(32))


def run(case: Case, workers: int = 1, evmc: EvmcVm | None = None) -> Result:
    """What the case comes to on the engine; its code is run by another EVM where one is given."""
    return _run(
        case,
        evmc,
        lambda steps, state, vm: blockstm.execute_block(
            steps, state, vm, workers=workers, on_invalid="skip"
        ),
    )


def run_on_reference(case: Case) -> Result:
    """What the case comes to transaction by transaction on the reference's view."""
    return _run(
        case,
        None,
        lambda steps, state, vm: reference.execute_block(steps, state, vm, on_invalid="skip"),
    )


def _run(case: Case, evmc: EvmcVm | None, execute_block: Any) -> Result:
    sound = [
        number
        for number, sent in enumerate(case.transactions)
        if transactions_violation([sent.transaction], _header(case), case.fork, CHAIN_ID) is None
    ]
    state = _state_of(case)
    result: BlockResult = execute_block(_steps(case, sound), state, _evm(case, evmc))
    did = [Did(INVALID)] * len(case.transactions)
    for number, outcome in zip(sound, result.outcomes, strict=True):
        did[number] = _did(outcome, case.transactions[number].transaction.to)
    state.apply(result.writes)
    accounts = {address: _account(account) for address, account in state.accounts()}
    return Result(tuple(did), accounts)


def _steps(case: Case, sound: list[int]) -> list[Signed]:
    """The transactions with their signers, who are found out here as they are for a block."""
    transactions = [case.transactions[number].transaction for number in sound]
    senders = recover_senders(transactions, high_s_allowed=case.fork < HOMESTEAD)
    assert senders == [case.transactions[number].sender for number in sound]
    authorities = recover_authorities(transactions)
    return [Signed(*each) for each in zip(transactions, senders, authorities, strict=True)]


def _evm(case: Case, evmc: EvmcVm | None) -> Evm:
    fork = case.fork
    context = BlockContext(
        number=BlockNumber(case.number),
        timestamp=case.timestamp,
        coinbase=Address(case.coinbase),
        gas_limit=case.gas_limit,
        difficulty=case.difficulty,
        mix_hash=Hash32(case.mix_hash),
        base_fee_per_gas=case.base_fee if fork >= LONDON else None,
        excess_blob_gas=case.excess_blob_gas if fork >= CANCUN else None,
        blob_base_fee=blob_base_fee(case.excess_blob_gas, fork.blobs) if fork.blobs else None,
        chain_id=CHAIN_ID,
        block_hashes={number: Hash32(each) for number, each in case.block_hashes.items()},
    )
    return Evm(fork.rules, context, evmc=evmc)


def _header(case: Case) -> Header:
    """As much of a header as the rules for transactions look at."""
    fork = case.fork
    return Header(
        parent_hash=_NO_HASH,
        ommers_hash=_NO_HASH,
        coinbase=Address(case.coinbase),
        state_root=_NO_HASH,
        transactions_root=_NO_HASH,
        receipts_root=_NO_HASH,
        logs_bloom=b"",
        difficulty=case.difficulty,
        number=BlockNumber(case.number),
        gas_limit=case.gas_limit,
        gas_used=0,
        timestamp=case.timestamp,
        extra_data=b"",
        mix_hash=Hash32(case.mix_hash),
        nonce=bytes(8),
        base_fee_per_gas=case.base_fee if fork >= LONDON else None,
        excess_blob_gas=case.excess_blob_gas if fork >= CANCUN else None,
    )


def _state_of(case: Case) -> AccountState:
    return AccountState(
        {
            Address(address): StateAccount(
                balance=account.balance,
                nonce=account.nonce,
                code=account.code,
                code_hash=keccak(account.code),
                storage=account.storage,
            )
            for address, account in case.accounts.items()
        }
    )


def _account(account: StateAccount) -> Account:
    return Account(account.nonce, account.balance, account.code or b"", dict(account.storage))


def _did(outcome: Outcome, to: bytes | None) -> Did:
    if outcome.status is Status.SKIPPED:
        return Did(INVALID)
    execution = outcome.value
    return Did(
        SUCCEEDED if execution.succeeded else FAILED,
        execution.gas_used,
        execution.output if to is not None else b"",
        tuple(Log(*log) for log in execution.logs),
    )
