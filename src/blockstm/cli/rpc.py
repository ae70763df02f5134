"""``blockstm rpc``: a chain served as JSON-RPC over HTTP and WebSocket."""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.blockpaths import folder
from blockstm.errors import ConfigError
from blockstm.extras import need
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.chain import Chain
    from blockstm.rpc import Node

__all__ = ["add_parser", "main"]

_DEV_OPTIONS: Final = ("fork", "chain_id", "accounts", "mnemonic", "block_time")
_ACCOUNTS_MAX: Final = 10_000
_BLOCK_TIME_MAX: Final = 1 << 20
_NAMESPACES: Final = frozenset(("eth", "net", "web3", "txpool", "debug", "testing"))
_DEV: Final = frozenset(("evm", "hardhat", "anvil", "personal"))
_COSTLY: Final = frozenset(("debug", "testing")) | _DEV


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``rpc`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rpc",
        help="serve a chain as JSON-RPC over HTTP and WebSocket",
        description="Answers JSON-RPC about a chain: one in a folder, which another process may "
        "go on importing, or one in memory, of a genesis and files of blocks; or, with --dev, one "
        "to develop on. Ctrl-C ends it. It needs the extra blockstm[rpc].",
    )
    parser.add_argument("--datadir", type=folder, metavar="D", help="folder of the chain")
    parser.add_argument("--genesis", type=Path, metavar="G", help="genesis of a chain in memory")
    parser.add_argument(
        "--import",
        dest="files",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="blocks of the chain in memory; may be repeated",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address; default: 127.0.0.1")
    parser.add_argument("--port", default=8545, type=int, help="default: 8545; 0: any free one")
    parser.add_argument(
        "--vhost",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that requests may be sent to, beside localhost; may be repeated",
    )
    parser.add_argument(
        "--api",
        metavar="LIST",
        help="namespaces of the methods, with commas: eth,net,web3,txpool,debug,testing; default: "
        "all at a loopback address, without debug and testing at others",
    )
    parser.add_argument("--threads", default=8, type=int, metavar="N", help="requests at a time")
    _add_dev(parser.add_argument_group("a chain to develop on"))
    return parser


def _add_dev(group: Any) -> None:
    group.add_argument(
        "--dev",
        action="store_true",
        help="a chain of its own: blocks as soon as transactions are sent, accounts that are rich, "
        "and evm_*, hardhat_* and anvil_* methods",
    )
    group.add_argument("--fork", metavar="NAME", help="whose rules hold; default: osaka")
    group.add_argument("--chain-id", type=int, metavar="N", help="default: 31337")
    group.add_argument("--accounts", type=int, metavar="N", help="that are rich; default: 10")
    group.add_argument("--mnemonic", metavar="WORDS", help="that their keys are derived from")
    group.add_argument(
        "--block-time",
        type=float,
        metavar="S",
        help="a block every so many seconds, and none for a transaction",
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted; the exit status.

    Raises:
        ChainError, UsageError: the chain cannot be opened, or the address not be listened on.
    """
    need("rpc", "blockstm rpc")
    from blockstm.rpc.serving import listen, serve  # loads what only these commands need

    if args.threads < 1:
        raise ConfigError(f"--threads is 1 or more, not {args.threads}")
    with ExitStack() as held:
        node = _node(args, held)
        listening = held.enter_context(listen(args.host, args.port))
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        known = _NAMESPACES | _DEV if args.dev else _NAMESPACES
        node.namespaces = _namespaces(args.api, host, known)
        print(f"block {node.chain.head.number} at http://{shown}:{port}", flush=True)
        with suppress(KeyboardInterrupt):  # that is how it ends
            hosts = frozenset(each.lower() for each in args.vhost)
            serve(node, listening, threads=args.threads, hosts=hosts)
    return 0


def _node(args: argparse.Namespace, held: ExitStack) -> Node:
    """The node, whose chain is closed at the end."""
    from blockstm.rpc import Node  # loads what only these commands need

    if args.dev:
        return _dev_node(args, held)
    given = [name for name in _DEV_OPTIONS if getattr(args, name) is not None]
    if given:
        raise ConfigError(f"--{given[0].replace('_', '-')} is for --dev")
    return Node(held.enter_context(_chain(args)))


def _dev_node(args: argparse.Namespace, held: ExitStack) -> Node:
    from blockstm.rpc.dev import DevNode, Wallet, dev_chain  # loads what only this needs
    from blockstm.rpc.dev.beginning import CHAIN_ID, FORK
    from blockstm.rpc.dev.wallet import MNEMONIC

    if args.datadir or args.genesis or args.files:
        raise ConfigError(
            "--dev begins a chain of its own: leave out --datadir, --genesis, --import"
        )
    accounts = 10 if args.accounts is None else args.accounts
    if not 0 <= accounts <= _ACCOUNTS_MAX:
        raise ConfigError(f"--accounts is from 0 to {_ACCOUNTS_MAX}, not {accounts}")
    seconds = args.block_time
    if seconds is not None and not 0 < seconds < _BLOCK_TIME_MAX:
        raise ConfigError(f"--block-time is above 0 and below {_BLOCK_TIME_MAX} s, not {seconds}")
    wallet = Wallet.of(args.mnemonic or MNEMONIC, accounts)
    chain = dev_chain(
        wallet.addresses,
        chain_id=CHAIN_ID if args.chain_id is None else args.chain_id,
        fork=args.fork or FORK,
        timestamp=int(time.time()),
    )
    node = DevNode(held.enter_context(chain), wallet)
    held.callback(node.close)
    for address in wallet.addresses:
        print(f"0x{address.hex()} key 0x{wallet.key(address).hex()}")
    if seconds is not None:
        node.miner.is_automatic = False
        node.mine_every(seconds)
    return node


def _namespaces(given: str | None, host: str, known: frozenset[str]) -> frozenset[str]:
    """What is answered at an address: what takes the most memory only where it is asked for."""
    if given is None:
        return known if ip_address(host).is_loopback else known - _COSTLY
    chosen = frozenset(each.strip() for each in given.split(","))
    if unknown := sorted(chosen - known):
        names = ", ".join(sorted(known))
        raise ConfigError(f"--api: the namespaces are {names}, not {brief(unknown[0])}")
    return chosen


def _chain(args: argparse.Namespace) -> Chain:
    from blockstm.chain import Chain  # loads what only these commands need
    from blockstm.chain.files import read_blocks

    if (args.datadir is None) == (args.genesis is None):
        raise ConfigError("give --datadir, or --genesis and perhaps --import, or --dev")
    if args.datadir is not None:
        if args.files:
            raise ConfigError("--import is for --genesis; into a folder: blockstm import")
        return Chain.open(args.datadir, read_only=True)
    if missing := [str(path) for path in (args.genesis, *args.files) if not path.is_file()]:
        raise ConfigError(f"no such file: {', '.join(missing)}")
    chain = Chain.in_memory(args.genesis)
    for path in args.files:
        for _ in chain.import_blocks(read_blocks(path)):
            pass
    return chain
