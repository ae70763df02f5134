"""Work on a Ray cluster, in a process of its own for each set of cases.

Ray leaves sockets and files to the end of its process, and asks a cluster that is gone for ever: so
neither is in the process of other tests.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import PATIENCE

pytest.importorskip("ray", reason="Ray is not installed: nothing is run on a cluster")
pytest.importorskip("mdbx")

CASES = Path(__file__).with_name("ray_cases.py")
DEADLINE = 4 * PATIENCE  # s; a cluster starts in seconds, beside much else in a minute


def run_cases(which: str, said: Path) -> None:
    """Run the cases that an expression of marks chooses; skip where no cluster can be started."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    with (
        said.open("wb") as output,
        subprocess.Popen(
            [*command, "-m", which, str(CASES)],
            cwd=CASES.parents[2], stdout=output, stderr=output, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            status = process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    text = said.read_text(errors="replace")
    assert status == 0, text
    if skipped := re.search(r"^SKIPPED.*", text, re.MULTILINE):
        pytest.skip(skipped[0])
    assert " passed" in text


@pytest.mark.alone
def test_a_cluster_says_what_processes_say(tmp_path: Path) -> None:
    run_cases("not slow", tmp_path / "said")


@pytest.mark.slow
def test_a_cluster_loses_nothing_where_its_processes_die(tmp_path: Path) -> None:
    run_cases("slow", tmp_path / "said")
