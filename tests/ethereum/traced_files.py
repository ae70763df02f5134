"""Block files executed with a tracer."""

from __future__ import annotations

from typing import Any

import blockstm
from blockstm.ethereum import BlockFile
from blockstm.ethereum.tracing import Tracer

__all__ = ["traces_of"]


def traces_of(file: BlockFile, tracer: Tracer, workers: int = 1) -> Any:
    """The traces of a file's block."""
    return blockstm.execute_block(
        file.block,
        file.state(),
        "evm",
        block_hashes=file.block_hashes,
        tracer=tracer,
        workers=workers,
    ).traces
