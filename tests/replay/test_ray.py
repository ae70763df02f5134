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


STOPPED = """
import os, signal, sys
from pathlib import Path
from blockstm.cluster import cluster
from blockstm.errors import ClusterError
from blockstm.replay import FileBlocks, replay

def children(name):
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            named = (each / "cmdline").read_bytes().split(b"\\0")[0].decode()
        except OSError:
            continue
        if parent == os.getpid() and named.endswith(name):
            yield int(each.name)

try:
    with cluster(cores=1) as ray:
        [stopped] = children(sys.argv[1])
        os.kill(stopped, signal.SIGSTOP)
        replay(FileBlocks(["nowhere.json"]), ray=True)
except ClusterError as error:
    print(error, flush=True)
finally:
    os._exit(0)  # Ray does not end without its cluster
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_cluster_that_is_stopped_is_said_to_be(name: str) -> None:
    run = [sys.executable, "-c", STOPPED, name]
    done = subprocess.run(run, capture_output=True, text=True, timeout=DEADLINE, check=True)
    if "can be started here" in done.stdout:
        pytest.skip(done.stdout)
    assert "has not answered for 45 s" in done.stdout, done


@pytest.mark.slow
def test_a_cluster_loses_nothing_where_its_processes_die(tmp_path: Path) -> None:
    run_cases("slow", tmp_path / "said")
