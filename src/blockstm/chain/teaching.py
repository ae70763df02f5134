"""Sources of hints that learn: told of each block that has become durable."""

from __future__ import annotations

from typing import Any

from blockstm.chain.importing import ImportedBlock
from blockstm.hints import LearningSource

__all__ = ["teach"]


def teach(hints: Any, imported: ImportedBlock) -> None:
    """Tell a source that learns what a block did; none of a block that the chain had already."""
    if isinstance(hints, LearningSource) and imported.executed is not None:
        hints.learn(imported.block, imported.executed)
