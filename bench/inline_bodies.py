"""How busy the inline bodies of the ``.pxd`` files are: ``python bench/inline_bodies.py``.

Runs each load under callgrind and puts every machine instruction down to the function of Cython
whose line it is of, inlined or not. Prints, for each ``.pxd`` file with inline bodies, how many it
has and how many instructions a transaction spends in them, which is the table of
docs/decisions/rooms.md; ``--bodies`` tells of each body by itself.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from blockstm import Config, Executor
from blockstm.bench.blocks.workloads import block_workload
from blockstm.ethereum import read_block_file
from blockstm.ethereum.execution import prepare_file

ROOT = Path(__file__).parents[1]
NATIVE = ROOT / "src" / "blockstm" / "_native"
GENERATED = ROOT / "build" / "cython"
MAINNET = ROOT / "tests" / "data" / "mainnet" / "19426587.json.xz"
ITERATIONS = 5
GAS = 10_000_000
PAYMENTS = 1000

INLINE = re.compile(r"^\s*cdef inline [^(]*?(\w+)\(", re.MULTILINE)
FUNCTION = re.compile(r"^(?:static|inline)\b.*?\b__pyx_f_(8blockstm\w+)\(.*\{$")
COST = re.compile(r"^(\d+) (\d+)$")

Run = Callable[[Executor], Any]


def inline_bodies() -> dict[str, list[str]]:
    """Module → the functions whose bodies stand in its ``.pxd``."""
    found = {}
    for path in sorted(NATIVE.rglob("*.pxd")):
        if names := INLINE.findall(path.read_text()):
            found[path.relative_to(NATIVE).with_suffix("").as_posix()] = names
    return found


def mangled(module: str, function: str) -> str:
    """What Cython calls a function, behind ``__pyx_f_``."""
    parts = ["blockstm", "_native", *module.split("/")]
    return "_".join([f"{len(part)}{part}" for part in parts]) + f"_{function}"


# ---- the loads


def native_block() -> tuple[int, Run]:
    """A generated block of payments, token transfers and swaps; its writes are made to a state."""
    workload = block_workload("hybrid", gas=GAS)

    def run(executor: Executor) -> None:
        done = executor.execute_block(workload.steps, workload.state, workload.evm)
        workload.state.copy().apply(done.writes)

    return len(workload.steps), run


def real_block() -> tuple[int, Run]:
    """A block of mainnet."""
    prepared = prepare_file(read_block_file(MAINNET))
    count = len(prepared.block.transactions)
    return count, lambda executor: prepared.run(executor.execute_block)


def _pay(view: Any, transaction: tuple[int, int]) -> None:
    source, target = transaction
    view.put(source, view.get(source) - 1)
    view.add(target, 1)


def python_block() -> tuple[int, Run]:
    """Payments by a callable of Python."""
    block = [(index, (7 * index + 3) % PAYMENTS) for index in range(PAYMENTS)]
    state = dict.fromkeys(range(PAYMENTS), 10)
    return PAYMENTS, lambda executor: executor.execute_block(block, state, _pay)


LOADS: dict[str, tuple[Callable[[], tuple[int, Run]], int]] = {
    "generated block, 2 workers": (native_block, 2),
    "mainnet block, 1 worker": (real_block, 1),
    "Python VM, 2 workers": (python_block, 2),
}


def run_load(name: str) -> None:
    """What runs under callgrind; prints how many transactions were run."""
    make, workers = LOADS[name]
    count, run = make()
    with Executor(Config(workers=workers, gate=False)) as executor:
        for _ in range(ITERATIONS):
            run(executor)
    print(count * ITERATIONS)


# ---- the profile


def functions_of(path: Path) -> tuple[list[int], list[str]]:
    """The lines of a generated file from which on it is another function's, and whose."""
    lines, names = [0], [""]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if match := FUNCTION.match(line):
            lines.append(number)
            names.append(match[1])
        elif line == "}":
            lines.append(number + 1)
            names.append("")
    return lines, names


def costs(profile: Path) -> Iterator[tuple[str, int, int]]:
    """(file, line, instructions) of everything in a profile, what is called left out."""
    file, is_call = "", False
    for text in profile.read_text().splitlines():
        if text.startswith(("fl=", "fi=", "fe=")):
            file = text[3:]
        elif text.startswith("calls="):
            is_call = True
        elif match := COST.match(text):
            if not is_call:
                yield file, int(match[1]), int(match[2])
            is_call = False


def instructions_of(profile: Path) -> Counter[str]:
    """Mangled function → instructions."""
    functions: dict[str, Callable[[int], str]] = {}
    counted: Counter[str] = Counter()
    for file, line, count in costs(profile):
        _, _, generated = file.partition(f"{GENERATED.relative_to(ROOT)}/")
        if generated and file not in functions:
            lines, names = functions_of(GENERATED / generated)
            functions[file] = partial(_at, lines, names)
        if generated:
            counted[functions[file](line)] += count
    return counted


def _at(lines: list[int], names: list[str], line: int) -> str:
    return names[bisect_right(lines, line) - 1]


def profile_of(load: str) -> Callable[[str, str], float]:
    """Instructions for each transaction of a load, by module and function."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind.out")
        options = ("--compress-pos=no", "--compress-strings=no", f"--callgrind-out-file={out}")
        command = [
            "valgrind",
            "--tool=callgrind",
            *options,
            sys.executable,
            __file__,
            "--run",
            load,
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        counted, runs = instructions_of(out), int(done.stdout)
    return lambda module, name: counted[mangled(module, name)] / runs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bodies", action="store_true", help="a line for each body, too")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        run_load(args.run)
        return
    profiles = [profile_of(load) for load in LOADS]
    print("| file | bodies | " + " | ".join(LOADS) + " |")
    for module, names in inline_bodies().items():
        sums = [sum(each(module, name) for name in names) for each in profiles]
        print(f"| `{module}` | {len(names)} | " + " | ".join(f"{each:.0f}" for each in sums) + " |")
        for name in names if args.bodies else ():
            print(f"    {name:<32}" + "".join(f"{each(module, name):>9.1f}" for each in profiles))


if __name__ == "__main__":
    main()
