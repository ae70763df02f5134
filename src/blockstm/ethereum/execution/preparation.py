"""Making a block ready to run: its senders recovered, translated for its VM.

Whether the block is valid is for `verification` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.execution.arguments import check_block_object
from blockstm.ethereum.execution.on_evm import prepare_on_evm
from blockstm.ethereum.execution.options import BlockOptions, surroundings_of
from blockstm.ethereum.execution.prepared import PreparedBlock
from blockstm.ethereum.execution.senders import find_senders, signature_violation
from blockstm.ethereum.execution.vms import VMName, check_vm
from blockstm.ethereum.rules.fees import blob_base_fee
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.state.located import located
from blockstm.types import Address, Hash32
from blockstm.vm.context import BlockContext
from blockstm.vm.evmc import EvmcVm
from blockstm.vm.forks import HOMESTEAD, Fork

if TYPE_CHECKING:
    from blockstm.ethereum.files.block_files import BlockFile

__all__ = ["context_of", "prepare", "prepare_file", "prepare_under"]


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
    inspector: Any = None,
) -> PreparedBlock:
    """Make a block ready to run: recover its senders, translate it for the VM.

    Args:
        block: the block; of its rules only those are checked that running it takes.
        state: what it starts from: an `AccountState`, another `State`, or anything with the same
            locations. A `State` is asked for an account once, however often the block runs.
        vm: "evm" (the native one), "py-evm", or what `blockstm.vm.evmc.load` gives.
        fork: whose rules hold; by default what ``chain`` has at the block. See `Chain.under`.
        chain: whose block it is.
        block_hashes: number → hash of the blocks before it, as far as BLOCKHASH asks for them;
            its parent's is known from its header.
        total_difficulty: of its parent, on a chain whose merge is at one; without it, the header's
            difficulty says on which side of the merge the block is.
        workers: threads that recover senders; None: as many as there are cores.
        senders: of the transactions, where the caller has recovered them.
        inspector: told what the block does inside, see `blockstm.vm.evm.Inspector`.

    Raises:
        ConfigError: there is no such VM, or it does not have the fork, inspectors or precompiles
            of the chain's own.
        InputError: a member of the block is of the wrong kind, there are not as many senders as
            transactions, or another hash of the parent than the header's.
        InvalidBlock: a signature belongs to no key; ``index`` says whose, ``reason`` is
            `Reason.SIGNATURE`.
        ImportError: a package that the VM needs is not installed.
    """
    check_block_object(block, vm)
    state = located(state)
    options = BlockOptions(
        fork=fork, chain=chain, block_hashes=block_hashes, total_difficulty=total_difficulty
    )
    around = surroundings_of(block, vm, options)
    rules = around.fork
    if senders is None:
        high_s_allowed = rules < HOMESTEAD
        listed = block.transaction_list
        found = find_senders(listed, workers, high_s_allowed=high_s_allowed)
        violation = signature_violation(listed, found, high_s_allowed=high_s_allowed)
        if violation is not None:
            raise violation.error()
        senders = cast(Sequence[Address], found)
    elif len(senders) != len(block.transactions):
        raise InputError(f"{len(senders)} senders of {len(block.transactions)} transactions")
    else:
        senders = tuple(senders)
    hashes = around.block_hashes
    chain = around.chain
    return prepare_under(rules, block, state, vm, chain, hashes, senders, workers, inspector)


def prepare_under(
    fork: Fork,
    block: Block,
    state: Any,
    vm: VMName,
    chain: Chain,
    block_hashes: Mapping[int, Hash32],
    senders: Sequence[Address],
    workers: int | None,
    inspector: Any = None,
    *,
    keeps_accesses: bool = False,
) -> PreparedBlock:
    """`prepare` where the fork and the senders are known."""
    header = block.header
    hashes = _with_parent(header, block_hashes)
    context = context_of(header, fork, chain.chain_id, hashes)
    check_vm(vm)
    if vm == "evm" or isinstance(vm, EvmcVm):
        return prepare_on_evm(
            *(block, state, fork, chain, context, senders, workers, inspector),
            keeps_accesses=keeps_accesses,
            evmc=None if isinstance(vm, str) else vm,
        )
    if keeps_accesses:
        raise ConfigError('only the native EVM, vm="evm", tells accesses')
    if inspector is not None:
        raise ConfigError('an inspector watches the native EVM, vm="evm"')
    from blockstm.ethereum.execution.on_pyevm import prepare_on_pyevm  # needs an optional extra

    return prepare_on_pyevm(block, state, fork, chain, context, tuple(senders))


def prepare_file(
    file: BlockFile,
    vm: VMName = "evm",
    *,
    chain: Chain = MAINNET,
    workers: int | None = None,
    senders: Sequence[Address] | None = None,
) -> PreparedBlock:
    """`prepare` a block with the state that its file has."""
    from blockstm.ethereum.files.block_files import BlockFile  # most blocks come from no file

    check_kind(file, BlockFile, "file")
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
    check_kind(header, Header, "header")
    check_kind(fork, Fork, "fork")
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
