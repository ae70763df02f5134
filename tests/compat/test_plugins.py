"""What the plugins of pytest do to the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITE = """
import gc
import pyrevm

def test_it_is_ours():
    assert pyrevm.EVM.__module__ == "blockstm.compat.pyrevm.evm"

def test_what_was_imported_is_no_garbage_to_look_through():
    assert gc.get_freeze_count() > 10_000
"""


def test_a_suite_has_the_drop_in_and_a_frozen_heap(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    plugin = "blockstm.compat.plugins.pyrevm"
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-c", "pytest.ini", "--rootdir", ".", "."],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
