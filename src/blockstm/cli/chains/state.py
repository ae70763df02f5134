"""``blockstm state``: an account of a chain as of one of its blocks."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, parse_block, show
from blockstm.errors import ConfigError
from blockstm.ethereum.tries.state_trie import AccountProof
from blockstm.messages import brief
from blockstm.types import Address

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``state`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "state",
        help="show an account of a chain on disk",
        description="Shows balance, nonce, code and slots of an account after a block, the head by "
        "default, and on request the nodes that prove them against the state root (EIP-1186).",
    )
    parser.add_argument("address", metavar="ADDRESS")
    add_datadir(parser)
    parser.add_argument("--block", metavar="BLOCK", help="a number, a negative count, or a hash")
    parser.add_argument("--slot", action="append", default=[], metavar="S", help="may be repeated")
    parser.add_argument("--code", action="store_true", help="show the code, not only its hash")
    parser.add_argument("--proof", action="store_true", help="show the nodes of the proof")
    return parser


def main(args: argparse.Namespace) -> int:
    """Show the account; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read, or there is no such block.
    """
    address, slots = _address(args.address), [_slot(each) for each in args.slot]
    with opened(args, read_only=True) as chain:
        which = chain.head.hash if args.block is None else parse_block(args.block)
        if isinstance(which, int) and which < 0:
            which += chain.head.number
        state = chain.state_at(which)
        proof = state.proof(address, slots)
        members: dict[str, Any] = {
            "block": state.number,
            "stateRoot": hexadecimal(state.root),
            "address": hexadecimal(address),
            **_account(proof),
        }
        if args.code:
            members["code"] = hexadecimal(state.code_at(address))
        if slots:
            members["storage"] = {hex(slot): hex(proof.storage[slot][0]) for slot in slots}
        if args.proof:
            members["accountProof"] = [*map(hexadecimal, proof.nodes)]
            members["storageProof"] = {
                hex(slot): [*map(hexadecimal, proof.storage[slot][1])] for slot in slots
            }
        show(args, members)
    return 0


def _account(proof: AccountProof) -> dict[str, Any]:
    account = proof.account
    if account is None:
        return {"exists": False}
    return {
        "exists": True,
        "balance": account.balance,
        "nonce": account.nonce,
        "codeHash": hexadecimal(account.code_hash),
        "storageHash": hexadecimal(account.storage_root),
    }


def _address(text: str) -> Address:
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise ConfigError(f"an address is 40 hexadecimal digits, not {brief(text)}")
    return Address(address)


def _slot(text: str) -> int:
    try:
        slot = int(text, 0)
    except ValueError:
        slot = -1
    if not 0 <= slot < 1 << 256:
        raise ConfigError(f"a slot is a number of 256 bits, not {brief(text)}")
    return slot
