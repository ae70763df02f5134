"""The mutation tests change what they say, one thing at a time, and find what no test notices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.mutation.mutant import Mutant
from tests.mutation.native_build import SWITCH
from tests.mutation.native_source import NativeSource
from tests.mutation.python_source import switched

NATIVE = """\
#include <algorithm>
constexpr int LEAST = 3;
constexpr int least(int a) { return a < LEAST ? LEAST : a; }
int total(int a, int b) {
    int sum = least(a);
    if (a > b && !(b == 0)) sum += b;  // a comment with a < b
    for (int i = 0; i < 2; ++i) sum += i;
    return std::min(sum, 100);
}
"""
PYTHON = '''\
LEAST = 3

def total(a, b):
    """A docstring with 1 < 2."""
    total = max(a, LEAST)
    if a > b and not b == 0:
        total += b
    if total < 0:
        raise ValueError(f"less than {0}")
    return total if total < 100 else 100
'''


def native() -> tuple[str, list[Mutant]]:
    return NativeSource("total.cpp", NATIVE).with_switches(0)


def changes(mutants: list[Mutant]) -> set[tuple[int, str]]:
    return {(mutant.line, mutant.after) for mutant in mutants}


def test_what_changes_in_a_native_source() -> None:
    _, mutants = native()
    assert [mutant.number for mutant in mutants] == list(range(len(mutants)))
    found = changes(mutants)
    assert (2, "constexpr int LEAST = 4;") in found
    assert (3, "constexpr int least(int a) { return a <= LEAST ? LEAST : a; }") in found
    line = "if ({}) sum += b; // a comment with a < b"
    conditions = ("true", "false", "a >= b && !(b == 0)", "a > b || !(b == 0)", "a > b && (b == 0)")
    assert {(6, line.format(each)) for each in (*conditions, "a > b && !(b != 0)")} <= found
    assert (6, line.replace("+=", "-=").format("a > b && !(b == 0)")) in found
    assert (7, "for (int i = 0; i <= 2; ++i) sum += i;") in found
    assert (8, "return std::max(sum, 100);") in found
    assert not any("a <= b" in after for _, after in found)  # nor what stands in comments


def test_lines_keep_their_numbers() -> None:
    text, mutants = native()
    assert text.count("\n") == NATIVE.count("\n")
    for mutant in mutants:
        assert " ".join(NATIVE.splitlines()[mutant.line - 1].split()) == mutant.before


def run_native(text: str, folder: Path) -> list[str]:
    """What a program prints with each mutant on; without one first."""
    (folder / "mutants.hpp").write_text(SWITCH % 100)
    main = '#include <cstdio>\nint main() { std::printf("%d %d %d %d", total(5, 2), total(2, 5)'
    main += ", total(4, 0), total(200, 1)); }\n"
    (folder / "total.cpp").write_text(f'#include "mutants.hpp"\n{text}{main}')
    build = ["c++", "-std=c++20", "-w", "-O0", "total.cpp", "-o", "total"]
    subprocess.run(build, cwd=folder, check=True)
    _, mutants = native()
    return [
        subprocess.run(
            [folder / "total"], env={"BLOCKSTM_MUTANT": str(number)}, check=True,
            stdout=subprocess.PIPE, text=True,
        ).stdout
        for number in (-1, *(mutant.number for mutant in mutants))
    ]  # fmt: skip


def test_one_build_holds_all_native_mutants(tmp_path: Path) -> None:
    right, *changed = run_native(native()[0], tmp_path)
    assert right == "8 4 5 100"
    _, mutants = native()
    same = {mutant.after for mutant, said in zip(mutants, changed, strict=True) if said == right}
    # Two numbers that are alike may be taken for each other, and nothing is added twice.
    assert "constexpr int least(int a) { return a <= LEAST ? LEAST : a; }" in same
    assert len(same) < len(changed) / 3


def run_python(number: int) -> Any:
    tree, _ = switched("total.py", PYTHON, 0)
    names: dict[str, Any] = {"__mutant__": number.__eq__}
    exec(compile(tree, "total.py", "exec"), names)  # our own source, with switches
    try:
        return [names["total"](*each) for each in ((5, 2), (2, 5), (4, 0), (200, 1), (-9, -9))]
    except ValueError as error:
        return str(error)


def test_one_tree_holds_all_python_mutants() -> None:
    _, mutants = switched("total.py", PYTHON, 0)
    right = run_python(-1)
    assert right == [7, 3, 4, 100, 3]
    same = {mutant.after for mutant in mutants if run_python(mutant.number) == right}
    assert "pass" in same  # nothing makes the sum negative, so nobody misses the error
    assert len(same) < len(mutants) / 2
    found = changes(mutants)
    assert {(1, "4"), (1, "2"), (5, "min"), (6, "a >= b"), (6, "a > b or not b == 0")} <= found
    assert {(6, "True"), (6, "False"), (7, "total -= b"), (7, "pass"), (9, "pass")} <= found
    assert all(line not in (4, 9) or after == "pass" for line, after in found)


def test_a_run_tells_what_no_test_notices(tmp_path: Path) -> None:
    """Two tests of one rule: one boundary is looked at, the other is not."""
    command = [sys.executable, "-m", "tests.mutation", "python", "--files", "rules/difficulty.py"]
    tests = ["--tests", "tests/ethereum/test_difficulties.py", "--seed", "1", "--seconds", "0.01"]
    done = subprocess.run([*command, *tests], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("60 mutants, seed 1"), done.stderr
    assert "60 left" in done.stdout
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True)
    assert listed.stdout.count("difficulty.py:") == 60
