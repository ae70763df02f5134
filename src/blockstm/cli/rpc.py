"""``blockstm rpc``: a chain served as JSON-RPC over HTTP and WebSocket."""

from __future__ import annotations

import argparse
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blockstm.errors import ConfigError
from blockstm.extras import need
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.chain import Chain

__all__ = ["add_parser", "main"]

_NAMESPACES: Final = frozenset(("eth", "net", "web3", "txpool", "debug", "testing"))
_COSTLY: Final = frozenset(("debug", "testing"))


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``rpc`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rpc",
        help="serve a chain as JSON-RPC over HTTP and WebSocket",
        description="Answers JSON-RPC about a chain: one in a folder, which another process may "
        "go on importing, or one in memory, of a genesis and files of blocks. Ctrl-C ends it. It "
        "needs the extra blockstm[rpc].",
    )
    parser.add_argument("--datadir", type=Path, metavar="D", help="folder of the chain")
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
    return parser


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted; the exit status.

    Raises:
        ChainError, UsageError: the chain cannot be opened, or the address not be listened on.
    """
    need("rpc", "blockstm rpc")
    from blockstm.rpc import Node  # loads what only these commands need
    from blockstm.rpc.serving import listen, serve

    if args.threads < 1:
        raise ConfigError(f"--threads is 1 or more, not {args.threads}")
    with _chain(args) as chain, listen(args.host, args.port) as listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"block {chain.head.number} at http://{shown}:{port}", flush=True)
        node = Node(chain, namespaces=_namespaces(args.api, host))
        try:
            hosts = frozenset(each.lower() for each in args.vhost)
            serve(node, listening, threads=args.threads, hosts=hosts)
        except KeyboardInterrupt:
            pass  # that is how it ends
    return 0


def _namespaces(given: str | None, host: str) -> frozenset[str]:
    """What is answered at an address: what takes the most memory only where it is asked for."""
    if given is None:
        return _NAMESPACES if ip_address(host).is_loopback else _NAMESPACES - _COSTLY
    chosen = frozenset(each.strip() for each in given.split(","))
    if unknown := sorted(chosen - _NAMESPACES):
        known = ", ".join(sorted(_NAMESPACES))
        raise ConfigError(f"--api: the namespaces are {known}, not {brief(unknown[0])}")
    return chosen


def _chain(args: argparse.Namespace) -> Chain:
    from blockstm.chain import Chain  # loads what only these commands need
    from blockstm.chain.files import read_blocks

    if (args.datadir is None) == (args.genesis is None):
        raise ConfigError("give --datadir, or --genesis and perhaps --import")
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
