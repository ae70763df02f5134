"""A table with a row for each block: Parquet where pyarrow is installed, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from blockstm.errors import ConfigError
from blockstm.extras import need
from blockstm.kinds import path_of
from blockstm.messages import brief
from blockstm.replay.records import BlockRecord
from blockstm.whole_files import replacing

__all__ = ["write_metrics"]

_COLUMNS: Final = tuple(each.name for each in fields(BlockRecord))


def write_metrics(records: Sequence[BlockRecord], path: str | Path) -> None:
    """Write a row for each block, whole or not at all.

    Args:
        records: their members are the columns; ``compared`` is joined by commas.
        path: ends in ``.parquet``, for which the extra ``blockstm[replay]`` is needed, or ``.csv``.

    Raises:
        ConfigError: it ends otherwise.
        MissingExtra: pyarrow is not installed.
        OSError: it cannot be written.
    """
    target = path_of(path, "a file of metrics")
    check_metrics_path(target)
    write = _write_parquet if target.suffix == ".parquet" else _write_csv
    with replacing(target) as unfinished:
        write([_row(each) for each in records], unfinished)


def check_metrics_path(path: Path) -> None:
    """Refuse early what `write_metrics` would refuse."""
    if path.suffix == ".parquet":
        need("replay", f"{path.name} (a table as .csv needs nothing)")
    elif path.suffix != ".csv":
        raise ConfigError(f"a table ends in .parquet or .csv, not {brief(path.suffix)}")


def _row(record: BlockRecord) -> dict[str, Any]:
    row = record.to_json()
    return row | {"compared": ",".join(record.compared)}


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    import pyarrow  # an optional extra
    from pyarrow import parquet  # an optional extra

    kinds = {"int": pyarrow.uint64(), "float": pyarrow.float64()}
    columns = [
        (each.name, kinds.get(str(each.type).split(" ")[0], pyarrow.string()))
        for each in fields(BlockRecord)
    ]
    table = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(columns))
    parquet.write_table(table, path)
