"""Differential fuzzing of the EVM: ``python -m tests.fuzz --seed 1 --seconds 60``.

Each seed makes a block under each fork; ours runs it sequentially, in parallel and on the
reference's view, EELS (or py-evm) by its own rules. A long block beside it is run by ours alone, in
all these ways. Where two differ the case is made smaller,
described and kept in ``build/fuzz``. The exit status is 1 where one did.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures import ROOT
from tests.fuzz import on_eels, on_ours, on_pyevm
from tests.fuzz.case import Case
from tests.fuzz.reporting import described
from tests.fuzz.result import Result, differences
from tests.fuzz.seeds import case_of, long_case_of
from tests.fuzz.shrinking import shrunk
from tests.fuzz.stack_headroom import with_headroom

from blockstm.vm.forks import FORKS, Fork, fork_named

KEPT = ROOT / "build" / "fuzz"
SHOWN = 6
JUDGED_MAX = 8  # transactions of a block that an oracle is asked about
OTHERS: dict[str, Callable[[Case], Result]] = {
    "2 workers": lambda case: on_ours.run(case, workers=2),
    "4 workers": lambda case: on_ours.run(case, workers=4),
    "the reference": on_ours.run_on_reference,
}


@dataclass
class Fuzzer:
    """A run; ``eels`` is None where py-evm is the only oracle."""

    eels: on_eels.Eels | None
    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def forks(self) -> list[Fork]:
        """The forks that there is an oracle for."""
        return [fork for fork in FORKS if self._by_eels(fork) or fork in on_pyevm.forks()]

    def _by_eels(self, fork: Fork) -> bool:
        return self.eels is not None and fork in on_eels.forks()

    def look_at(self, case: Case) -> bool:
        """Run a case everywhere; whether all agree. What does not is shown and kept."""
        found = self.disagreement(case, self.statuses)
        self.counts["cases"] += 1
        if not found:
            return True
        self.counts["differ"] += 1
        name = case.story.replace(", ", "-").replace(" ", "-") or "replayed"
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{name}.json").write_text(json.dumps(case.as_json(), indent=1))
        print(f"DIFFERENT: {case.story}: {found[0]}", flush=True)
        smaller = shrunk(case, lambda each: bool(self.disagreement(each)))
        (KEPT / f"{name}-small.json").write_text(json.dumps(smaller.as_json(), indent=1))
        for line in [*self.disagreement(smaller)[:SHOWN], *described(smaller)]:
            print(f"  {line}")
        print(f"  replay: python -m tests.fuzz --replay {KEPT / name}-small.json", flush=True)
        return False

    def disagreement(self, case: Case, statuses: Counter[str] | None = None) -> list[str]:
        """Where ours differs from the oracle, or from ours run otherwise; a line each."""
        judged = len(case.transactions) <= JUDGED_MAX
        if judged and self._by_eels(case.fork):
            assert self.eels is not None
            self.eels.ask(case)
        ours = on_ours.run(case)
        found = []
        for name, other in OTHERS.items():
            found += [f"1 worker and {name}: {line}" for line in differences(ours, other(case))]
        oracle, theirs = self._oracle(case) if judged else ("none", None)
        if theirs is None:
            return found
        if statuses is not None:
            statuses.update(each.status for each in theirs.transactions)
        return found + [f"ours and {oracle}: {line}" for line in differences(ours, theirs)]

    def _oracle(self, case: Case) -> tuple[str, Result | None]:
        """What an oracle says to the case, EELS if it has been asked; None if it gave up."""
        if self._by_eels(case.fork):
            assert self.eels is not None
            try:
                return "EELS", self.eels.answer()
            except on_eels.OracleError as error:
                print(f"EELS could not run {case.story}: {str(error).strip()}", flush=True)
        if case.fork in on_pyevm.forks():
            return "py-evm", on_pyevm.run(case)
        return "none", None

    def __str__(self) -> str:
        cases, differ = self.counts["cases"], self.counts["differ"]
        statuses = ", ".join(f"{count} {name}" for name, count in self.statuses.most_common())
        return f"{cases} cases ({statuses} transactions), {differ} differ"


def cases(seed: int, forks: list[Fork]) -> Iterator[Case]:
    """Seed after seed, each under all forks."""
    for number in itertools.count(seed):
        for fork in forks:
            yield case_of(number, fork)
            yield long_case_of(number, fork)


def fuzz(args: argparse.Namespace) -> int:
    """The run that was asked for; its exit status."""
    with ExitStack() as stack:
        eels = stack.enter_context(on_eels.Eels(args.eels)) if args.eels.exists() else None
        print(f"oracle: {'EELS' if eels else 'py-evm only'}; seed {args.seed}", flush=True)
        fuzzer = Fuzzer(eels)
        if args.replay:
            return 0 if fuzzer.look_at(Case.from_json(args.replay.read_text())) else 1
        forks = [fork_named(name) for name in args.forks.split(",")] if args.forks else None
        until = time.monotonic() + args.seconds
        for case in cases(args.seed, forks or fuzzer.forks()):
            if time.monotonic() > until:
                print(f"{fuzzer}; the next seed is {case.story.split(',')[0].split()[1]}")
                return 1 if fuzzer.counts["differ"] else 0
            fuzzer.look_at(case)
    return 0


def main() -> int:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first; default: 1")
    parser.add_argument("--seconds", type=float, default=60, help="how long; default: 60")
    parser.add_argument("--forks", default="", metavar="FORK,FORK", help="default: all")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="a case that was kept")
    parser.add_argument(
        "--eels", type=Path, default=on_eels.PYTHON, metavar="PYTHON", help="that has EELS"
    )
    return with_headroom(lambda: fuzz(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
