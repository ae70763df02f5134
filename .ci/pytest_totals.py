"""Run pytest with the given arguments; the last line tells the totals alone.

``N passed, N failed``, followed by ``, N skipped`` if any were; a test that could not be set up or
torn down counts as failed. Where tests were skipped because fixtures are absent, the line before
it begins with ``NO FIXTURES`` and counts them. The exit status is pytest's.
"""

import sys

import pytest

ABSENT = "NO FIXTURES"


class Totals:
    """Counts how tests ended, by their names: a test that fails twice is one."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: set[str] = set()
        self.without_fixtures: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            self._note_skip(report)
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            self._note_skip(report)

    def _note_skip(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        self.skipped.add(report.nodeid)
        if ABSENT in str(report.longrepr):
            self.without_fixtures.add(report.nodeid)

    def warning(self) -> str:
        """What is missing where the fixtures are; empty where nothing is."""
        count = len(self.without_fixtures)
        if not count:
            return ""
        return (
            f"{ABSENT}: {count} tests were SKIPPED, as the files they need are not on this "
            "machine; see tests/data/README.md"
        )

    def __str__(self) -> str:
        line = f"{len(self.passed - self.failed)} passed, {len(self.failed)} failed"
        skipped = self.skipped - self.failed
        return f"{line}, {len(skipped)} skipped" if skipped else line


if __name__ == "__main__":
    totals = Totals()
    status = pytest.main(["-ra", *sys.argv[1:]], plugins=[totals])
    if totals.warning():
        print(totals.warning())
    print(totals, flush=True)
    sys.exit(status)
