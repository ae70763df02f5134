"""Blocks of py-evm, run here; what they did goes into py-evm's database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import rlp
from eth.abc import BlockAndMetaWitness
from eth_utils import ValidationError

import blockstm
from blockstm.compat.pyevm.state import RootedStateOfPyEvm, StateOfPyEvm, put
from blockstm.errors import DecodeError, InvalidBlock, StateError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.types import Hash32
from blockstm.vm.evm.validation import MissingInput
from blockstm.vm.forks import BYZANTIUM, fork_named

__all__ = ["import_on"]


def import_on(vm: Any, block: Any) -> BlockAndMetaWitness:
    """What ``vm.import_block(block)`` does, with the block run by this EVM.

    Args:
        vm: py-evm's virtual machine, on the state that the parent left.
        block: of py-evm.

    Raises:
        ValidationError: the block breaks a rule.
    """
    before = partial(
        vm.get_state_class(),
        vm.chaindb.db,
        vm.create_execution_context(block.header, (), vm.chain_context),
        vm.get_header().state_root,
    )
    vm._state = before()
    executed = _executed(vm, block, before)
    put(vm.state, vm.chaindb.db, executed.writes)
    witness = vm.state.persist()
    receipts = [vm.get_receipt_builder().decode(each.encode()) for each in executed.receipts]
    header = block.header.copy(state_root=vm.state.state_root, gas_used=executed.gas_used)
    withdrawals = getattr(block, "withdrawals", None)
    done = vm.set_block_transactions_and_withdrawals(
        block, header, block.transactions, receipts, withdrawals=withdrawals
    )
    vm.validate_block(done)
    return BlockAndMetaWitness(done, witness)


def _executed(vm: Any, block: Any, before: Callable[[], Any]) -> ExecutedBlock:
    try:
        ours = Block.decode(rlp.encode(block))
        chain = _chain_of(vm)
        state: Any = StateOfPyEvm(vm.state, vm.chaindb.db)
        if chain.fork is not None and chain.fork < BYZANTIUM:  # receipts have roots
            state = RootedStateOfPyEvm(vm.state, vm.chaindb.db, before)
        try:
            return blockstm.execute_block(ours, state, vm="evm", chain=chain)
        except StateError as error:
            if not isinstance(error.__cause__, MissingInput):
                raise
        hashes = _hashes_before(vm, block)  # what BLOCKHASH asks for, which few blocks do
        return blockstm.execute_block(ours, state, vm="evm", chain=chain, block_hashes=hashes)
    except (InvalidBlock, DecodeError) as error:
        raise ValidationError(str(error)) from error


def _chain_of(vm: Any) -> Chain:
    chain_id = vm.chain_context.chain_id
    chain = MAINNET if chain_id is None else replace(MAINNET, chain_id=chain_id)
    return chain.under(fork_named(vm.fork.replace("-", "_")))


def _hashes_before(vm: Any, block: Any) -> dict[int, Hash32]:
    hashes = vm.get_prev_hashes(block.header.parent_hash, vm.chaindb)
    return {block.number - 1 - back: Hash32(each) for back, each in enumerate(hashes)}
