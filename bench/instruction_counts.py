"""Machine instructions per EVM instruction: ``python bench/instruction_counts.py evm,pyrevm``.

Where clocks are too noisy to compare by, valgrind's counts are not: each workload is run twice
under callgrind, at two lengths, and what the longer one takes more is put down to the EVM.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from blockstm.bench.evm.candidates import candidate
from blockstm.bench.evm.instructions import count, instructions
from blockstm.bench.evm.workloads import TURNS, WORKLOADS, workload_named

LENGTHS = 0.05, 0.10  # of the turns of the whole workload
RECURSIVE = "fibonacci"  # its turns are a depth


def turns_of(name: str) -> tuple[int, int]:
    """The two lengths that a workload is run at."""
    if name == RECURSIVE:
        return TURNS[name] - 9, TURNS[name] - 7
    shorter, longer = (max(2, round(TURNS[name] * part)) for part in LENGTHS)
    return shorter, longer + (longer == shorter)


def machine_instructions(evm: str, name: str, turns: int) -> int:
    """What a process takes that does nothing else."""
    command = [sys.executable, __file__, evm, name, "--turns", str(turns)]
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*callgrind, *command], check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind told no count: {done.stderr[-500:]}")
    return int(found[1])


def run_once(evm: str, name: str, turns: int) -> None:
    """What runs under valgrind."""
    measured = candidate(evm, workload_named(name, turns=turns), lambda ran: None)
    measured.run(measured.prepare())


def main() -> int:
    """Print a row for each workload, a column for each EVM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evms", metavar="EVM,EVM")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", default=[], help="default: all")
    parser.add_argument("--turns", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.turns:
        run_once(args.evms, args.workloads[0], args.turns)
        return 0
    evms = args.evms.split(",")
    print(f"{'workload':<16}" + "".join(f"{evm:>10}" for evm in evms))
    for name in args.workloads or WORKLOADS:
        shorter, longer = turns_of(name)
        executed = evm_instructions(name, longer) - evm_instructions(name, shorter)
        cells = ""
        for evm in evms:
            taken = machine_instructions(evm, name, longer)
            taken -= machine_instructions(evm, name, shorter)
            cells += f"{taken / executed:>10.1f}"
        print(f"{name:<16}{cells}", flush=True)
    return 0


def evm_instructions(name: str, turns: int) -> int:
    """How many instructions of the EVM a workload of this length executes."""
    asked = workload_named(name, turns=turns)
    return instructions(asked) or sum(count(asked).values())


if __name__ == "__main__":
    sys.exit(main())
