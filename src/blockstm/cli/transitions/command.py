"""``blockstm t8n``: transactions run on a state, in an environment; a stand-in for ``evm t8n``.

Flags, streams, files, exit status and error texts are those of go-ethereum, so that tools such as
the official tests' ``fill`` take it for theirs.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

from blockstm.cli.transitions.failures import JSON, TransitionFailure, exit_status, failing
from blockstm.cli.transitions.files import (
    STDIN,
    Outputs,
    add_file_options,
    read_document,
    read_stdin,
)
from blockstm.cli.transitions.ownrules import add_rules_option, rules_of
from blockstm.cli.transitions.request import Request
from blockstm.cli.transitions.tracefiles import (
    add_trace_options,
    counter_of,
    tracer_of,
    write_counts,
    write_traces,
)
from blockstm.executor import Executor

__all__ = ["FORK_NAMES", "add_options", "add_parser", "main"]

FORK_NAMES: Final = (
    "Frontier Homestead DAOFork TangerineWhistle SpuriousDragon EIP150 EIP158 Byzantium "
    "Constantinople ConstantinopleFix Istanbul MuirGlacier Berlin London ArrowGlacier GrayGlacier "
    "Merge Paris Shanghai Cancun Prague Osaka BPO1 BPO2 BPO3 BPO4 BPO5 Amsterdam"
)
_FILES: Final = (
    ("--input.alloc", "alloc.json", "the accounts before: stdin, or a file"),
    ("--input.env", "env.json", "the environment: stdin, or a file"),
    ("--input.txs", "txs.json", "the transactions: stdin, or a file; .rlp: their RLP in hex"),
    ("--input.blobParams", "", "the blob parameters of the fork, where they are not its own"),
    ("--output.basedir", "", "the folder of the files of output; made where it is not there"),
    ("--output.alloc", "alloc.json", "the accounts after: stdout, stderr, or a file"),
    ("--output.result", "result.json", "roots, receipts and the rest: stdout, stderr, or a file"),
    ("--output.body", "", "the RLP of the transactions that fit: stdout, stderr, or a file"),
    ("--opcode.count", "", "how often each instruction was executed: a file"),
)


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``t8n`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "t8n",
        help="run transactions on a state in an environment, as go-ethereum's evm t8n does",
        description="Runs transactions on a state, in the environment of a block that is to be. "
        "Those that do not fit are left out and listed under rejected, with the reason.",
        epilog="Exit status: 0 whatever the transactions are, 2 the EVM failed, 3 a wrong "
        "configuration, 4 the hash of a block is missing, 10 not the JSON that it should be, "
        "11 a file cannot be read or written.",
        allow_abbrev=False,
    )
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a transition."""
    add_file_options(
        parser, ((flag, _destination(flag), default, text) for flag, default, text in _FILES)
    )
    parser.add_argument(
        "--witness",
        action="store_true",
        help="what the block asks of the state, with its proof: executionWitness of the result",
    )
    add_trace_options(parser)
    add_rules_option(parser)
    parser.add_argument(
        "--state.fork", dest="fork", default="GrayGlacier", metavar="F", help=f"one of {FORK_NAMES}"
    )
    parser.add_argument(
        "--state.chainid", dest="chain_id", type=int, default=1, metavar="N", help="default: 1"
    )
    parser.add_argument(
        "--state.reward",
        dest="reward",
        type=int,
        default=0,
        metavar="WEI",
        help="of the block; -1: nobody is rewarded; default: 0",
    )
    parser.add_argument(
        "--verbosity", type=int, default=3, metavar="N", help="is read, and changes nothing"
    )


def _destination(flag: str) -> str:
    return flag.removeprefix("--").replace(".", "_")


def main(args: argparse.Namespace) -> int:
    """Make the transition; the exit status."""
    return exit_status(lambda: _make(args))


def _make(args: argparse.Namespace) -> None:
    outputs = Outputs(args.output_basedir)
    tracer, counter = tracer_of(args), counter_of(args)
    request = _request(args)
    with failing(), Executor(workers=1) as executor:
        answer = request.answer(executor, tracer, counter)
    write_traces(answer, outputs)
    if counter is not None:
        write_counts(counter, args.opcode_count, outputs)
    outputs.put(args.output_alloc, "alloc", answer.alloc)
    outputs.put(args.output_result, "result", answer.result)
    outputs.put(args.output_body, "body", answer.body)
    outputs.finish()


def _request(args: argparse.Namespace) -> Request:
    """What the arguments, standard input and files ask for.

    Raises:
        TransitionFailure: one of them cannot be read.
    """
    names = (args.input_alloc, args.input_env, args.input_txs)
    given = read_stdin() if STDIN in names else {}
    documents = {}
    for name, source in zip(("alloc", "env", "txs"), names, strict=True):
        if source != STDIN:
            documents[name] = read_document(source, name)
        elif name == "txs" and given.get("txsRlp"):
            documents[name] = given["txsRlp"]
        elif name in given or name == "txs":
            documents[name] = given.get(name)
        else:
            raise TransitionFailure(JSON, f"failed unmarshalling stdin: {name}: missing")
    params = given.get("blobParams")
    if args.input_blobParams:
        from_stdin = args.input_blobParams == STDIN
        params = params if from_stdin else read_document(args.input_blobParams, "blobParams")
    return Request(
        args.fork,
        args.chain_id,
        args.reward,
        blob_params=params,
        with_witness=args.witness,
        rules=rules_of(args),
        **documents,
    )
