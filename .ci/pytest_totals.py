"""Run pytest with the given arguments; the last line tells the totals alone.

``N passed, N failed``, where a test that could not be set up or torn down counts as failed.
Skipped tests are listed by pytest above it, with their reasons. The exit status is pytest's.
"""

import sys

import pytest


class Totals:
    """Counts how tests ended, by their names: a test that fails twice is one."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.passed and report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def __str__(self) -> str:
        return f"{len(self.passed - self.failed)} passed, {len(self.failed)} failed"


if __name__ == "__main__":
    totals = Totals()
    status = pytest.main(["-ra", *sys.argv[1:]], plugins=[totals])
    print(totals, flush=True)
    sys.exit(status)
