"""Ethereum blocks by `execute_block`: checked, run, checked again, the same on any workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.documents import block_document, seal

import blockstm
from blockstm.errors import ConfigError, InputError, InvalidBlock, StateError
from blockstm.ethereum import Account, AccountState, Block, Header, Reason, state_root
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import VMName
from blockstm.ethereum.files.block_files import parse_block_file

VMS: list[VMName] = ["evm", "py-evm"]


def block_and_state(document: dict[str, Any] | None = None) -> tuple[Block, AccountState]:
    """A valid block of London on a complete state."""
    file = parse_block_file(seal(document or block_document()))
    accounts = {
        address: Account(a.balance, a.nonce, a.code, a.code_hash, a.storage)
        for address, a in file.accounts.items()
    }
    state = AccountState(accounts)
    partial = AccountState(accounts, partial=True)
    after = state.copy()
    after.apply(blockstm.execute_block(file.block, partial, "evm").writes)
    return with_header(file.block, state_root=state_root(after.accounts())), state


def with_header(block: Block, **changes: Any) -> Block:
    return replace(block, header=replace(block.header, **changes))


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_valid_block_passes_and_moves_the_state_on(vm: VMName, workers: int) -> None:
    block, state = block_and_state()
    done = blockstm.execute_block(block, state, vm, workers=workers)
    assert done.gas_used == block.header.gas_used
    assert done.receipts_root == block.header.receipts_root
    assert done.logs_bloom == block.header.logs_bloom
    state.apply(done.writes)
    assert state_root(state.accounts()) == block.header.state_root
    assert done.state_root == block.header.state_root


def test_both_vms_write_the_same() -> None:
    block, state = block_and_state()
    ours, theirs = (blockstm.execute_block(block, state, vm) for vm in VMS)
    assert dict(ours.writes) == dict(theirs.writes)
    assert ours.receipts == theirs.receipts


Change = Callable[[Header], dict[str, Any]]


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize(
    ("reason", "change"),
    [
        (Reason.GAS_USED, lambda header: {"gas_used": header.gas_used - 1}),
        (Reason.RECEIPTS_ROOT, lambda _: {"receipts_root": bytes(32)}),
        (Reason.LOGS_BLOOM, lambda _: {"logs_bloom": bytes(256)}),
        (Reason.STATE_ROOT, lambda _: {"state_root": bytes(32)}),
        (Reason.TRANSACTIONS_ROOT, lambda _: {"transactions_root": bytes(32)}),
        (Reason.OMMERS_HASH, lambda _: {"ommers_hash": bytes(32)}),
    ],
)
def test_a_header_that_says_something_else_is_refused(
    vm: VMName, reason: Reason, change: Change
) -> None:
    block, state = block_and_state()
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(with_header(block, **change(block.header)), state, vm)
    assert caught.value.reason is reason
    assert caught.value.index is None


@pytest.mark.parametrize("workers", [1, 2])
def test_a_transaction_that_finds_no_gas_is_refused_with_its_index(workers: int) -> None:
    block, state = block_and_state()
    with pytest.raises(InvalidBlock, match="left") as caught:
        blockstm.execute_block(with_header(block, gas_limit=130_000), state, "evm", workers=workers)
    assert caught.value.reason is Reason.GAS_ABOVE_BLOCK
    assert caught.value.index == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_transaction_that_is_invalid_in_its_place_is_refused(workers: int) -> None:
    block, state = block_and_state()
    twice = replace(block, transactions=(block.transactions[0], *block.transactions))
    twice = with_header(twice, transactions_root=twice.transactions_root)
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(twice, state, "evm", workers=workers)
    assert (caught.value.reason, caught.value.index) == (Reason.NONCE_TOO_LOW, 1)


def test_a_fork_may_be_named() -> None:
    block, state = block_and_state()
    assert blockstm.execute_block(block, state, "evm", fork="london").gas_used
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(block, state, "evm", fork="berlin")
    assert caught.value.reason is Reason.HEADER_MEMBERS


@pytest.mark.parametrize(
    ("error", "arguments", "options"),
    [
        (ConfigError, ("evm",), {"fork": "narnia"}),
        (ConfigError, ("revm",), {}),
        (ConfigError, ("evm",), {"limit": 5}),
        (ConfigError, ("evm",), {"on_invalid": "skip"}),
    ],
)
def test_wrong_options_are_refused(
    error: type[Exception], arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    block, state = block_and_state()
    with pytest.raises(error):
        blockstm.execute_block(block, state, *arguments, **options)


def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(InputError, match="list"):
        blockstm.execute_block([], AccountState(), "evm")  # type: ignore[call-overload]  # on purpose


def test_ethereum_options_are_for_ethereum_blocks() -> None:
    with pytest.raises(ConfigError, match="fork"):
        blockstm.execute_block([], {}, lambda view, t: None, fork="london")  # type: ignore[call-overload]  # on purpose


@pytest.mark.parametrize("workers", [1, 2])
def test_code_that_the_state_lacks_is_a_state_error(workers: int) -> None:
    block, state = block_and_state()
    unknown = keccak(b"code that nobody has met: what was met once may be found by its hash")
    accounts = {
        address: replace(account, code=None, code_hash=unknown) if account.code else account
        for address, account in state.accounts()
    }
    with pytest.raises(StateError, match="hash of the code"):
        blockstm.execute_block(block, AccountState(accounts), "evm", workers=workers)
