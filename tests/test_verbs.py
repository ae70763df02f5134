"""The commands around the project: what the totals say, what the wheel check sees."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CI = ROOT / ".ci"

MIXED = """
import pytest
def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip(reason="because")
def test_skipped(): pass
@pytest.fixture
def broken(): raise RuntimeError
def test_error(broken): pass
@pytest.fixture
def untidy():
    yield
    raise RuntimeError
def test_untidy(untidy): pass
"""


def last_lines(folder: Path, text: str) -> tuple[int, list[str]]:
    """The exit status and the lines of a run over one file."""
    (folder / "test_some.py").write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            CI / "pytest_totals.py",
            "-p",
            "no:cacheprovider",
            folder / "test_some.py",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (MIXED, (1, "1 passed, 3 failed, 1 skipped")),
        ("def test_good(): pass", (0, "1 passed, 0 failed")),
        ("import no_such_module", (2, "0 passed, 1 failed")),
    ],
)
def test_the_last_line_is_the_totals(tmp_path: Path, text: str, wanted: tuple[int, str]) -> None:
    status, lines = last_lines(tmp_path, text)
    assert (status, lines[-1]) == wanted


ALONE = """
import pytest
def test_beside_others(): pass
def test_bad(): assert BAD != 1
@pytest.mark.alone
def test_alone(): pass
@pytest.mark.alone
def test_bad_alone(): assert BAD != 2
"""


@pytest.mark.parametrize(("bad", "wanted"), [(0, (0, 4, 0)), (1, (1, 3, 1)), (2, (1, 3, 1))])
def test_the_totals_are_of_all_passes(
    tmp_path: Path, bad: int, wanted: tuple[int, int, int]
) -> None:
    """Of the two that `make test` makes, a failure in either is told."""
    (recipe,) = re.findall(r"pytest_totals.py (.*\\\n.*)", (ROOT / "Makefile").read_text())
    arguments = shlex.split(recipe.replace("\\\n", ""))
    assert arguments.count("--then") == 1
    (tmp_path / "test_some.py").write_text(ALONE.replace("BAD", str(bad)))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  alone\n  slow\n")
    status, *totals = wanted
    done = subprocess.run(
        [sys.executable, CI / "pytest_totals.py", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout
    assert done.stdout.splitlines()[-1] == "{} passed, {} failed".format(*totals)


NEEDS_FIXTURES = """
import pytest
from tests import fixtures
@pytest.mark.parametrize("number", [1, 46147, 2])
def test_a_block(number): assert fixtures.mainnet_block(number).exists()
def test_an_archive(): assert (fixtures.fixtures() / "genesis.tar.xz").exists()
@pytest.mark.skip(reason="because")
def test_skipped(): pass
"""


def test_what_is_skipped_for_want_of_fixtures_is_counted_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKSTM_FIXTURES", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    status, lines = last_lines(tmp_path, NEEDS_FIXTURES)
    assert status == 0
    assert lines[-2].startswith("NO FIXTURES: 2 tests were SKIPPED")
    assert lines[-1] == "2 passed, 0 failed, 3 skipped"


def continuous_integration(folder: Path, make: str, peers: str) -> tuple[int, list[str]]:
    """The status of its script and the lines that it prints, with these in the place of what it
    runs: `make`, and the Python that runs other packages' tests."""
    (folder / ".ci").mkdir()
    shutil.copy(CI / "run", folder / ".ci")
    (folder / ".venv" / "bin").mkdir(parents=True)
    for path, script in ((folder / "make", make), (folder / ".venv" / "bin" / "python", peers)):
        path.touch(0o755)
        path.write_text(f"#!/bin/sh\n{script}\n")
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [folder / ".ci" / "run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


PASSED = "echo '2 passed, 0 failed'"
LEFT_OUT = "SKIPPED: the tests of"


def test_continuous_integration_fails_without_fixtures(tmp_path: Path) -> None:
    make = f"echo 'NO FIXTURES: 2 tests were SKIPPED'; {PASSED}"
    status, lines = continuous_integration(tmp_path, make, "echo 'the peers ran'")
    assert status == 1
    assert "the peers ran" not in lines


@pytest.mark.parametrize(
    ("peers", "wanted"),
    [
        ("echo '5 passed'", 0),
        (f"echo '{LEFT_OUT} pyrevm'", 0),
        ("exit 1", 1),
        ("exit 124", 0),  # as `timeout` ends when the time is up
        ("exit 127", 127),
    ],
)
def test_continuous_integration_runs_the_tests_of_peers(
    tmp_path: Path, peers: str, wanted: int
) -> None:
    """One that fails, fails the run; what is left out does not, and the last line says so."""
    status, lines = continuous_integration(tmp_path, PASSED, peers)
    assert status == wanted
    is_left_out = LEFT_OUT in peers or "124" in peers
    assert lines[-1].startswith(LEFT_OUT) == is_left_out


@pytest.mark.parametrize("suite", ["pyrevm", "eth-tester", "py-evm", "vyper"])
def test_the_settings_of_a_suite_of_peers_are_taken(suite: str, tmp_path: Path) -> None:
    """By the pytest that is installed, whatever is in the package's distribution."""
    peers = runpy.run_path(str(CI / "peers"))
    folder = tmp_path / peers["SUITES"][suite].folder
    folder.mkdir()
    (folder / "test_one.py").write_text("def test_one(): pass")
    command = [sys.executable, CI / "peers", suite, "--cache", tmp_path]
    done = subprocess.run(
        [*command, "--", "test_one.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_wheel_that_lacks_something_is_seen(tmp_path: Path) -> None:
    missing = runpy.run_path(str(CI / "check_wheel.py"))["missing"]
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as wheel:
        wheel.writestr("blockstm/errors.py", "")
    lacking = missing(str(tmp_path / "empty.whl"))
    assert {"blockstm/py.typed", "blockstm/include/blockstm/vm_abi.h"} <= set(lacking)
    assert "blockstm/_native/engine/scheduler.pxd" in lacking
    assert "blockstm/_native/engine/worker/worker.so" in lacking
    assert "blockstm/bench/evm/contracts/token.json" in lacking
    assert "blockstm/errors.py" not in lacking


def test_every_verb_of_the_makefile_is_listed_and_described() -> None:
    makefile = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert described >= {"demo", "test", "test-slow", "sanitize", "lint", "bench", "docs", "wheel"}
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert [
        verb for verb in described - {"help", "demo"} if f"`make {verb}`" not in contributing
    ] == []


EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_an_extra_needs_is_never_the_project_itself(extra: str) -> None:
    """Set-up installs what is listed from an index, which does not have what is being built."""
    listed = runpy.run_path(str(CI / "requires.py"))["requirements"](extra)
    assert [each for each in listed if each.startswith("blockstm")] == []


def test_an_extra_of_extras_needs_all_that_they_need() -> None:
    requirements = runpy.run_path(str(CI / "requires.py"))["requirements"]
    inner = re.search(r"\[(.*)\]", EXTRAS["dev"][0])
    assert inner
    named = inner[1].split(",")
    assert {"eth-tester", "numba"} <= set(named)
    assert set(requirements("dev")) >= {each for name in named for each in requirements(name)}


def test_an_extra_that_names_the_project_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(CI / "requires.py", tmp_path / ".ci")
    project = (ROOT / "pyproject.toml").read_text().replace("numba = [", 'numba = ["blockstm", ')
    (tmp_path / "pyproject.toml").write_text(project)
    done = subprocess.run([sys.executable, script, "numba"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the extra 'numba' names no extra in 'blockstm'" in done.stderr
