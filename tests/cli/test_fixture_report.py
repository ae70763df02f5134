"""What a run says: progress on a terminal alone, failures as lines, sums last."""

from __future__ import annotations

import io

import pytest

from blockstm.cli.fixtures.report import Report
from blockstm.cli.fixtures.verdicts import Failure, Tally


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


FAILURE = Failure("name", "f.json", "Cancun", "d0g0v0", "this", "that\nover  two lines")


def test_a_terminal_shows_progress_and_is_left_clean(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    report = Report(as_json=False, terminal=terminal)
    report.add("one.json", Tally(passed=7))
    assert terminal.getvalue().endswith("7 passed, 0 failed  one.json")
    report.add("two.json", Tally(failures=[FAILURE]))
    report.finish()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert capsys.readouterr().out == (
        "FAILED name [Cancun d0g0v0] (f.json): expected this, got that over two lines\n"
        "7 passed, 1 failed\n"
    )


def test_nobody_looks_at_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = io.StringIO()
    report = Report(as_json=False, terminal=terminal)
    report.add("one.json", Tally(passed=1))
    report.finish()
    assert (terminal.getvalue(), capsys.readouterr().out) == ("", "1 passed, 0 failed\n")
