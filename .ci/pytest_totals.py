"""Run pytest with the given arguments; the last line tells the totals alone.

``--then`` stands between the arguments of one pass and those of the next; the totals are of all
passes together: ``N passed, N failed``, followed by ``, N skipped`` if any were. A test that could
not be set up or torn down counts as failed. Where tests were skipped because fixtures are absent,
the line before it begins with ``NO FIXTURES`` and counts them. The exit status is that of pytest in
the first pass in which it is not 0.
"""

import sys
from collections.abc import Iterator, Sequence

import pytest

ABSENT = "NO FIXTURES"
THEN = "--then"


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


def passes(arguments: Sequence[str]) -> Iterator[list[str]]:
    """The arguments of each pass."""
    rest = list(arguments)
    while THEN in rest:
        end = rest.index(THEN)
        yield rest[:end]
        rest = rest[end + 1 :]
    yield rest


def run(arguments: Sequence[str], totals: Totals) -> int:
    """Run all passes, but none after one that was interrupted; the exit status."""
    first_bad = 0
    for each in passes(arguments):
        status = int(pytest.main(["-ra", *each], plugins=[totals]))
        first_bad = first_bad or status
        if status == pytest.ExitCode.INTERRUPTED:
            break
    return first_bad


if __name__ == "__main__":
    totals = Totals()
    status = run(sys.argv[1:], totals)
    if totals.warning():
        print(totals.warning())
    print(totals, flush=True)
    sys.exit(status)
