"""``blockstm chunks``: a bundle in chunks of 1,024 bytes, each proved against the bundle's hash."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from blockstm.cli.summaries import told_beside
from blockstm.errors import DecodeError, InputError, UsageError

__all__ = ["add_parser", "main"]

PROVED: Final = 0
NOT_PROVED: Final = 1
_SUFFIX: Final = ".chunk"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``chunks`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "chunks",
        help="publish a bundle in chunks, each of which is proved by itself",
        description="Writes chunks of a bundle with their proofs, checks such chunks against the "
        "bundle's hash, and joins all of them to the bundle. Exit status: 0 done, 1 a chunk is not "
        "proved or missing, 2 a file cannot be read or the usage is wrong.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    prove = actions.add_parser("prove", help="write chunks of a bundle with their proofs")
    prove.add_argument("bundle", type=Path, metavar="BUNDLE")
    prove.add_argument(
        "--index", type=int, nargs="+", metavar="I", help="which chunks, from 0; default: all"
    )
    prove.add_argument(
        "--folder", type=Path, metavar="PATH", help=f"default: BUNDLE{_SUFFIX}s, which is made"
    )
    prove.set_defaults(act=_prove)
    check = actions.add_parser("verify", help="check chunks against the hash of a bundle")
    _add_chunks(check)
    check.set_defaults(act=_verify)
    join = actions.add_parser("join", help="make the bundle of all its chunks")
    _add_chunks(join)
    join.add_argument("--output", type=Path, required=True, metavar="FILE", help="the bundle")
    join.set_defaults(act=_join)
    return parser


def _add_chunks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chunks", type=Path, nargs="+", metavar="CHUNK", help="files of `prove`")
    parser.add_argument(
        "--bundle", required=True, metavar="HASH", help="the hash of the bundle, which is trusted"
    )


def main(args: argparse.Namespace) -> int:
    """Do what is asked; the exit status.

    Raises:
        UsageError: the bundle, or its hash, is none, or it has no such chunk.
        OSError: a file cannot be read or written.
    """
    status: int = args.act(args)
    return status


def _prove(args: argparse.Namespace) -> int:
    from blockstm.ethereum import Bundle  # loads what only this command needs

    data = args.bundle.read_bytes()
    try:
        bundle = Bundle.decode(data)
    except DecodeError as error:
        raise UsageError(f"{args.bundle}: {error}") from error
    folder = args.folder or args.bundle.with_name(f"{args.bundle.name}{_SUFFIX}s")
    try:
        proofs = list(bundle.prove_chunks(args.index))
    except InputError as error:
        raise UsageError(f"{args.bundle}: {error}") from error
    folder.mkdir(exist_ok=True)
    for proof in proofs:
        (folder / f"{proof.index}{_SUFFIX}").write_bytes(proof.encode())
    print(f"bundle 0x{bundle.hash.hex()}: {len(proofs)} of {bundle.chunk_count} chunks in {folder}")
    return PROVED


def _verify(args: argparse.Namespace) -> int:
    root, is_proved = _root(args), True
    for path in args.chunks:
        try:
            [proof] = _read([path])
            proof.check(root)
        except DecodeError as error:
            print(f"{path}: NOT PROVED: {error}")
            is_proved = False
        else:
            print(f"{path}: chunk {proof.index} of {proof.size} bytes: proved")
    return PROVED if is_proved else NOT_PROVED


def _join(args: argparse.Namespace) -> int:
    from blockstm.ethereum import join_chunks  # loads what only this command needs

    root = _root(args)
    try:
        content = join_chunks(_read(args.chunks), root)
    except DecodeError as error:
        print(f"blockstm chunks: {error}", file=sys.stderr)
        return NOT_PROVED
    args.output.write_bytes(root + content)
    told = f"{args.output}: {len(root) + len(content)} bytes"
    print(told, file=told_beside(args.output))
    return PROVED


def _read(paths: Sequence[Path]) -> list[Any]:
    """The chunks of some files.

    Raises:
        DecodeError: one is none.
    """
    from blockstm.ethereum import ChunkProof  # loads what only this command needs

    return [ChunkProof.decode(path.read_bytes()) for path in paths]


def _root(args: argparse.Namespace) -> bytes:
    from blockstm.ethereum.codecs.fields import parse_hash  # loads what only this command needs

    return parse_hash(args.bundle, "--bundle")
