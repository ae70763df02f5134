"""``blockstm ai``: quantised models compiled for a chain, inferences bundled and verified."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.summaries import told_beside
from blockstm.errors import DecodeError, InputError, ModelError, UsageError

if TYPE_CHECKING:
    from blockstm.ai import Deployment, Model

__all__ = ["add_parser", "main"]

DIFFERS: Final = 1


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``ai`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "ai",
        help="compile a quantised ONNX model for a chain; bundle and verify inferences",
        description="Quantised ONNX models (int8) as programs of integer instructions, and single "
        "inferences that another party checks. Exit status: 0 all is well, 1 an inference does not "
        "verify, 2 a model cannot be compiled, a file cannot be read or the usage is wrong.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_compile(actions)
    _add_prove(actions)
    _add_verify(actions)
    return parser


def _add_compile(actions: Any) -> None:
    parser = actions.add_parser(
        "compile",
        help="the transactions that put a model on chain, and a contract that calls it",
        description="Writes transactions.json (creations as eth_sendTransaction takes them, in "
        "their order), model.json (addresses, hashes, what the input and output mean) and, in "
        "Vyper, contract.vy. Needs the extra 'ai'.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="an .onnx file")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: MODEL's name")
    parser.add_argument(
        "--deployer", default="0x" + "00" * 20, metavar="ADDRESS", help="who sends them"
    )
    parser.add_argument(
        "--nonce", type=int, default=0, metavar="N", help="of the first; default: 0"
    )
    parser.add_argument(
        "--code-limit", type=int, default=24_576, metavar="BYTES", help="of a code; default: 24576"
    )
    parser.set_defaults(run=_compile)


def _add_prove(actions: Any) -> None:
    parser = actions.add_parser(
        "prove",
        help="run a model and bundle the inference: program, weights, input, output",
        description="Runs a model on an input off chain and writes what another party needs to "
        "check that. Needs the extra 'ai'.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="an .onnx file")
    parser.add_argument("input", type=Path, metavar="INPUT", help="the input tensor: int8, raw")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: INPUT.inference")
    parser.set_defaults(run=_prove)


def _add_verify(actions: Any) -> None:
    parser = actions.add_parser(
        "verify",
        help="run a bundled inference again and compare",
        description="Needs nothing but the file; what is trusted is the model's hash.",
    )
    parser.add_argument("bundle", type=Path, metavar="FILE", help="what blockstm ai prove wrote")
    parser.add_argument(
        "--model", metavar="HASH", help="of the model that is meant: `hash` of its model.json"
    )
    parser.set_defaults(run=_verify)


def main(args: argparse.Namespace) -> int:
    """Run the action; the exit status.

    Raises:
        UsageError: the model cannot be compiled, or an argument has a value that it cannot have.
        OSError: a file cannot be read or written.
    """
    status: int = args.run(args)
    return status


def _read_model(path: Path) -> Model:
    from blockstm.ai.compiling import compile_onnx  # needs the extra

    try:
        return compile_onnx(path)
    except ModelError as error:
        raise UsageError(f"{path}: {error}") from error


def _compile(args: argparse.Namespace) -> int:
    from blockstm.ai import Deployment, vyper_source  # loads what only this command needs
    from blockstm.ethereum.codecs.fields import parse_address

    model = _read_model(args.model)
    try:
        deployer = parse_address(args.deployer, "--deployer")
        deployment = Deployment(model, deployer, args.nonce, args.code_limit)
    except (DecodeError, InputError) as error:
        raise UsageError(str(error)) from error
    folder = args.output or args.model.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "transactions.json", _transactions(deployment))
    described = _described(model, deployment)
    _write(folder / "model.json", described)
    (folder / "contract.vy").write_text(vyper_source(model, deployment.program))
    print(f"{folder}: {len(deployment.steps)} transactions, {model.work:,} multiply-accumulates,")
    print(f"    model {described['hash']}")
    print(f"    program {described['program']['hash']}, contract {described['contract']}")
    return 0


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


def _transactions(deployment: Deployment) -> list[dict[str, str]]:
    """As ``eth_sendTransaction`` takes them."""
    return [
        {
            "from": _hex(deployment.deployer),
            "nonce": hex(step.nonce),
            "gas": hex(step.gas),
            "data": _hex(step.initcode),
        }
        for step in deployment.steps
    ]


def _described(model: Model, deployment: Deployment) -> dict[str, Any]:
    """What callers of a deployed model need."""
    tensors = {
        which: {
            "name": tensor.name,
            "kind": tensor.kind,
            "shape": list(tensor.shape),
            "bytes": tensor.size,
            "scales": [{"scale": each.scale, "zero": each.zero} for each in tensor.scales],
        }
        for which, tensor in (("input", model.input), ("output", model.output))
    }
    return {
        "name": model.name,
        "hash": _hex(model.hash),
        "program": {
            "address": _hex(deployment.program.address),
            "hash": _hex(deployment.program.hash),
        },
        "contract": _hex(deployment.contract),
        "weights": [_hex(step.address) for step in deployment.steps if step.what == "weights"],
        "multiplyAccumulates": model.work,
        "gasWithoutCodes": model.called(bytes(model.input.size)).gas_used,
        **tensors,
    }


def _prove(args: argparse.Namespace) -> int:
    from blockstm.ai import Inference  # loads what only this command needs

    model = _read_model(args.model)
    try:
        inference = Inference.of(model, args.input.read_bytes())
    except InputError as error:
        raise UsageError(f"{args.input}: {error}") from error
    path = args.output or args.input.with_suffix(".inference")
    path.write_bytes(inference.encode())
    told = f"{path}: model {_hex(inference.program.hash)}, output {_hex(inference.output)}"
    print(told, file=told_beside(path))
    return 0


def _verify(args: argparse.Namespace) -> int:
    from blockstm.ai import Inference  # loads what only this command needs
    from blockstm.ethereum.codecs.fields import parse_hash

    try:
        meant = None if args.model is None else parse_hash(args.model, "--model")
        inference = Inference.decode(args.bundle.read_bytes())
    except DecodeError as error:
        print(f"blockstm ai verify: {args.bundle}: {error}", file=sys.stderr)
        return 2
    begin = perf_counter()
    holds = inference.verify(meant)
    spent = 1000 * (perf_counter() - begin)
    named = f"model {_hex(inference.program.hash)}, output {_hex(inference.output)}"
    verdict = "verified" if holds else "NOT VERIFIED"
    print(f"{args.bundle}: {verdict} in {spent:.1f} ms: {named}")
    return 0 if holds else DIFFERS
