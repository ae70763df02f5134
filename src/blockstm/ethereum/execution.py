"""From a block to what it did: its transactions on one of the VMs, by any `execute_block`.

The engine itself is an argument: this layer knows what a block means, not how it is run. What it
takes to run a block on a VM stands in `on_evm` and `on_pyevm`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from eth_typing import Address, Hash32

from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.access_list import BlockAccessList
from blockstm.ethereum.block import Block
from blockstm.ethereum.blockfile import BlockFile
from blockstm.ethereum.chains import MAINNET, Activation, Chain
from blockstm.ethereum.fees import blob_base_fee
from blockstm.ethereum.forks import Fork, fork_named
from blockstm.ethereum.header import Header
from blockstm.ethereum.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.results import check_results
from blockstm.ethereum.senders import recover_senders
from blockstm.ethereum.stateroot import StateTrie
from blockstm.ethereum.validity import check_block
from blockstm.messages import brief
from blockstm.state.accounts import Account, AccountState, Tries
from blockstm.types import DELETED, BlockResult
from blockstm.vm.context import BlockContext

__all__ = [
    "ExecuteBlock",
    "ExecutedBlock",
    "PreparedBlock",
    "StateAfter",
    "VMName",
    "context_of",
    "execute",
    "prepare",
    "prepare_file",
]

VMName = Literal["evm", "py-evm"]

_RECEIPTS_SHARED_MIN = 200
"""With fewer receipts, a thread costs more than it takes over."""


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
        self.writes = writes

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at ``key``, ``default`` where there is none."""
        if key not in self.writes:
            return self._below.get(key, default)
        value = self.writes[key]
        return default if value is DELETED else value


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """What executing a block did.

    Attributes:
        receipts: one per transaction.
        requests: deposits, withdrawal and consolidation requests, each behind its type
            (EIP-7685); None before Prague, or where the state is partial and lacks the contracts
            that collect them.
        writes: location → final value, of everything the block changed, system calls, withdrawals
            and rewards included; a location without a value any more maps to `DELETED`.
        result: the engine's: outcomes of the block's steps, statistics.
        gas_used: what the header names.
        access_list: what the block touched (EIP-7928); None where the fork has no such lists.
    """

    receipts: Sequence[Receipt]
    requests: tuple[bytes, ...] | None
    writes: Mapping[Any, Any]
    result: BlockResult
    gas_used: int
    access_list: BlockAccessList | None = None

    @property
    def logs_bloom(self) -> bytes:
        """The bloom filter of all logs, 256 bytes."""
        return receipts_bloom(self.receipts)

    @property
    def receipts_root(self) -> Hash32:
        """The root that the header names; not told before Byzantium (`Receipt.state_root`)."""
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
        """Execute the block.

        Raises:
            BlockError: see `blockstm.execute_block`.
            InvalidBlock: a transaction does not belong in the block; ``reason`` says why.
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
    workers: int | None = None,
    senders: Sequence[Address] | None = None,
) -> PreparedBlock:
    """Make a block ready to run: recover its senders, translate it for the VM.

    Args:
        block: the block.
        state: what it starts from: an `AccountState`, or anything with the same locations.
        vm: "evm" (the native one) or "py-evm".
        fork: whose rules hold; by default what ``chain`` has at the block's number and time.
        chain: whose block it is.
        block_hashes: number → hash of the blocks before it, as far as BLOCKHASH asks for them;
            its parent's is known from its header.
        workers: threads that recover senders; None: as many as there are cores.
        senders: of the transactions, where the caller has recovered them.

    Raises:
        ConfigError: there is no such VM, or it does not have the fork.
        InvalidBlock: a signature belongs to no key.
        ImportError: a package that the VM needs is not installed.
    """
    header = block.header
    if fork is None:
        fork = chain.fork_at(header.number, header.timestamp)
    elif isinstance(fork, str):
        fork = fork_named(fork)
    hashes = _with_parent(header, block_hashes or {})
    context = context_of(header, fork, chain.chain_id, hashes)
    if senders is None:
        senders = recover_senders(block.transactions, "block.transactions", workers)
    if vm == "evm":
        from blockstm.ethereum.on_evm import prepare_on_evm

        return prepare_on_evm(block, state, fork, chain, context, tuple(senders), workers)
    if vm == "py-evm":
        from blockstm.ethereum.on_pyevm import prepare_on_pyevm

        return prepare_on_pyevm(block, state, fork, chain, context, tuple(senders))
    raise ConfigError(f"the VMs for Ethereum blocks are 'evm' and 'py-evm', not {brief(vm)}")


def execute(
    execute_block: ExecuteBlock,
    block: Block,
    state: Any,
    vm: VMName,
    *,
    fork: Fork | str | None = None,
    chain: Chain | None = None,
    parent: Header | None = None,
    ancestors: Sequence[Block] | None = None,
    block_hashes: Mapping[int, Hash32] | None = None,
    workers: int | None = None,
) -> ExecutedBlock:
    """Check a block, run it, check what it gave; see `blockstm.execute_block`."""
    if not isinstance(block, Block):
        kind = type(block).__name__
        raise InputError(f"with vm={brief(vm)} a block is a blockstm.ethereum.Block, not {kind}")
    chain = _chain(chain, fork)
    check_block(block, parent, chain, ancestors)
    prepared = prepare(block, state, vm, chain=chain, block_hashes=block_hashes, workers=workers)
    executed = prepared.run(execute_block)
    check_results(
        block.header,
        executed.gas_used,
        executed.receipts,
        state_root=_state_root_beside_receipts(state, executed, workers),
        requests=executed.requests,
        access_list=executed.access_list,
    )
    return executed


def _state_root_beside_receipts(
    state: Any, executed: ExecutedBlock, workers: int | None
) -> Hash32 | None:
    """`state_root_after` the block, while a thread encodes its receipts, which keep the result."""
    encode = getattr(executed.receipts, "encode", None)
    if workers == 1 or encode is None or len(executed.receipts) < _RECEIPTS_SHARED_MIN:
        return state_root_after(state, executed.writes, workers)
    workers = workers or usable_cores()
    with ThreadPoolExecutor(1, thread_name_prefix="blockstm-receipts") as pool:
        # What goes wrong there goes wrong again where the root is compared.
        pool.submit(encode, workers)
        return state_root_after(state, executed.writes, workers)


def state_root_after(
    state: Any, writes: Mapping[Any, Any], workers: int | None = None
) -> Hash32 | None:
    """The root of a state with a block's writes on top; None where the state is partial.

    ``workers`` threads share the work where that is much, by default as many as there are usable
    cores.
    """
    if isinstance(state, AccountState) and not state.partial:
        now = state.tries.now or StateTrie.of(state.accounts(), workers=workers)
        then = now.copy(workers=workers or usable_cores())
        then.apply(writes, state)
        state.tries = Tries(now, writes, then)  # applying these writes keeps the trie
        return then.root
    root_after = getattr(state, "root_after", None)
    root: Hash32 | None = None if root_after is None else root_after(writes)
    return root


def _chain(chain: Chain | None, fork: Fork | str | None) -> Chain:
    """The chain, or one that has been under ``fork`` from its first block on."""
    if fork is None:
        return MAINNET if chain is None else chain
    fork = fork_named(fork) if isinstance(fork, str) else fork
    chain_id = MAINNET.chain_id if chain is None else chain.chain_id
    return Chain(chain_id, (Activation(fork, block=0),))


def prepare_file(
    file: BlockFile,
    vm: VMName = "evm",
    *,
    chain: Chain = MAINNET,
    workers: int | None = None,
    senders: Sequence[Address] | None = None,
) -> PreparedBlock:
    """`prepare` a block with the state that its file has."""
    accounts = {
        address: Account(a.balance, a.nonce, a.code, a.code_hash, a.storage)
        for address, a in file.accounts.items()
    }
    state = AccountState(accounts, partial=True)
    return prepare(
        file.block,
        state,
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
        slot_number=header.slot_number or 0,
        has_access_list=header.block_access_list_hash is not None,
        parent_hash=header.parent_hash,
        parent_beacon_block_root=header.parent_beacon_block_root,
        chain_id=chain_id,
        block_hashes=block_hashes,
    )


def _with_parent(header: Header, block_hashes: Mapping[int, Hash32]) -> Mapping[int, Hash32]:
    """The hashes that are known of the blocks before this one; its header names its parent's."""
    return (
        {header.number - 1: header.parent_hash, **block_hashes} if header.number else block_hashes
    )
