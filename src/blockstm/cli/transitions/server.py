"""``blockstm t8n-server``: transitions over HTTP, as Besu's server answers them.

``POST /`` with ``{"state": {"fork", "chainid", "reward"}, "input": {"alloc", "env", "txs"}}`` gives
``{"alloc", "result", "body"}``. What cannot be answered is a status of 400 and ``{"error": {"type",
"message"}}``, and the server goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from blockstm.cli.transitions.failures import CONFIG, TransitionFailure, failing
from blockstm.cli.transitions.files import Outputs
from blockstm.cli.transitions.ownrules import add_rules_option, rules_of
from blockstm.cli.transitions.request import Request
from blockstm.cli.transitions.tracefiles import add_trace_options, tracer_of, write_traces
from blockstm.errors import ConfigError, DecodeError, UsageError
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.ethereum.codecs.loose_fields import LooseFields
from blockstm.ethereum.tracing import Tracer
from blockstm.executor import Executor

__all__ = ["TransitionServer", "add_parser", "main", "traces_of"]

_BODY_MAX: Final = 1 << 26
_TRACE_MAX: Final = 256 << 20  # as JSON-RPC has it of a transaction
_PATIENCE: Final = 30  # seconds that a client may take for a part of its request
_BAD, _LENGTH_MISSING, _TOO_LARGE, _FAILED = 400, 411, 413, 500


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``t8n-server`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "t8n-server",
        help="answer transitions over HTTP",
        description='Answers POST / with {"state": {"fork", "chainid", "reward"}, "input": '
        '{"alloc", "env", "txs"}} by {"alloc", "result", "body"}, until it is interrupted.',
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port", type=int, default=3000, metavar="N", help="0: any that is free; default: 3000"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="H", help="where to listen; default: 127.0.0.1"
    )
    parser.add_argument(
        "--body-max",
        type=int,
        default=_BODY_MAX,
        metavar="BYTES",
        help=f"of a request; default: {_BODY_MAX}",
    )
    parser.add_argument(
        "--output.basedir",
        dest="output_basedir",
        default="",
        metavar="DIR",
        help="where traces go, each request's over those before it; default: the current folder",
    )
    add_trace_options(parser)
    add_rules_option(parser)
    parser.add_argument(
        "--trace.max",
        dest="trace_max",
        type=int,
        default=_TRACE_MAX,
        metavar="BYTES",
        help="recorded of a request's transactions together, before their traces are made; "
        f"default: {_TRACE_MAX}",
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
        UsageError: it cannot listen there; there is no such tracer, or no folder for its files; the
            rules of the chain are not to be had.
    """
    try:
        traces, rules = traces_of(args), rules_of(args)
    except TransitionFailure as failure:
        raise UsageError(str(failure)) from failure
    try:
        server = TransitionServer(args.host, args.port, args.body_max, traces, rules)
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {args.host}:{args.port}: {error}") from error
    with server:
        print(f"Transition server listening on {server.server_port}", flush=True)
        server.serve_forever()
    return 0


@dataclass(frozen=True, slots=True)
class Traces:
    """What traces transactions, and where its files go."""

    tracer: Tracer
    outputs: Outputs


def traces_of(args: argparse.Namespace) -> Traces | None:
    """What the arguments ask for of traces.

    Raises:
        TransitionFailure: there is no such tracer, no such bound, or no folder for its files.
    """
    tracer = tracer_of(args)
    if tracer is None:
        return None
    try:
        bounded = tracer.within(args.trace_max)
    except ConfigError as error:
        raise TransitionFailure(CONFIG, f"--trace.max: {error}") from error
    return Traces(bounded, Outputs(args.output_basedir))


class TransitionServer(ThreadingHTTPServer):
    """Answers transitions; each connection has a thread, and all share one executor.

    Args:
        host: the name or address to listen at.
        port: 0: any that is free, see ``server_port``.
        body_max: bytes of a request.
        traces: of the transactions of each request; None: none are made.
        rules: what the chain has beside the forks of the requests.
    """

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        body_max: int = _BODY_MAX,
        traces: Traces | None = None,
        rules: Rules = NO_RULES,
    ) -> None:
        self.rules = rules
        self.body_max = body_max
        self.traces = traces
        self.executor = Executor(workers=1)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without asking for the host's name, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def server_close(self) -> None:
        """Stop listening, and end the executor's threads."""
        super().server_close()
        self.executor.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Requests on one connection."""

    server: TransitionServer
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    disable_nagle_algorithm = True  # an answer goes out in two parts

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            answer = _answer(body, self.server)
        except TransitionFailure as failure:
            self._refuse(_BAD, type(failure.__cause__ or failure).__name__, str(failure))
        except Exception as error:  # a bug of ours must not end the server
            self._refuse(_FAILED, type(error).__name__, str(error))
        else:
            self._send(200, answer)

    def do_GET(self) -> None:
        self._refuse(405, "MethodNotAllowed", "transitions are asked for by POST /")

    def _body(self) -> bytes | None:
        """The body of the request; None where there is none, and that is answered."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._refuse(_LENGTH_MISSING, "LengthRequired", "a request has a Content-Length")
            return None
        if len(length) > 15 or int(length) > self.server.body_max:
            self.close_connection = True
            most = f"a request has at most {self.server.body_max} bytes"
            self._refuse(_TOO_LARGE, "ContentTooLarge", most)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: int, kind: str, message: str) -> None:
        self._send(status, {"error": {"type": kind, "message": message}})

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing: standard error is for what goes wrong with the server itself."""


def _answer(body: bytes, server: TransitionServer) -> dict[str, Any]:
    traces = server.traces
    with failing():
        request = _request(LooseFields(parse_json(body, "request"), ""), server.rules)
        answer = request.answer(server.executor, None if traces is None else traces.tracer)
        if traces is not None:
            write_traces(answer, traces.outputs)
    return {"alloc": answer.alloc, "result": answer.result, "body": answer.body}


def _request(fields: LooseFields, rules: Rules) -> Request:
    state = LooseFields(fields.member("state"), "state")
    given = LooseFields(fields.member("input"), "input")
    fork = state.member("fork")
    if not isinstance(fork, str):
        raise DecodeError("state.fork: expected the name of a fork", "state.fork")
    return Request(
        fork,
        state.number("chainid", 1, 128),
        _reward(state),
        given.member("alloc"),
        given.member("env"),
        given.member("txs") if "txs" in given else [],
        given.member("blobParams") if "blobParams" in given else None,
        _wants_witness(state),
        rules,
    )


def _wants_witness(state: LooseFields) -> bool:
    wanted = state.member("witness") if "witness" in state else False
    if not isinstance(wanted, bool):
        raise DecodeError("state.witness: expected true or false", "state.witness")
    return wanted


def _reward(state: LooseFields) -> int:
    if "reward" in state and state.member("reward") in (-1, "-1"):
        return -1
    return state.number("reward", 0, 127)
