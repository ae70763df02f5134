"""A program holds what its limit says, whatever its registers held before."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import re
from pathlib import Path

from blockstm.ai.instructions import header, register
from blockstm.ai.model import Model, Scale, Tensor

TURNS = 8


def peak_mib() -> int:
    # Not `getrusage`, whose peak a process takes over from the one that started it.
    return int(re.search("VmHWM:\\\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1]) >> 10


whole, given = register(0), Tensor("given", "int8", (4096,), (Scale(1),))
instructions = []
for turn in range(TURNS):
    # 60 MiB in a register; then a byte there, and one in a register of its own.
    instructions.append(header("product", [3840, 1, 4096], [whole, whole], destination=1))
    for target in (1, 2 + turn):
        instructions.append(header("clip", [1, -128, 127], [whole], destination=target))
output = Tensor("byte", "int8", (1,), (Scale(1),))
model = Model("held", given, output, tuple(instructions), b"", 1, 1)
before = peak_mib()
assert model.run(b"\\x05" * 4096) == b"\\x05"
print(peak_mib() - before)
"""


def test_registers_do_not_add_up_what_they_held() -> None:
    """Eight times 60 MiB, one after another: the peak is that of two."""
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert 55 < int(made.stdout) < 200
