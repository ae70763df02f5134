"""How the numbers of blocks go, block by block, as a picture; needs the extra `insight`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from blockstm.errors import InputError
from blockstm.extras import need
from blockstm.insight.anomalies import trends
from blockstm.insight.signals import COLUMNS, BlockSignals
from blockstm.messages import brief

__all__ = ["check_picture_path", "draw_trends"]

_ENDINGS = (".pdf", ".png", ".svg")

_WIDTH, _HEIGHT, _DPI = 3.6, 2.2, 110
_COLUMNS = 3
_DRAWN = tuple(name for name in COLUMNS if name != "number")


def draw_trends(blocks: Sequence[BlockSignals], path: Path) -> None:
    """For each number of `COLUMNS` a line over the blocks, by their numbers, and where it tends to.

    Args:
        blocks: one or more, by ascending number.
        path: of the picture; its ending says in which form: ``.svg``, ``.png`` or ``.pdf``.

    Raises:
        MissingExtra: the extra is not installed.
        InputError: the ending is another one.
        OSError: the file cannot be written.
    """
    check_picture_path(path)
    import matplotlib as mpl  # an optional extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # after the choice of what it draws with

    rows = -(-len(_DRAWN) // _COLUMNS)
    figure, grid = plt.subplots(
        rows,
        _COLUMNS,
        figsize=(_WIDTH * _COLUMNS, _HEIGHT * rows),
        layout="constrained",
        squeeze=False,
    )
    numbers, slopes = [each.number for each in blocks], trends(blocks)
    for axes, name in zip(grid.flat, _DRAWN, strict=False):
        axes.plot(numbers, [getattr(each, name) for each in blocks], marker=".", linewidth=0.8)
        axes.set_title(_title(name, slopes), fontsize=9)
    for axes in list(grid.flat)[len(_DRAWN) :]:
        axes.set_axis_off()
    figure.savefig(path, dpi=_DPI, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def check_picture_path(path: Path) -> None:
    """Refuse early what `draw_trends` would refuse."""
    need("insight", "a plot")
    if path.suffix not in _ENDINGS:
        raise InputError(f"a picture ends in {', '.join(_ENDINGS)}, not {brief(path.suffix)}")


def _title(name: str, slopes: Mapping[str, float]) -> str:
    words = name.replace("_", " ")
    return f"{words} ({slopes[name]:+.3g} a block)" if name in slopes else words
