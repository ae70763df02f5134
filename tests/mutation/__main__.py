"""Mutation tests: does a test notice each small change of the rules?

    python -m tests.mutation native            the EVM's rules in C++
    python -m tests.mutation python            the rules of blocks and transactions in Python
    python -m tests.mutation native --files gas.cpp fees.cpp --seconds 600 --seed 7

Goes on where the last run ended, in the order of a printed seed, with ``--seconds`` until the time
is up. Then prints every mutant that no test notices and that `explained.toml` does not explain, and
what the mutants of each file came to; fails where one is open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import pytest
from tests.mutation.forks import ENDED, Fork, Tell
from tests.mutation.loading import QUIETLY, meet_at_load
from tests.mutation.mutant import Mutant
from tests.mutation.reach import Reach
from tests.mutation.switches import Switches
from tests.mutation.trials import Trials
from tests.mutation.verdicts import Explanations, Verdict, Verdicts

ROOT = Path(__file__).parents[2]
SETTINGS = Path(__file__).with_name("explained.toml")
RESULTS = ROOT / "build" / "mutation" / "results"


def main() -> int:
    options = parsed()
    settings = tomllib.loads(SETTINGS.read_text())
    kind = settings[options.kind]
    prepare = import_module(f"tests.mutation.{options.kind}").prepare
    everything, paths = (chosen(kind["files"], endings) for endings in (None, options.files))
    mutants, switches, environment = prepare(everything, options.again or options.told)
    os.environ.update(environment)
    sys.path[:0] = environment.values()
    wanted = [each for each in mutants if ROOT / each.path in paths]
    if options.lines:
        wanted = [each for each in wanted if each.line in options.lines]
    if options.list:
        print(*wanted, sep="\n")
        return 0
    print(f"{len(wanted)} mutants, seed {options.seed}", flush=True)
    shuffled = random.Random(options.seed).sample(wanted, len(wanted))
    explanations = Explanations(settings["explained"])
    if not options.told:
        tests = options.tests or kind["tests"]
        run(shuffled, switches, options, tests, build_of(mutants), explanations)
    verdicts = Verdicts(options.results / f"{options.kind}-verdicts.jsonl", sources_of(mutants))
    return 1 if verdicts.told(wanted, explanations) else 0


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
    add("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    add("--results", type=Path, default=RESULTS, help="the folder of what is known")
    add("--again", action="store_true", help="take what the last run has built")
    add("--list", action="store_true", help="only print the mutants")
    add("--told", action="store_true", help="only print what is known")
    return parser.parse_args()


def sources_of(mutants: Iterable[Mutant]) -> dict[str, str]:
    """Hashes of the mutated sources, by their paths."""
    paths = {mutant.path for mutant in mutants}
    return {path: sha256((ROOT / path).read_bytes()).hexdigest()[:12] for path in paths}


def build_of(mutants: Iterable[Mutant]) -> str:
    """A hash of all that is mutated, and how."""
    numbered = [(mutant.number, *mutant.key) for mutant in mutants]
    return sha256(json.dumps(numbered).encode()).hexdigest()[:12]


def run(
    mutants: Sequence[Mutant],
    switches: Callable[[], Switches],
    options: argparse.Namespace,
    tests: Sequence[str],
    build: str,
    explanations: Explanations,
) -> None:
    """Try the mutants: those that work in a running process, then those of loading the library."""
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    reach = options.results / f"{options.kind}-reach.jsonl"
    path = options.results / f"{options.kind}-verdicts.jsonl"
    sources = sources_of(mutants)

    def try_live(tell: Tell) -> None:
        def tell_load(number: int, names: list[str]) -> None:
            tell([number, names])

        verdicts = Verdicts(path, sources)
        known = Reach(reach, build)
        trials = Trials(mutants, switches, known, verdicts, explanations, until, tell_load)
        if pytest.main([*tests, "-m", "not slow", *QUIETLY], plugins=[trials]) in (2, 3, 4):
            raise SystemExit("pytest itself failed")

    # In a fork, so that this process has not loaded the library when it comes to the latter.
    live = Fork(try_live, noisy=True)
    at_load = list(live)
    if live.ending != ENDED:
        raise SystemExit(f"the process that runs the tests {live.ending}")
    import_module("tests.mutation.heavy")  # once, for all forks
    by_number = {mutant.number: mutant for mutant in mutants}
    verdicts = Verdicts(path, sources)
    for number, names in at_load:
        if time.monotonic() > until:
            return
        mutant = by_number[number]
        verdicts.add(mutant, Verdict(*meet_at_load(mutant, names), at=build))


if __name__ == "__main__":
    sys.exit(main())
