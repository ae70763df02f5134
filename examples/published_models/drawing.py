"""Lines and pages of text, drawn here, so that what is right about them is known: the way up."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["Samples", "lines", "pages", "spectra"]

Samples = list[tuple[Any, int]]
"""What a model takes, each with the class that it is of."""

_TEXT = (
    "a block of ordered transactions goes in what running them one after another would have "
    "produced comes out bit for bit computed on every core of the machine that is at hand"
)
_WORDS = _TEXT.split(" ")
_FONTS = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono")


def _drawn(width: int, height: int, lines: list[str], size: int, rng: Any) -> Any:
    """An image of uint8[height, width, 3]."""
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    figure.patch.set_facecolor(str(rng.uniform(0.7, 1)))
    canvas = FigureCanvasAgg(figure)
    for place, line in enumerate(lines):
        figure.text(
            0.02, 1 - (place + 0.5) / len(lines), line,
            fontsize=size, va="center", color=str(rng.uniform(0, 0.3)), family=rng.choice(_FONTS),
        )  # fmt: skip
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, 2::-1]  # blue first, as these models take it


def _words(rng: Any, count: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(count))


def lines(seed: int, count: int) -> Samples:
    """Lines of 48 by 192, class 1 upside down; numbers from -1 to 1."""
    rng = np.random.default_rng(seed)
    drawn: Samples = []
    for _ in range(count):
        turns = int(rng.integers(2))
        text = _words(rng, int(rng.integers(2, 4)))
        image = np.rot90(_drawn(192, 48, [text], int(rng.integers(14, 19)), rng), 2 * turns)
        drawn.append((_batch(image / 127.5 - 1), turns))
    return drawn


def pages(seed: int, count: int) -> Samples:
    """Pages of 224 by 224, of class n turned n quarters clockwise; as ImageNet's are normalised."""
    rng = np.random.default_rng(seed)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    drawn: Samples = []
    for _ in range(count):
        turns = int(rng.integers(4))
        texts = [_words(rng, 6) for _ in range(int(rng.integers(8, 14)))]
        image = np.rot90(_drawn(224, 224, texts, int(rng.integers(7, 10)), rng), -turns)
        drawn.append((_batch((image / 255 - mean) / deviation), turns))
    return drawn


def spectra(seed: int, count: int) -> Samples:
    """Nine seconds as 900 rows of 120 bands: voices that come and go, in noise. Of no class."""
    rng = np.random.default_rng(seed)
    time, band = np.arange(900)[:, None], np.arange(120)[None]
    drawn: Samples = []
    for _ in range(count):
        numbers = rng.normal(0, 0.1, (900, 120))
        for _ in range(5):
            voice = np.exp(-(((band - rng.uniform(5, 120)) / rng.uniform(2, 12)) ** 2))
            numbers += voice * (np.sin(time / rng.uniform(5, 40) + rng.uniform(0, 6)) > 0)
        drawn.append((numbers.astype(np.float32)[None], 0))
    return drawn


def _batch(image: Any) -> Any:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
