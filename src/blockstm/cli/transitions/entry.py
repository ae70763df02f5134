"""``blockstm-t8n``: what go-ethereum's ``evm`` answers to tools, under a name of its own.

``fill --evm-bin=blockstm-t8n`` and ``consume direct --bin blockstm-t8n`` of the official tests take
it for go-ethereum's: they ask for its version, for the forks that its help names, and then for
transitions, state tests and blockchain tests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from blockstm import __version__

__all__ = ["main"]

_VERBS: Final = ("t8n", "t8n-server", "run", "b11r", "statetest", "blocktest")
_OURS: Final = {"run": "run-code"}
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; ``argv`` without its name, by default `sys.argv`'s. The exit status."""
    given = _without_globals(list(sys.argv[1:] if argv is None else argv))
    if given[:1] in (["-v"], ["--version"], ["version"]):
        print(f"evm version {__version__}-blockstm")
        return 0
    if given[:1] in (["statetest"], ["blocktest"]):
        return _consume(given[0], given[1:])
    if given and given[0] not in _VERBS and given[0] not in ("-h", "--help"):
        given.insert(0, "t8n")  # evmone's tool has no verbs
    from blockstm.cli.commands import main as blockstm  # `--version` is to cost nothing

    if given:
        given[0] = _OURS.get(given[0], given[0])
    return blockstm(given)


def _without_globals(given: list[str]) -> list[str]:
    """Without ``--verbosity N`` in front of the verb."""
    if given[:1] == ["--verbosity"]:
        return given[2:]
    return given[1:] if given and given[0].startswith("--verbosity=") else given


def _consume(verb: str, given: list[str]) -> int:
    # `--version` is to cost nothing
    from blockstm.cli.transitions.consumers import report_block_tests, report_state_tests
    from blockstm.cli.transitions.failures import TransitionFailure

    parser = argparse.ArgumentParser(prog=f"blockstm-t8n {verb}")
    parser.add_argument("file", help="of official tests")
    parser.add_argument("--run", default="", metavar="REGEX", help="only blockchain tests like it")
    parser.add_argument("--trace", action="store_true", help="EIP-3155 lines to standard error")
    args = parser.parse_args(given)
    try:
        if verb == "statetest":
            return report_state_tests(args.file, args.trace)
        return report_block_tests(args.file, args.run)
    except TransitionFailure as failure:
        print(failure, file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return _INTERRUPTED
