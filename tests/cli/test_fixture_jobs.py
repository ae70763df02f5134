"""Files spread over processes: order, sums, processes that die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import block_test, state_test, write
from tests.patience import PATIENCE

from blockstm.cli import main
from blockstm.cli.fixtures.archives import Member
from blockstm.cli.fixtures.jobs import check_members
from blockstm.cli.fixtures.suites import Case, Plan, Skip
from blockstm.cli.fixtures.verdicts import Difference, Tally

PLAN = Plan("evm", 1)


class Scripts:
    """Tests whose JSON says what happens: "pass", "fail", "raise", "skip", "kill" or "exit"."""

    def cases(self, name: str, test: Any) -> Iterator[Case | Skip]:
        for number, what in enumerate(test["script"]):
            if what == "skip":
                yield Skip("as written")
            else:
                yield Case(name, "Fork", f"case {number}", lambda what=what: self._run(what))

    def _run(self, what: str) -> Difference | None:
        if what == "fail":
            return Difference("this", "that")
        if what == "raise":
            raise ZeroDivisionError("of all things")
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "exit":
            os._exit(3)
        return None


@contextmanager
def scripts(plan: Plan) -> Iterator[Scripts]:
    yield Scripts()


@contextmanager
def broken(plan: Plan) -> Iterator[Scripts]:
    """Cannot be opened in a process of its own."""
    if os.environ.get("PYTEST_CURRENT_TEST_PID") != str(os.getpid()):
        os._exit(7)
    yield Scripts()


def file(name: str, *scripts: list[str]) -> Member:
    tests = {f"{name}{number}": {"script": script} for number, script in enumerate(scripts)}
    return Member(name, json.dumps(tests).encode())


def run(members: list[Member], jobs: int, make: Any = scripts) -> tuple[list[str], Tally]:
    total = Tally()
    names = []
    for member, tally in check_members(members, PLAN, make, jobs):
        names.append(member.name)
        total.add(tally)
    return names, total


def test_any_number_of_processes_comes_to_the_same() -> None:
    members = [file(f"f{n}", ["pass", "fail", "raise", "skip"], ["pass"] * n) for n in range(9)]
    members.insert(4, Member("bad", error="cannot be read"))
    one, other = run(members, 1), run(members, 3)
    assert one == other
    names, tally = one
    assert names == [member.name for member in members]
    assert (tally.passed, len(tally.failures), tally.skipped) == (45, 19, {"as written": 9})
    assert tally.failures[1].got == "ZeroDivisionError: of all things"


@pytest.mark.parametrize(
    ("how", "got"),
    [("kill", "a process that died of SIGKILL"), ("exit", "a process that ended with status 3")],
)
def test_a_process_that_dies_takes_one_case_with_it(how: str, got: str) -> None:
    members = [
        file("a", ["pass", "fail", "skip", how, "pass", "skip", how, "fail"], ["pass"]),
        file("b", ["pass"]),
        file("c", [how]),
        file("d", ["pass", "pass"]),
    ]
    names, tally = run(members, 2)
    assert names == ["a", "b", "c", "d"]
    assert tally.passed == 6
    assert tally.skipped == {"as written": 2}
    assert [(each.test, each.index, each.got) for each in tally.failures] == [
        ("a0", "case 1", "that"),
        ("a0", "case 3", got),
        ("a0", "case 6", got),
        ("a0", "case 7", "that"),
        ("c0", "case 0", got),
    ]


def test_processes_that_never_begin_fail_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST_PID", str(os.getpid()))
    names, tally = run([file("a", ["pass"]), file("b", ["pass"])], 2, broken)
    assert names == ["a", "b"]
    assert [(each.test, each.file) for each in tally.failures] == [("(file)", "a"), ("(file)", "b")]


def test_no_file_is_no_work() -> None:
    assert run([], 2) == ([], Tally())


def test_the_command_gives_the_same_with_two_jobs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = state_test()
    bad["post"]["Berlin"][0]["hash"] = "0x" + "12" * 32
    for n in range(4):
        write(tmp_path, {"good": state_test(), "bad": bad, "chain": block_test()}, f"{n}.json")
    printed = []
    for jobs in ("1", "2"):
        assert main(["statetest", "--json", "--jobs", jobs, str(tmp_path)]) == 1
        printed.append(json.loads(capsys.readouterr().out))
    assert printed[0] == printed[1]
    assert (printed[0]["passed"], printed[0]["failed"], printed[0]["skipped"]) == (20, 4, 4)


def test_an_interrupt_ends_all_processes(tmp_path: Path) -> None:
    """Many files, so that it is still running when the signal comes."""
    test = state_test()
    document = {f"test {n}": test for n in range(20)}
    for n in range(400):
        write(tmp_path, document, f"{n}.json")
    program = "import sys; from blockstm.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "statetest", "--jobs", "2", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        while len(children.read_text().split()) < 3:  # two, and what tracks their resources
            time.sleep(0.05)
            assert running.poll() is None
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert errors == b"blockstm statetest: interrupted\n"
