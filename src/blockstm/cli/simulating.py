"""``blockstm simulate-cores``: blocks on more cores than there are, as a simulation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.bench.rows import block_files_at, numbers, words
from blockstm.errors import ConfigError, InputError, UsageError
from blockstm.extras import need

if TYPE_CHECKING:
    from blockstm.insight.recording import Steps
    from blockstm.insight.simulation.estimates import CoreEstimates

__all__ = ["add_parser", "estimates_object", "estimates_table", "main"]

_CORES = "1,2,4,8,16,32,64"
_POLICIES = "optimistic,dependencies,weighted,grouped,values,commuting,redone"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``simulate-cores`` to the subcommands; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "simulate-cores",
        help="simulate blocks on more cores than there are",
        description="Measures what each transaction of a block takes, what it reads and writes, "
        "and what the engine's own steps cost, and simulates the block on any number of cores "
        "under each policy. Prints what was measured on one worker and on two beside it.",
    )
    parser.add_argument(
        "blocks", nargs="*", type=Path, metavar="BLOCK", help="a block file, or a folder of them"
    )
    parser.add_argument(
        "--load", action="append", default=[], metavar="NAME", help="a generated block, too"
    )
    parser.add_argument(
        "--gas", type=float, default=3e7, metavar="G", help="of a generated block; default: 3e7"
    )
    parser.add_argument("--cores", default=_CORES, metavar="1,2,...", help=f"default: {_CORES}")
    parser.add_argument(
        "--policy", default=_POLICIES, metavar="NAME,NAME", help=f"default: {_POLICIES}"
    )
    parser.add_argument(
        "--repeats", type=int, default=30, metavar="N", help="of each measurement; default: 30"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the speed-ups, too")
    parser.add_argument("--json", action="store_true", help="one JSON object a block")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Measure, simulate, print; always 0. What cannot be measured raises.

    Raises:
        UsageError: no block is named, or an option is wrong.
    """
    if args.plot is not None:
        need("insight", "--plot")
    if not args.blocks and not args.load:
        raise UsageError("name a block file or a generated block (--load)")
    if args.repeats < 1:
        raise UsageError(f"--repeats is 1 or more, not {args.repeats}")
    estimates = []
    for each in _estimates(args):
        estimates.append(each)
        print(json.dumps(estimates_object(each)) if args.json else estimates_table(each))
    if args.plot is not None:
        from blockstm.insight.simulation.plots import draw_estimates  # an optional extra

        draw_estimates(estimates, args.plot)
    return 0


def _estimates(args: argparse.Namespace) -> Iterator[CoreEstimates]:
    # loads what only this command needs
    from blockstm.insight.simulation.estimates import estimate_cores

    cores, policies = numbers(args.cores, "--cores"), words(args.policy)
    for steps in _steps(args):
        try:
            yield estimate_cores(steps, cores=cores, policies=policies, repeats=args.repeats)
        except (ConfigError, InputError) as error:
            raise UsageError(str(error)) from error


def _steps(args: argparse.Namespace) -> Iterator[Steps]:
    # loads what only this command needs
    from blockstm.bench.blocks.workloads import block_workload
    from blockstm.ethereum.files.block_files import read_block_file
    from blockstm.insight.recording import Steps

    for path in [file for named in args.blocks for file in block_files_at(named)]:
        try:
            yield Steps.of_file(read_block_file(path))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error}") from error
    for name in args.load:
        try:
            load = block_workload(name, gas=int(args.gas))
        except ConfigError as error:
            raise UsageError(str(error)) from error
        yield Steps(load.name, load.steps, load.state, load.evm, range(len(load.steps)))


def estimates_object(each: CoreEstimates) -> dict[str, Any]:
    """The estimates of a block as a JSON object; times in s."""
    return {
        "block": each.name,
        "transactions": each.transactions,
        "measured": {str(cores): seconds for cores, seconds in each.measured.items()},
        "errors": {str(cores): each.error(cores) for cores in each.measured},
        "ceiling": each.ceiling,
        "simulated": [
            {
                "policy": policy,
                "cores": cores,
                "seconds": found.seconds,
                "speedup": each.speedup(policy, cores),
                "incarnations": found.incarnations,
                "busy": found.busy,
            }
            for (policy, cores), found in each.simulated.items()
        ],
    }


def estimates_table(each: CoreEstimates) -> str:
    """The same for people: a line for each policy, a column for each number of cores."""
    cores = sorted({count for _, count in each.simulated})
    lines = [f"{each.name}: {each.transactions} transactions; simulated, but for what is measured"]
    for count, seconds in each.measured.items():
        error = each.error(count)
        off = "" if error is None else f", simulated {error:+.1%}"
        lines.append(f"  measured on {count}: {seconds * 1e3:.3f} ms{off}")
    lines.append(f"  {'cores':<14}" + "".join(f"{count:>8}" for count in cores))
    for policy in dict.fromkeys(name for name, _ in each.simulated):
        cells = "".join(f"{each.speedup(policy, count):>7.2f}x" for count in cores)
        lines.append(f"  {policy:<14}{cells}")
    return "\n".join([*lines, f"  {'ceiling':<14}{each.ceiling:>7.2f}x, the longest chain"])
