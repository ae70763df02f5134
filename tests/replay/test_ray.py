"""Work on a Ray cluster, in a process of its own for each set of cases.

Ray leaves sockets and files to the end of its process, and asks a cluster that is gone for ever: so
neither is in the process of other tests.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import DATA
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


TWO_NODES = """
import subprocess, sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
try:
    cluster.add_node(num_cpus=1)
    assert len([each for each in cluster.list_all_nodes()]) == 2
    replay = [sys.executable, "-m", "blockstm", "replay", *sys.argv[1:], "--json", "--workers", "1"]
    for where in (["--processes", "0"], ["--ray", "--address", cluster.address]):
        done = subprocess.run([*replay, *where], capture_output=True, text=True)
        print(done.returncode, done.stdout, done.stderr, sep="\\n", end="\\0", flush=True)
finally:
    cluster.shutdown()
"""


@pytest.mark.slow
def test_a_cluster_of_two_nodes_is_joined_by_its_address() -> None:
    """Each with a core of its own, so that two tasks run on both; nothing travels but by Ray."""
    witnesses = sorted((DATA / "mainnet-witness").iterdir())[:3]
    blocks = [str(DATA / "mainnet" / each.name) for each in witnesses]
    given = [*blocks, "--witness", str(witnesses[0].parent)]
    run = [sys.executable, "-c", TWO_NODES, *given]
    done = subprocess.run(run, capture_output=True, text=True, timeout=DEADLINE, check=True)
    alone, joined, _ = done.stdout.split("\0")
    assert alone.startswith("0\n"), done
    assert joined.startswith("0\n"), done
    assert verdicts(joined) == verdicts(alone)
    assert len(verdicts(alone)) == len(blocks)


def verdicts(said: str) -> list[tuple[Any, ...]]:
    """What a replay says of each block, without how long it took."""
    records = [json.loads(line) for line in said.splitlines() if line.startswith('{"place"')]
    names = ("place", "name", "number", "hash", "verdict", "gas_used", "state_root")
    return [tuple(record[name] for name in names) for record in records]
