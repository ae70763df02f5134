"""py-evm's chains, with blocks that are imported through this EVM."""

from __future__ import annotations

from typing import Any

from eth.abc import BlockImportResult
from eth.chains.base import Chain as TheirChain
from eth.chains.base import MiningChain as TheirMiningChain
from eth.chains.base import validate_imported_block_unchanged
from eth.exceptions import HeaderNotFound
from eth_utils import ValidationError

from blockstm.compat.pyevm.blocks import import_on

__all__ = ["Chain", "MiningChain", "import_block"]


def import_block(chain: Any, block: Any) -> BlockImportResult:
    """Run a block on the state that its parent left, check it, and put it into the chain.

    Raises:
        ValidationError: it breaks a rule, or its parent is not known.
    """
    try:
        parent = chain.get_block_header_by_hash(block.header.parent_hash)
    except HeaderNotFound:
        raise ValidationError(
            f"block {block.number} cannot be imported before its parent "
            f"0x{block.header.parent_hash.hex()}"
        ) from None
    vm = chain.get_vm(chain.create_header_from_parent(parent))
    if vm.get_block().number != block.number:
        raise ValidationError(f"block {block.number} does not follow block {parent.block_number}")
    done = import_on(vm, block)
    validate_imported_block_unchanged(done.block, block)
    return BlockImportResult(*chain.persist_block(done.block), done.meta_witness)


class Chain(TheirChain):  # type: ignore[misc]  # py-evm is not typed for us
    """`eth.chains.base.Chain`, whose `import_block` runs blocks on this EVM, on all cores.

    Everything else is py-evm's. The rules are those of the fork that a VM class names; what a
    class of one's own changes about them has no effect on blocks that are imported.
    """

    def import_block(self, block: Any, perform_validation: bool = True) -> BlockImportResult:
        """See `import_block`; without validation the block runs on py-evm.

        Raises:
            ValidationError: it breaks a rule, or its parent is not known.
        """
        if not perform_validation:
            return super().import_block(block, perform_validation)
        return import_block(self, block)


class MiningChain(TheirMiningChain):  # type: ignore[misc]  # likewise
    """`eth.chains.base.MiningChain`; see `Chain`."""

    def import_block(self, block: Any, perform_validation: bool = True) -> BlockImportResult:
        """See `Chain.import_block`."""
        if not perform_validation:
            return super().import_block(block, perform_validation)
        result = import_block(self, block)
        self.header = self.ensure_header()
        return result
