"""Draw the picture of docs/groups.md: ``python docs/pictures/groups.py``.

Eight transactions of three groups on two workers, without groups and with them, in time.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_UNIT, _ROW, _LEFT, _TOP = 52, 30, 92, 34
_COLOURS = {"a": "#4e79a7", "b": "#f28e2b", "c": "#59a14f"}


class Run(NamedTuple):
    """A run of a transaction, by its number, of a group; aborted ones are drawn hollow."""

    worker: int
    begin: int
    number: int
    group: str
    is_aborted: bool = False


OPTIMISTIC = (
    Run(0, 0, 0, "a"),
    Run(1, 0, 1, "a", is_aborted=True),
    Run(0, 1, 2, "b"),
    Run(1, 1, 1, "a"),
    Run(0, 2, 3, "b"),
    Run(1, 2, 4, "a"),
    Run(0, 3, 5, "b"),
    Run(1, 3, 6, "a", is_aborted=True),
    Run(0, 4, 7, "c"),
    Run(1, 4, 6, "a"),
)
GROUPED = (
    Run(0, 0, 0, "a"),
    Run(0, 1, 1, "a"),
    Run(0, 2, 4, "a"),
    Run(0, 3, 6, "a"),
    Run(1, 0, 2, "b"),
    Run(1, 1, 3, "b"),
    Run(1, 2, 5, "b"),
    Run(1, 3, 7, "c"),
)


def picture() -> str:
    """The picture as SVG."""
    width, height = _LEFT + 5 * _UNIT + 20, 2 * (_TOP + 2 * _ROW) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_lanes(
            OPTIMISTIC, 0, "Optimistic: two runs are in vain, and the groups mix on both cores"
        ),
        *_lanes(GROUPED, _TOP + 2 * _ROW + 10, "Grouped: each group on one core, nothing in vain"),
        f'<text x="8" y="{height - 10}">Numbers: transactions. Colours: groups, which write the '
        "same locations.</text>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _lanes(runs: tuple[Run, ...], top: int, title: str) -> list[str]:
    lines = [f'<text x="8" y="{top + 18}" font-weight="bold">{title}</text>']
    for worker in (0, 1):
        y = top + _TOP + worker * _ROW
        lines.append(f'<text x="8" y="{y + 15}">worker {worker}</text>')
    return lines + [line for run in runs for line in _box(run, top)]


def _box(run: Run, top: int) -> list[str]:
    x, y = _LEFT + run.begin * _UNIT, top + _TOP + run.worker * _ROW
    colour = _COLOURS[run.group]
    fill, text = ("white", colour) if run.is_aborted else (colour, "white")
    dashes = ' stroke-dasharray="3 2"' if run.is_aborted else ""
    return [
        f'<rect x="{x}" y="{y}" width="{_UNIT - 4}" height="{_ROW - 8}" rx="3" fill="{fill}" '
        f'stroke="{colour}"{dashes}/>',
        f'<text x="{x + _UNIT // 2 - 2}" y="{y + 16}" text-anchor="middle" fill="{text}">'
        f"{run.number}</text>",
    ]


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(picture())
