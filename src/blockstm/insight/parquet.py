"""The numbers of blocks as a Parquet file; needs the extra `replay`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blockstm.extras import need
from blockstm.insight.signals import BlockSignals, columns_of

__all__ = ["write_parquet"]


def write_parquet(blocks: Sequence[BlockSignals], path: Path) -> None:
    """Write a row for each block, with the columns of `blockstm.insight.signals.COLUMNS`.

    Raises:
        MissingExtra: the extra is not installed.
        OSError: the file cannot be written.
    """
    need("replay", "a Parquet file")
    import pyarrow as pa  # an optional extra
    from pyarrow import parquet  # the same

    columns = {name: column.tolist() for name, column in columns_of(blocks).items()}
    parquet.write_table(pa.table(columns), path)
