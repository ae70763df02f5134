"""A block compared with its header rule by rule: what holds, and where the first difference lies.

`blockstm.execute_block` decides whether a block is valid. These checks say more of an invalid one,
and of a file that has more than a block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, Unpack

from blockstm import reference
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt, receipts_root
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.options import BlockOptions
from blockstm.ethereum.execution.verification import execute
from blockstm.ethereum.execution.vms import VMName
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.types import Address
from blockstm.vm.forks import BYZANTIUM, Fork

__all__ = [
    "Checks",
    "NamedBlock",
    "block_checks",
    "execute_in_order",
    "first_different_receipt",
    "first_misnamed_transaction",
    "first_outside_bloom",
    "run_checks",
]

Checks = dict[str, bool | None]
"""Name → whether it holds; None where it cannot be checked."""


class NamedBlock(Protocol):
    """A block, the fork that it is under, and the senders of its transactions where known."""

    @property
    def block(self) -> Block: ...
    @property
    def fork(self) -> Fork: ...
    @property
    def senders(self) -> Sequence[Address]: ...


def block_checks(named: NamedBlock) -> Checks:
    """The checks before execution."""
    block = named.block
    header = block.header
    misnamed = first_misnamed_transaction(named)
    return {
        "header_hash": header.hash == block.hash,
        "transactions": misnamed is None,
        "transactions_root": block.transactions_root == header.transactions_root,
        "ommers_hash": _equal(block.ommers_hash, header.ommers_hash),
        "withdrawals_root": _equal(block.withdrawals_root, header.withdrawals_root),
        "blob_gas_used": _equal(header.blob_gas_used, _blob_gas(named)),
    }


def run_checks(
    named: NamedBlock, run: ExecutedBlock, expected: Sequence[Receipt] | None = None
) -> Checks:
    """The results of execution against the header, and against other receipts if they are known.

    The receipts root is None before Byzantium, where receipts carry state roots; the state root
    is None because it needs a witness.
    """
    header = named.block.header
    has_roots = named.fork < BYZANTIUM and bool(run.receipts)
    root = None if has_roots else receipts_root(run.receipts)
    same = None if expected is None else first_different_receipt(named, run, expected) is None
    return {
        "gas_used": run.gas_used == header.gas_used,
        "receipts_root": _equal(root, header.receipts_root),
        "logs_bloom": run.logs_bloom == header.logs_bloom,
        "receipts": same,
        "requests_hash": _equal(_requests_hash(run), header.requests_hash),
        "state_root": None,
    }


def first_misnamed_transaction(named: NamedBlock) -> tuple[int, str] | None:
    """The first transaction whose hash or sender is not what the block says, and which."""
    block = named.block
    for index, transaction in enumerate(block.transactions):
        if block.transaction_hashes and transaction.hash != block.transaction_hashes[index]:
            return index, f"hashes to 0x{transaction.hash.hex()}"
    for index, (sender, said) in enumerate(zip(named.senders, block.senders, strict=False)):
        if said not in (None, sender):
            return index, f"was sent by 0x{sender.hex()}"
    return None


def execute_in_order(
    block: Block, state: Any, vm: VMName = "evm", **options: Unpack[BlockOptions]
) -> ExecutedBlock:
    """`blockstm.execute_block` on the reference, which runs one transaction after another."""
    return execute(reference.execute_block, block, state, vm, workers=1, **options)


def first_outside_bloom(receipts: Sequence[Receipt], bloom: bytes) -> int | None:
    """The first transaction with a log that a block with this bloom cannot have."""
    allowed = int.from_bytes(bloom, "big")
    for index, receipt in enumerate(receipts):
        if int.from_bytes(receipt.bloom, "big") & ~allowed:
            return index
    return None


def first_different_receipt(
    named: NamedBlock, run: ExecutedBlock, expected: Sequence[Receipt]
) -> tuple[int, str] | None:
    """The first transaction whose receipt is not the expected one, and in what they differ.

    Before Byzantium receipts have no status, and others' have state roots: neither is compared.
    """
    for index, (our, their) in enumerate(zip(run.receipts, expected, strict=True)):
        if named.fork < BYZANTIUM:
            their = replace(their, succeeded=our.succeeded, state_root=our.state_root)
        if our != their:
            return index, _difference(our, their)
    return None


def _difference(our: Receipt, their: Receipt) -> str:
    fields: Mapping[str, tuple[Any, Any]] = {
        "status": (int(our.succeeded), int(their.succeeded)),
        "cumulative gas used": (our.cumulative_gas_used, their.cumulative_gas_used),
        "number of logs": (len(our.logs), len(their.logs)),
    }
    parts = [f"{name} {a} instead of {b}" for name, (a, b) in fields.items() if a != b]
    return ", ".join(parts) or "different logs"


def _equal(left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else left == right


def _blob_gas(named: NamedBlock) -> int:
    return sum(GAS_PER_BLOB * len(t.blob_hashes) for t in named.block.transactions)


def _requests_hash(run: ExecutedBlock) -> bytes | None:
    return None if run.requests is None else requests_hash(run.requests)
