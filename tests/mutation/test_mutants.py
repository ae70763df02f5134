"""The mutation tests change what they say, one thing at a time, and find what no test notices."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.mutation.__main__ import ROOT, SETTINGS
from tests.mutation.mutant import Mutant
from tests.mutation.native_build import SWITCH
from tests.mutation.native_constants import REFRESHER
from tests.mutation.native_source import NativeSource
from tests.mutation.python_source import switched
from tests.mutation.verdicts import Explanations

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


MAIN = """\
#include <cstdio>
int main(int count, char** words) {
    if (count > 1) blockstm_mutant_on = std::atoi(words[1]);
    if (count > 1) blockstm_mutants_refresh();
    std::printf("%d %d %d %d", total(5, 2), total(2, 5), total(4, 0), total(200, 1));
}
"""


def build_native(text: str, folder: Path) -> Path:
    (folder / "mutants.hpp").write_text(SWITCH % 100 + REFRESHER)
    (folder / "total.cpp").write_text(f'#include "mutants.hpp"\n{text}{MAIN}')
    build = ["c++", "-std=c++20", "-w", "-O0", "total.cpp", "-o", "total"]
    subprocess.run(build, cwd=folder, check=True)
    return folder / "total"


def output(*command: str | Path, **environment: str) -> str:
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def test_one_build_holds_all_native_mutants(tmp_path: Path) -> None:
    text, mutants = native()
    program = build_native(text, tmp_path)
    right = output(program)
    assert right == "8 4 5 100"
    changed = [output(program, str(mutant.number)) for mutant in mutants]
    # A constant follows the mutant that is turned on, too; it was one already when it was loaded.
    assert changed[0] == output(program, BLOCKSTM_MUTANT="0") == "8 5 5 100"
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
    assert {(1, "LEAST = 4"), (1, "LEAST = 2"), (5, "total = min(a, LEAST)")} <= found
    conditions = ("a >= b and not b == 0", "a > b or not b == 0", "True", "False")
    assert {(6, f"if {each}:") for each in conditions} <= found
    assert {(7, "total -= b"), (7, "pass"), (9, "pass")} <= found
    assert all(line not in (4, 9) or after == "pass" for line, after in found)


def test_those_alike_are_told_apart() -> None:
    _, mutants = switched("same.py", "a = 1\nb = 2\na = 1\n", 5)
    assert [mutant.key[1:] for mutant in mutants if mutant.line != 2] == [
        ("a = 1", "a = 2", 1), ("a = 1", "a = 2", 2),
    ]  # fmt: skip
    _, native = NativeSource("same.cpp", "void f() {\n    g(1);\n    g(1);\n}\n").with_switches(0)
    assert [(each.line, each.place) for each in native if each.after == "g(2);"] == [(2, 1), (3, 2)]


# ------------------------------------------------------------------------------------- a run

COMMAND = [sys.executable, "-m", "tests.mutation", "python", "--seed", "1", "--tests"]
TESTS = "tests/eips/test_eip_100_difficulty.py::test_before_it_ommers_did_not_count"
FILES = ["--files", "rules/difficulty.py", "--results"]


def told(*arguments: str | Path) -> list[str]:
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, check=False, timeout=300
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run: one test on the mutants of two lines."""
    folder = tmp_path_factory.mktemp("results")
    told(TESTS, *FILES, folder, "--lines", str(BOMB), str(line_of("seconds = timestamp -")))
    return folder


def line_of(text: str) -> int:
    source = (ROOT / "src/blockstm/ethereum/rules/difficulty.py").read_text()
    return source[: source.index(text)].count("\n") + 1


BOMB = line_of("fork.bomb_delay is None")


def test_a_run_finds_what_a_test_notices(results: Path) -> None:
    """It needs the time between two blocks, and never asks for a fork without difficulty."""
    *_, whole = said = told(TESTS, *FILES, results, "--told")
    assert whole == f"in all: 60 mutants, 3 killed, 0 explained, 1 open, {60 - 4} not run yet"
    at = said.index(f"open: src/blockstm/ethereum/rules/difficulty.py:{BOMB}")
    assert said[at + 1 : at + 3] == ["  - if fork.bomb_delay is None:", "  + if False:"]


def test_a_run_goes_on_where_the_last_one_ended(results: Path) -> None:
    verdicts = results / "python-verdicts.jsonl"
    known = verdicts.read_text()
    told(TESTS, *FILES, results, "--lines", str(BOMB))
    assert verdicts.read_text() == known


@pytest.mark.parametrize("kind", ["native", "python"])
def test_what_is_explained_is_a_mutant(kind: str) -> None:
    settings = tomllib.loads(SETTINGS.read_text())
    paths = [ROOT / "src/blockstm" / name for name in settings[kind]["files"]]
    mutants = import_module(f"tests.mutation.{kind}").listed(paths)
    mine = {mutant.path for mutant in mutants}
    listed = [each for each in settings["explained"] if each["path"] in mine]
    assert listed
    assert Explanations(listed).without(mutants) == []
    assert all(each["reason"].endswith(".") for each in listed)
