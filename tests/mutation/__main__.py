"""Mutation tests: does a test notice each small change of the rules?

    python -m tests.mutation native            the EVM's rules in C++
    python -m tests.mutation python            the rules of blocks and transactions in Python
    python -m tests.mutation native --files gas.cpp fees.cpp --seconds 600 --seed 7

Prints every mutant that no test notices and that `explained.toml` does not explain, and fails
where there is one. The mutants come in the order of a printed seed; with ``--seconds`` only until
the time is up, and with ``--budget`` each meets only so much of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.mutation.mutant import Mutant
from tests.mutation.switches import Switches
from tests.mutation.trials import AT_LOAD, Trials, in_fork

ROOT = Path(__file__).parents[2]
SETTINGS = Path(__file__).with_name("explained.toml")
QUIETLY = ("-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:faulthandler")
LOAD_SECONDS_MAX = 600
RESULTS = ROOT / "build" / "mutation" / "results"


def main() -> int:
    options = parsed()
    settings = tomllib.loads(SETTINGS.read_text())
    kind = settings[options.kind]
    prepare = import_module(f"tests.mutation.{options.kind}").prepare
    paths = chosen(kind["files"], options.files)
    mutants, switches, environment = prepare(paths, options.again)
    os.environ.update(environment)
    sys.path[:0] = environment.values()
    wanted = [each for each in mutants if ROOT / each.path in paths]
    if options.lines:
        wanted = [each for each in wanted if each.line in options.lines]
    if options.list:
        print(*wanted, sep="\n")
        return 0
    print(f"{len(wanted)} mutants, seed {options.seed}", flush=True)
    random.Random(options.seed).shuffle(wanted)
    verdicts = Verdicts(options.kind, settings.get("explained", []))
    run(wanted, switches, options, kind, verdicts)
    return verdicts.told()


def chosen(files: Sequence[str], endings: Sequence[str] | None) -> list[Path]:
    """The sources to change; where endings are given, those whose path ends in one of them."""
    paths = [ROOT / "src" / "blockstm" / name for name in files]
    return [path for path in paths if not endings or str(path).endswith(tuple(endings))]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    add = parser.add_argument
    add("kind", choices=("native", "python"))
    add("--files", nargs="*", help="ends of the paths of sources; by default all of explained.toml")
    add("--lines", nargs="*", type=int, help="only mutants of these lines")
    add("--tests", nargs="*", help="files of tests in place of those of explained.toml")
    add("--seconds", type=float, default=0, help="how long to go on; 0: to the end")
    add("--budget", type=float, default=0, help="seconds of tests for one mutant; 0: all of them")
    add("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    add("--again", action="store_true", help="take what the last run has built")
    add("--list", action="store_true", help="only print the mutants")
    return parser.parse_args()


class Verdicts:
    """What each mutant came to."""

    def __init__(self, kind: str, explained: list[dict[str, str]]) -> None:
        self.explained = {(each["path"], each["before"], each["after"]) for each in explained}
        self.count: Counter[str] = Counter()
        self.survivors: list[Mutant] = []
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.log = (RESULTS / f"{kind}.jsonl").open("a")

    def add(self, mutant: Mutant, verdict: str, by: str) -> None:
        if verdict in ("survived", "not met"):
            if mutant.key in self.explained:
                verdict = "explained"
            else:
                self.survivors.append(mutant)
                print(f"{verdict}: {mutant}", flush=True)
        self.count[verdict] += 1
        told = asdict(mutant)
        print(json.dumps(told | {"verdict": verdict, "by": by}), file=self.log, flush=True)

    def told(self) -> int:
        print(", ".join(f"{count} {verdict}" for verdict, count in sorted(self.count.items())))
        return 1 if self.survivors else 0


def run(
    mutants: Sequence[Mutant],
    switches: Callable[[], Switches],
    options: argparse.Namespace,
    kind: Mapping[str, Any],
    verdicts: Verdicts,
) -> None:
    """Try the mutants: those that work in a running process, then those of loading the library."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # so that this process has not loaded the library when it comes to the latter
        os.close(reading)
        try_live(mutants, switches, options, kind, writing)
        os._exit(0)
    os.close(writing)
    by_number = {mutant.number: mutant for mutant in mutants}
    at_load = []
    with os.fdopen(reading) as lines:
        for line in lines:
            number, verdict, by = json.loads(line)
            if verdict == AT_LOAD:
                at_load.append(by_number[number])
            else:
                verdicts.add(by_number[number], verdict, by)
    os.waitpid(child, 0)
    import_module("tests.mutation.heavy")  # once, for all forks
    for mutant in at_load:
        arguments = [*(options.tests or kind["tests_at_load"]), *QUIETLY]
        verdicts.add(mutant, *in_fork(mutant, arguments, LOAD_SECONDS_MAX))


def try_live(
    mutants: Sequence[Mutant],
    switches: Callable[[], Switches],
    options: argparse.Namespace,
    kind: Mapping[str, Any],
    writing: int,
) -> None:
    """Run the tests on the mutants, and tell what each comes to."""

    def tell(mutant: Mutant, verdict: str, by: str) -> None:
        os.write(writing, f"{json.dumps([mutant.number, verdict, by])}\n".encode())

    trials = Trials(mutants, switches, options.seconds, options.budget, tell)
    pytest.main([*(options.tests or kind["tests"]), *QUIETLY], plugins=[trials])


if __name__ == "__main__":
    sys.exit(main())
