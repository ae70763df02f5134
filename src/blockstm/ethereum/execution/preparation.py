"""From a block to what it did: its transactions on one of the VMs, by any `execute_block`.

The engine itself is an argument: this layer knows what a block means, not how it is run. What it
takes to run a block on a VM stands in `on_evm` and `on_pyevm`; whether it is valid, in
`verification`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from blockstm.errors import InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.chains.forks import HOMESTEAD, Fork
from blockstm.ethereum.execution.arguments import check_block_object, surroundings_of, unknown_vm
from blockstm.ethereum.execution.senders import find_senders, signature_violation
from blockstm.ethereum.execution.state_roots import state_root_after
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.results.outcomes import TransactionOutcomes
from blockstm.ethereum.rules.fees import blob_base_fee
from blockstm.messages import brief
from blockstm.state.changes import AccountChanges
from blockstm.types import DELETED, Address, BlockResult, Hash32, Stats
from blockstm.vm.context import BlockContext

__all__ = [
    "ExecuteBlock",
    "ExecutedBlock",
    "PreparedBlock",
    "StateAfter",
    "VMName",
    "context_of",
    "prepare",
    "prepare_file",
    "prepare_under",
    "state_root_after",
]

VMName = Literal["evm", "py-evm"]


class ExecuteBlock(Protocol):
    """``execute_block`` of an `Executor` or of the reference."""

    def __call__(
        self, transactions: Sequence[Any], state: Any, vm: Any, /, *, limit: Any = None
    ) -> BlockResult:
        """Run a block; see `blockstm.execute_block`."""


class StateAfter:
    """A state with writes on top of it. Immutable; safe from any thread if ``below`` is."""

    def __init__(self, below: Any, writes: Mapping[Any, Any]) -> None:
        self._below = below
        self.writes: Mapping[Any, Any] = writes

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at ``key``, ``default`` where there is none."""
        if key in self.writes:
            value = self.writes[key]
            return default if value is DELETED else value
        value = self._below.get(key)  # of a `StateReader`, which has no default
        return default if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedBlock:
    """The result of a block.

    Attributes:
        receipts: one per transaction.
        outcomes: one per transaction, at its own place: ``outcomes[i].succeeded``; its ``value`` is
            what the VM says of it, see `blockstm.vm.evm.Execution`.
        requests: deposits, withdrawal and consolidation requests, each behind its type
            (EIP-7685); None before Prague, or where the state is partial and lacks the contracts
            that collect them.
        writes: address → `AccountChange`, of everything the block changed, system calls,
            withdrawals and rewards included; decoded on access. `AccountState.apply` takes it.
        result: the engine's, of all the block's steps, which are not only its transactions.
        gas_used: what the header names.
        execution_gas: what its transactions spent before refunds, without state gas, in gas; None
            where the VM does not tell.
        state_gas: what they paid for the growth of the state, in gas (EIP-8037); 0 before
            Amsterdam, whose header names the greater of the two.
        access_list: what the block touched (EIP-7928); None where the fork has no such lists.
        state_root: of the state after the block; None where the state is partial, and in a block
            that `PreparedBlock.run` gave, which computes none.
        stats: what running it took; the same as ``result.stats``.
        seconds: wall time by phase, in s: ``checks`` of what needs no state, ``senders`` recovered,
            ``prepare`` for the VM, ``run`` by the engine, ``receipts`` and ``roots`` made of it.
    """

    receipts: Sequence[Receipt]
    outcomes: TransactionOutcomes
    requests: tuple[bytes, ...] | None
    writes: AccountChanges
    result: BlockResult
    gas_used: int
    execution_gas: int | None = None
    state_gas: int = 0
    access_list: BlockAccessList | None = None
    state_root: Hash32 | None = None
    stats: Stats = field(default_factory=Stats, compare=False)
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def logs_bloom(self) -> bytes:
        """The bloom filter of all logs, 256 bytes."""
        return receipts_bloom(self.receipts)

    @property
    def receipts_root(self) -> Hash32:
        """The root of the receipts as they are.

        Before Byzantium the header names it only where they have their state roots: not in a block
        on a partial state, nor in one that `PreparedBlock.run` gave.
        """
        return receipts_root(self.receipts)


@dataclass(frozen=True, slots=True)
class PreparedBlock:
    """A block that is ready to run, any number of times: its senders recovered, its VM at hand.

    Attributes:
        block: what was prepared.
        fork: whose rules hold.
        chain: whose block it is.
        state: what the block starts from.
        senders: of the transactions.
        vm: the VM in this block.
        steps: what the engine runs, in order.
    """

    block: Block
    fork: Fork
    chain: Chain
    state: Any
    senders: tuple[Address, ...]
    vm: Any
    steps: Sequence[Any]

    @property
    def transaction_steps(self) -> range:
        """The places of the block's transactions among its steps."""
        return range(len(self.block.transactions))

    def run(self, execute_block: ExecuteBlock) -> ExecutedBlock:
        """Execute the block. What comes out is not compared with the header.

        Raises:
            BlockError: see `blockstm.execute_block`.
            InvalidBlock: a transaction does not belong in the block; ``reason`` says why.
        """
        raise NotImplementedError

    def run_transactions(self, execute_block: ExecuteBlock) -> BlockResult:
        """Execute the transactions with what comes before them, and nothing that comes after.

        Raises:
            BlockError, InvalidBlock: as `run`.
        """
        raise NotImplementedError

    def writes_by_transaction(
        self, execute_block: ExecuteBlock
    ) -> Iterator[tuple[Any, Mapping[Any, Any]]]:
        """Run one transaction at a time: the state before each, which ends with its turn, and what
        it writes. First comes what is done before all transactions.

        Raises:
            BlockError: see `blockstm.execute_block`.
        """
        below: dict[Any, Any] = {}
        before = StateAfter(self.state, below)
        writes = self.first_writes(execute_block)
        yield before, writes
        for step in self.steps[self.transaction_steps.start : self.transaction_steps.stop]:
            below |= writes
            writes = execute_block([step], before, self.vm).writes
            yield before, writes

    def first_writes(self, execute_block: ExecuteBlock) -> Mapping[Any, Any]:
        """The writes before the transactions.

        Raises:
            BlockError: see `blockstm.execute_block`.
        """
        raise NotImplementedError


