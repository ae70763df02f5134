"""``--rules MODULE:NAME``: a chain's own rules, from a module of the user's."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Final

from blockstm.cli.transitions.failures import CONFIG, TransitionFailure
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.messages import brief

__all__ = ["add_rules_option", "rules_of"]

_FORM: Final = "MODULE:NAME"


def add_rules_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--rules``."""
    parser.add_argument(
        "--rules",
        default="",
        metavar=_FORM,
        help="what the chain has beside the fork: the blockstm.ethereum.Rules of this name in this "
        "module, which is looked for in the current folder, too, and is run",
    )


def rules_of(args: argparse.Namespace) -> Rules:
    """The rules that the arguments name; none where they name none.

    Raises:
        TransitionFailure: there is no such module, or no rules of that name in it.
    """
    if not args.rules:
        return NO_RULES
    module_name, _, name = args.rules.partition(":")
    if not module_name or not name:
        raise TransitionFailure(CONFIG, f"--rules: expected {_FORM}, not {brief(args.rules)}")
    if "" not in sys.path:
        sys.path.append("")  # as for `python -m`
    try:
        rules = getattr(import_module(module_name), name, None)
    except (Exception, SystemExit) as error:  # whatever running it raises, or ends itself by
        words = f"--rules: importing {module_name} failed: {type(error).__name__}: {error}"
        raise TransitionFailure(CONFIG, words) from error
    if not isinstance(rules, Rules):
        words = f"--rules: {module_name} has no blockstm.ethereum.Rules {brief(name)}"
        raise TransitionFailure(CONFIG, words)
    return rules
