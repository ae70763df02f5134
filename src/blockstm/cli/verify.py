"""``blockstm verify``: whether a block is valid, from the block and its witness alone."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.durations import time_as_text
from blockstm.errors import (
    BlockError,
    ConfigError,
    DecodeError,
    InvalidBlock,
    MissingCode,
    MissingHeader,
    MissingNode,
    UsageError,
)

if TYPE_CHECKING:
    from blockstm.ethereum import Bundle, Chain, ExecutedBlock, Header, StatelessFile, Witness
    from blockstm.executor import Executor
    from blockstm.types import Address, Hash32

__all__ = ["add_parser", "main", "verify_file", "witness_beside"]

VALID: Final = 0
NOT_VALID: Final = 1
UNREADABLE: Final = 2


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``verify`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "verify",
        help="verify a block by its witness, without a state",
        description="Executes a block on the nodes and codes of its witness, and checks all that "
        "its header says, the state root included. Exit status: 0 the block is valid, 1 it is not, "
        "or the witness lacks something, 2 a file cannot be read or the usage is wrong.",
    )
    parser.add_argument(
        "block",
        type=Path,
        metavar="BLOCK",
        help="a block file, a JSON-RPC block or debug_getRawBlock's answer (.json, .json.gz, "
        ".json.xz), what blockstm prove writes (.bundle), Scroll's, ZisK's (.bin) or EIP-8025's "
        "(.ssz) input with its witness; else RLP, in bytes or hex",
    )
    parser.add_argument(
        "--witness",
        type=Path,
        metavar="W",
        help="debug_executionWitness' answer, or parentStateRoot, nodes and codes; not needed "
        "where BLOCK has it",
    )
    parser.add_argument(
        "--workers", type=_workers, default="auto", metavar="N", help="threads; default: auto"
    )
    parser.add_argument("--genesis", type=Path, metavar="G", help="whose chain's rules hold")
    parser.add_argument("--fork", metavar="NAME", help="whose rules hold; default: mainnet's")
    parser.add_argument("--chain-id", type=int, metavar="N", help="default: mainnet's, 1")
    parser.add_argument(
        "--ai", action="store_true", help="the chain has the instructions of blockstm.ai"
    )
    parser.add_argument(
        "--ai-version",
        type=int,
        metavar="N",
        help="the version of these instructions that the chain has; default: the latest",
    )
    parser.add_argument(
        "--parent-root",
        metavar="R",
        help="the state root of the parent, where that is what is trusted",
    )
    parser.add_argument(
        "--transaction",
        type=_part,
        metavar="I",
        help="check a part of a bundle's block by itself, from the access list's values: "
        "a transaction by its place, from 0, or what comes before and after them: start, end",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _workers(text: str) -> int | str:
    return text if text == "auto" else int(text)


def _part(text: str) -> int | str:
    return text if text in ("start", "end") else int(text)


_part.__name__ = "place of a transaction"
_workers.__name__ = "number of workers"  # what argparse calls it in its message


def main(args: argparse.Namespace) -> int:
    """Verify the block; the exit status.

    Raises:
        UsageError: an argument has a value that it cannot have.
    """
    from blockstm.config import Config  # loads what only this command needs
    from blockstm.executor import Executor

    chain = _chain(args)
    with Executor(Config(workers=args.workers)) as executor:
        return verify_file(args.block, args.witness, chain, executor, args)


def verify_file(
    path: Path,
    witness_path: Path | None,
    chain: Chain,
    executor: Executor,
    args: argparse.Namespace,
) -> int:
    """Verify the block of a file and print the verdict; the exit status."""
    # loads what only this command needs
    from blockstm.ethereum import read_stateless_file, read_witness

    reading = path
    try:
        file = read_stateless_file(path)
        witness = file.witness
        if witness_path is not None:
            reading = witness_path
            witness = read_witness(witness_path)
        if witness is None:
            raise UsageError("the file has no witness: give one with --witness")
    except (OSError, UsageError) as error:
        words = error.strerror if isinstance(error, OSError) else None
        print(f"blockstm {args.command}: {reading}: {words or error}", file=sys.stderr)
        return UNREADABLE
    except InvalidBlock as error:  # a payload that is not the block that it says
        said = {"verdict": "invalid", "reason": str(error)}
        print(json.dumps(said) if args.json else f"{reading}: INVALID: {error}", flush=True)
        return NOT_VALID
    root, part = _parent_root(args), getattr(args, "transaction", None)
    verdict = _verified(file, witness, chain, executor, root, part)
    print(json.dumps(verdict.as_object()) if args.json else verdict.as_text(), flush=True)
    return VALID if verdict.verdict == "valid" else NOT_VALID


def _parent_root(args: argparse.Namespace) -> bytes | None:
    """The state root that is trusted, if one is given.

    Raises:
        DecodeError: it is none.
    """
    from blockstm.ethereum.codecs.fields import parse_hash  # loads what only this command needs

    given = getattr(args, "parent_root", None)
    return None if given is None else parse_hash(given, "--parent-root")


def witness_beside(path: Path, witness: Path) -> Path:
    """The witness of a block file: a file, or that of the same name in a folder."""
    return witness / path.name if witness.is_dir() else witness


@dataclass(slots=True)
class Verdict:
    """What verifying a block came to; the keys of ``--json`` are these names.

    Attributes:
        verdict: ``valid``, ``invalid``, ``incomplete`` (the witness lacks what the block reads) or
            ``malformed`` (the witness is no witness, or of another block).
        missing: hash of what an incomplete witness lacks.
        request_root: of the engine API request that the file has the block in (EIP-8025).
        bundle: the hash of a bundle, all of which was compared.
        transaction: the part of it that alone was checked; None: all.
        parent: whether the state is ``proved`` to be the parent's by its header, or ``given``.
    """

    number: int
    hash: str
    verdict: str = "valid"
    reason: str = ""
    missing: str | None = None
    parent: str = "proved"
    transactions: int = 0
    gas_used: int = 0
    state_root: str = ""
    request_root: str = ""
    bundle: str = ""
    transaction: int | str | None = None
    nodes: int = 0
    codes: int = 0
    workers: int = 0
    seconds: float = 0.0

    def as_object(self) -> dict[str, Any]:
        """The JSON object: nothing about what is wrong where nothing is."""
        left_out = {"reason", "missing"} if self.verdict == "valid" else set()
        left_out.update(name for name in ("request_root", "bundle") if not getattr(self, name))
        left_out.update(name for name in ("missing", "transaction") if getattr(self, name) is None)
        if self.transaction is not None:
            left_out.add("state_root")
        return {name: getattr(self, name) for name in self.__slots__ if name not in left_out}

    def as_text(self) -> str:
        """One line."""
        if self.verdict != "valid":
            return f"block {self.number} {self.hash}: {self.verdict.upper()}: {self.reason}"
        proved = (
            "" if self.parent == "proved" else "; the parent's state root is the witness's word"
        )
        if self.transaction is not None:
            part = self.transaction
            what = f"the block's {part}" if isinstance(part, str) else f"transaction {part}"
            return (
                f"block {self.number} {self.hash}: {what} valid: {self.gas_used:,} gas, "
                f"{time_as_text(self.seconds)}{proved}"
            )
        return (
            f"block {self.number} {self.hash}: valid: {self.transactions} transactions, "
            f"{self.gas_used:,} gas, {self.nodes} nodes, {self.codes} codes, state root "
            f"{self.state_root}, {time_as_text(self.seconds)}, workers: {self.workers}{proved}"
        )


def _verified(
    file: StatelessFile,
    witness: Witness,
    chain: Chain,
    executor: Executor,
    root: bytes | None = None,
    part: int | str | None = None,
) -> Verdict:
    from blockstm.ethereum import verify_part  # loads what only this command needs

    header = file.block.header
    verdict = Verdict(int(header.number), f"0x{file.block.hash.hex()}")
    verdict.transactions = len(file.block.transactions)
    verdict.nodes, verdict.codes = len(witness.nodes), len(witness.codes) + len(file.codes)
    if file.bundle is not None:
        verdict.bundle = f"0x{file.bundle.hash.hex()}"
    if file.request_root is not None:
        verdict.request_root = f"0x{file.request_root.hex()}"
    begin = perf_counter()
    try:
        _check_chain(file, chain)
        if root is not None and witness.parent_state_root != root:
            raise DecodeError(
                f"the witness is of a state with the root 0x{witness.parent_state_root.hex()}, and "
                f"0x{root.hex()} is trusted",
                "parentStateRoot",
            )
        if file.block.hash != header.hash:
            raise DecodeError(f"the block's hash is 0x{header.hash.hex()}", "hash")
        parent, hashes = witness.ancestry(file.block)
        verdict.parent = "given" if parent is None else "proved"
        if part is not None:
            verdict.transaction, verdict.workers = part, 1
            verdict.gas_used = verify_part(_bundle_of(file), part, chain=chain)
            verdict.seconds = perf_counter() - begin
            return verdict
        executed = _executed(file, witness, (parent, hashes), chain, executor)
        if file.bundle is not None:
            file.bundle.compare(executed)
    except (BlockError, MissingNode, MissingHeader, DecodeError) as error:
        _note(verdict, error)
    else:
        assert executed.state_root == header.state_root  # it was compared
        verdict.gas_used, verdict.workers = executed.gas_used, executed.stats.workers
        verdict.state_root = f"0x{header.state_root.hex()}"
    verdict.seconds = perf_counter() - begin
    return verdict


def _bundle_of(file: StatelessFile) -> Bundle:
    if file.bundle is None:
        raise UsageError("--transaction takes a bundle, as blockstm prove writes it")
    return file.bundle


def _check_chain(file: StatelessFile, chain: Chain) -> None:
    if file.chain_id not in (None, chain.chain_id):
        raise DecodeError(
            f"chainId: the file is of chain {file.chain_id}, and it is verified as of "
            f"{chain.chain_id}: see --chain-id",
            "chainId",
        )


def _executed(
    file: StatelessFile,
    witness: Witness,
    ancestry: tuple[Header | None, dict[int, Hash32]],
    chain: Chain,
    executor: Executor,
) -> ExecutedBlock:
    # loads what only this command needs
    from blockstm.ethereum import WitnessState
    from blockstm.hints import from_dependencies

    parent, hashes = ancestry
    bundle = file.bundle
    hints = None if bundle is None else bundle.hints
    return executor.execute_block(
        file.block,
        WitnessState(witness, file.codes),
        "evm",
        chain=chain,
        parent=parent,
        # Where headers prove hashes, those of the file are not needed, and might be lies.
        block_hashes={**file.block_hashes, **hashes} if parent is None else hashes,
        total_difficulty=None if bundle is None else bundle.difficulty,
        accesses=hints is not None,
        hints=None if hints is None else from_dependencies(hints),
    )


def _note(verdict: Verdict, error: Exception) -> None:
    """Why a block was not found valid."""
    cause = error.__cause__ if isinstance(error, BlockError) else error
    verdict.reason = str(error)
    if isinstance(error, InvalidBlock):
        verdict.verdict = "invalid"
    elif isinstance(cause, MissingNode | MissingCode | MissingHeader):
        verdict.verdict, verdict.missing = "incomplete", f"0x{cause.hash.hex()}"
        verdict.reason = str(cause)
    else:
        is_lacking = isinstance(cause, LookupError)
        verdict.verdict = "incomplete" if is_lacking else "malformed"


def _chain(args: argparse.Namespace) -> Chain:
    """Whose rules hold.

    Raises:
        UsageError: the fork or the genesis is none, or the arguments contradict each other.
    """
    # loads what only this command needs
    from blockstm.ethereum import MAINNET
    from blockstm.ethereum.genesis import read_genesis

    chain = MAINNET
    if args.genesis is not None:
        if args.chain_id is not None:
            raise ConfigError("--genesis says the chain id: give it or --chain-id")
        try:
            given = read_genesis(args.genesis).chain
        except OSError as error:
            raise UsageError(f"{args.genesis}: {error.strerror or error}") from error
        if given is None:
            raise ConfigError(f"{args.genesis}: it says nothing of forks")
        chain = given
    if args.fork is not None:
        chain = chain.under(args.fork)
    if args.ai or args.ai_version is not None:
        chain = replace(chain, precompiles=_instructions(args.ai_version))
    return chain if args.chain_id is None else replace(chain, chain_id=args.chain_id)


def _instructions(version: int | None) -> dict[Address, Any]:
    """The instructions of a version of their set, or of the latest.

    Raises:
        ConfigError: there is no such version.
    """
    from blockstm.ai import precompiles  # loads what only this option needs

    return precompiles() if version is None else precompiles(version=version)
