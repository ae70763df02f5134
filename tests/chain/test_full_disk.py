"""What a disk without room does to a chain: a typed error, and never the end of the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import PATIENCE

from blockstm.chain.mdbx_store import MdbxStore
from blockstm.errors import StoreError

FILL = """
import sys
from pathlib import Path
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import BlockstmError

folder = Path(sys.argv[1]) / "store"
def told(action):
    try:
        action()
    except BlockstmError as error:
        print(type(error).__name__, flush=True)
    else:
        print("nothing", flush=True)

def write():
    with MdbxStore.open(folder) as store:
        for count in range(1000):
            batch = Batch()
            batch.put(Table.CODES, count.to_bytes(32, "big"), bytes([count % 256]) * 50_000)
            store.commit(batch)

told(write)
with (Path(sys.argv[1]) / "rest").open("wb", buffering=0) as rest:
    try:
        while rest.write(bytes(512)):
            pass
    except OSError:
        pass
told(write)
told(lambda: MdbxStore.open(folder, read_only=True).close())
with (Path(sys.argv[1]) / "rest").open("r+b") as rest:
    rest.truncate(rest.seek(0, 2) - 5 * 4096)
told(lambda: MdbxStore.open(folder.with_name("new")).close())
(folder.with_name("new") / "writer.lock").unlink()
(Path(sys.argv[1]) / "rest").unlink()
told(lambda: MdbxStore.open(folder, read_only=True).close())
"""


def test_who_only_reads_makes_nothing_where_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        MdbxStore.open(tmp_path, read_only=True)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_as_such_and_ends_no_process(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare(1) to mount a small disk with")
    mounted = f'mount -t tmpfs -o size=3m none "{tmp_path}"'
    private = [unshare, "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    if subprocess.run([*private, "sh", "-c", mounted], capture_output=True).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    script = f'{mounted} && exec "$@"'
    done = subprocess.run(
        [*private, "sh", "-c", script, "sh", sys.executable, "-c", FILL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert done.stdout.split() == [*["StoreFull"] * 4, "nothing"]
