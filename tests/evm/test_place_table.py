"""Tables of jump targets grow where they are while others read them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.layers import PACKAGE

SOURCE = Path(__file__).parent / "place_table.cpp"
NATIVE = PACKAGE / "_native"


def test_tables_lose_nothing_and_let_readers_go(tmp_path: Path) -> None:
    program = tmp_path / "place_table"
    sources = [str(SOURCE), str(NATIVE / "base" / "index.cpp")]
    command = [
        os.environ.get("CXX", "c++"),
        "-std=c++20",
        "-O1",
        "-Wall",
        "-Wextra",
        f"-I{NATIVE}",
        *sources,
    ]
    subprocess.run([*command, "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