def prepare(
    block: Block,
    state: Any,
    vm: VMName = "evm",
    *,
    fork: Fork | str | None = None,
    chain: Chain = MAINNET,
    block_hashes: Mapping[int, Hash32] | None = None,
    total_difficulty: int | None = None,
    workers: int | None = None,
    senders: Sequence[Address] | None = None,
) -> PreparedBlock:
    """Make a block ready to run: recover its senders, translate it for the VM.

    Args:
        block: the block; of its rules only those are checked that running it takes.
        state: what it starts from: an `AccountState`, or anything with the same locations.
        vm: "evm" (the native one) or "py-evm".
        fork: whose rules hold; by default what ``chain`` has at the block. See `Chain.under`.
        chain: whose block it is.
        block_hashes: number → hash of the blocks before it, as far as BLOCKHASH asks for them;
            its parent's is known from its header.
        total_difficulty: of its parent, on a chain whose merge is at one; without it, the header's
            difficulty says on which side of the merge the block is.
        workers: threads that recover senders; None: as many as there are cores.
        senders: of the transactions, where the caller has recovered them.

    Raises:
        ConfigError: there is no such VM, or it does not have the fork.
        InputError: a member of the block is of the wrong kind, there are not as many senders as
            transactions, or another hash of the parent than the header's.
        InvalidBlock: a signature belongs to no key; ``index`` says whose, ``reason`` is
            `Reason.SIGNATURE`.
        ImportError: a package that the VM needs is not installed.
    """
    check_block_object(block, state, vm)
    around = surroundings_of(
        block,
        vm,
        fork=fork,
        chain=chain,
        block_hashes=block_hashes,
        total_difficulty=total_difficulty,
    )
    rules = around.fork
    if senders is None:
        high_s_allowed = rules < HOMESTEAD
        found = find_senders(block.transactions, workers, high_s_allowed=high_s_allowed)
        violation = signature_violation(block.transactions, found, high_s_allowed=high_s_allowed)
        if violation is not None:
            raise violation.error()
        senders = [sender for sender in found if sender is not None]
    elif len(senders) != len(block.transactions):
        raise InputError(f"{len(senders)} senders of {len(block.transactions)} transactions")
    hashes = around.block_hashes
    return prepare_under(rules, block, state, vm, around.chain, hashes, senders, workers)


def prepare_under(
    fork: Fork,
    block: Block,
    state: Any,
    vm: VMName,
    chain: Chain,
    block_hashes: Mapping[int, Hash32],
    senders: Sequence[Address],
    workers: int | None,
) -> PreparedBlock:
    """`prepare` where the fork and the senders are known."""
    header = block.header
    hashes = _with_parent(header, block_hashes)
    context = context_of(header, fork, chain.chain_id, hashes)
    if vm == "evm":
        from blockstm.ethereum.execution.on_evm import prepare_on_evm

        return prepare_on_evm(block, state, fork, chain, context, tuple(senders), workers)
    if vm == "py-evm":
        from blockstm.ethereum.execution.on_pyevm import prepare_on_pyevm

        return prepare_on_pyevm(block, state, fork, chain, context, tuple(senders))
    raise unknown_vm(vm)


def prepare_file(
    file: BlockFile,
    vm: VMName = "evm",
    *,
    chain: Chain = MAINNET,
    workers: int | None = None,
    senders: Sequence[Address] | None = None,
) -> PreparedBlock:
    """`prepare` a block with the state that its file has."""
    return prepare(
        file.block,
        file.state(),
        vm,
        chain=chain,
        block_hashes=file.block_hashes,
        workers=workers,
        senders=senders,
    )


def context_of(
    header: Header, fork: Fork, chain_id: int, block_hashes: Mapping[int, Hash32]
) -> BlockContext:
    """The block of ``header`` as a VM sees it; ``block_hashes`` are of those before it."""
    blob_fee = None
    if fork.blobs is not None and header.excess_blob_gas is not None:
        blob_fee = blob_base_fee(header.excess_blob_gas, fork.blobs)
    return BlockContext(
        number=header.number,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        difficulty=header.difficulty,
        mix_hash=header.mix_hash,
        base_fee_per_gas=header.base_fee_per_gas,
        excess_blob_gas=header.excess_blob_gas,
        blob_base_fee=blob_fee,
        blobs_max=None if fork.blobs is None else fork.blobs.max,
        slot_number=header.slot_number or 0,
        has_access_list=header.block_access_list_hash is not None,
        parent_hash=header.parent_hash,
        parent_beacon_block_root=header.parent_beacon_block_root,
        chain_id=chain_id,
        block_hashes=block_hashes,
    )


def _with_parent(header: Header, block_hashes: Mapping[int, Hash32]) -> Mapping[int, Hash32]:
    """The hashes that are known of the blocks before this one; its header names its parent's."""
    if not header.number:
        return block_hashes
    given = block_hashes.get(header.number - 1, header.parent_hash)
    if given != header.parent_hash:
        raise InputError(
            f"block_hashes[{header.number - 1}] is {brief(given)}, which is not the parent's hash "
            f"0x{header.parent_hash.hex()} that the header names"
        )
    return {header.number - 1: header.parent_hash, **block_hashes}
