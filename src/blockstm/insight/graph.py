"""A block's conflicts as a picture: transactions on a line, an arc to each that one depends on."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

__all__ = ["conflict_graph_svg"]

_STEP, _MARGIN, _RADIUS = 9, 18, 3
_COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#9c755f")
_ALONE = "#bbbbbb"


def conflict_graph_svg(
    dependencies: Sequence[tuple[int, ...]],
    groups: Sequence[Sequence[int]] = (),
    *,
    title: str = "",
) -> str:
    """The picture as SVG, without a library.

    Dots are transactions in order, those of a group in one colour; arcs are dependencies.
    """
    count = len(dependencies)
    colour = dict.fromkeys(range(count), _ALONE)
    for number, members in enumerate(each for each in groups if len(each) > 1):
        colour |= dict.fromkeys(members, _COLOURS[number % len(_COLOURS)])
    widest = max(
        (index - each for index, row in enumerate(dependencies) for each in row), default=1
    )
    base = _MARGIN + 12 + _STEP * widest / 2
    width, height = 2 * _MARGIN + _STEP * max(count - 1, 1), base + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{_MARGIN}" y="14">'
        f"{escape(title)}</text>",
    ]
    for index, row in enumerate(dependencies):
        for writer in row:
            radius = _STEP * (index - writer) / 2
            lines.append(
                f'<path d="M {_x(writer)} {base:.1f} A {radius} {radius} 0 0 1 {_x(index)} '
                f'{base:.1f}" fill="none" stroke="{colour[index]}" stroke-width="1"/>'
            )
    lines += [
        f'<circle cx="{_x(index)}" cy="{base:.1f}" r="{_RADIUS}" fill="{colour[index]}">'
        f"<title>{index}</title></circle>"
        for index in range(count)
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _x(index: int) -> int:
    return _MARGIN + _STEP * index
