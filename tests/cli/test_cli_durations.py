"""Spans of time in what commands print."""

import pytest

from blockstm.cli.durations import time_as_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 ms"), (0.00148, "1.5 ms"), (0.5, "500.0 ms"), (1.0, "1.00 s"), (61.2, "61.20 s")],
)
def test_milliseconds_are_shown_below_a_second(seconds: float, text: str) -> None:
    assert time_as_text(seconds) == text
