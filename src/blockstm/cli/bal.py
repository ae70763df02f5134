"""``blockstm bal``: block-level access lists (EIP-7928), shown and compared."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from blockstm.errors import UsageError

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList

__all__ = ["add_parser", "main"]

_EQUAL, _DIFFERENT = 0, 1
_CODE_SHOWN_MAX = 32  # bytes


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``bal`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bal",
        help="show or compare block-level access lists",
        description="Shows a block's access list (EIP-7928), or compares two. A file has a list as "
        "RLP, in bytes or in hex, or as JSON, or a block or an execution payload with its "
        "blockAccessList. Exit status: 0 equal and in canonical form, 1 not so, 2 unreadable.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    diff = verbs.add_parser("diff", help="every entry that two lists do not share")
    diff.add_argument("expected", metavar="A", help="what the list should be")
    diff.add_argument("given", metavar="B", help="what it is")
    show = verbs.add_parser("show", help="what a list says, and whether it is in canonical form")
    show.add_argument("given", metavar="BLOCK")
    for verb in (diff, show):
        verb.add_argument("--json", action="store_true", help="an object for programs")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the command; its exit status."""
    if args.verb == "show":
        return _show(_read(args.given), as_json=args.json)
    return _diff(_read(args.expected), _read(args.given), as_json=args.json)


def _read(path: str) -> BlockAccessList:
    # loads what only this command needs
    from blockstm.ethereum.files.access_list_files import read_access_list_file

    try:
        return read_access_list_file(path)
    except (OSError, UsageError) as error:
        raise UsageError(f"{path}: {error}") from error


def _diff(expected: BlockAccessList, given: BlockAccessList, *, as_json: bool) -> int:
    # loads what only this command needs
    from blockstm.ethereum.results.access_list_differences import differences

    found = [*differences(expected, given)]
    deviations = [*given.deviations()]
    equal = expected == given
    if as_json:
        document = {
            "equal": equal,
            "expected_hash": f"0x{expected.hash.hex()}",
            "given_hash": f"0x{given.hash.hex()}",
            "deviations": deviations,
            "differences": [each.to_json() for each in found],
        }
        print(json.dumps(document))
    else:
        _print_diff([*map(str, found)], deviations, equal)
    return _EQUAL if equal and not deviations else _DIFFERENT


def _print_diff(differences: list[str], deviations: list[str], equal: bool) -> None:
    for deviation in deviations:
        print(f"not in canonical form: {deviation}")
    for difference in differences:
        print(difference)
    print("the lists are equal" if equal else f"{len(differences)} entries differ")


def _show(given: BlockAccessList, *, as_json: bool) -> int:
    deviations = [*given.deviations()]
    if as_json:
        document = {
            "hash": f"0x{given.hash.hex()}",
            "items": given.item_count,
            "deviations": deviations,
            "blockAccessList": given.to_json(),
        }
        print(json.dumps(document))
    else:
        accounts = len(given.accounts)
        print(f"access list 0x{given.hash.hex()}: {accounts} accounts, {given.item_count} items")
        for account in given.accounts:
            _print_account(account)
        for deviation in deviations:
            print(f"not in canonical form: {deviation}")
    return _EQUAL if not deviations else _DIFFERENT


def _print_account(account: AccountAccess) -> None:
    print(f"0x{account.address.hex()}")
    for slot, changes in account.storage_changes:
        print(f"  slot {slot:#x}: " + ", ".join(f"{after:#x} at {at}" for at, after in changes))
    if account.storage_reads:
        print("  read: " + ", ".join(f"{slot:#x}" for slot in account.storage_reads))
    named = (("balance", account.balance_changes), ("nonce", account.nonce_changes))
    for name, changes in named:
        if changes:
            print(f"  {name}: " + ", ".join(f"{after} at {at}" for at, after in changes))
    for at, code in account.code_changes:
        shown = code[:_CODE_SHOWN_MAX].hex() + ("..." if len(code) > _CODE_SHOWN_MAX else "")
        print(f"  code: 0x{shown} ({len(code)} bytes) at {at}")
