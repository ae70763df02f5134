"""``blockstm run-code``: code run by itself, as go-ethereum's ``evm run`` runs it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from blockstm.errors import DecodeError, UsageError

if TYPE_CHECKING:
    from blockstm.ethereum import AccountState
    from blockstm.types import BlockResult
    from blockstm.vm.evm.inspection import Recorder

__all__ = ["add_parser", "main"]

FAILED: Final = 1
BENCH_SECONDS: Final = 1.0
_SENDER: Final = "0x" + b"sender".rjust(20, b"\0").hex()
_RECEIVER: Final = "0x" + b"receiver".rjust(20, b"\0").hex()
_GAS_MAX: Final = 1 << 62


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``run-code`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run-code",
        help="run code of the EVM by itself",
        description="Runs code as the first call of a transaction that costs nothing to begin, "
        "and prints what it returns. Exit status: 0 it succeeded, 1 it failed, 2 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("code", nargs="?", default="", help="the code, in hex")
    parser.add_argument("--codefile", default="", metavar="FILE", help="its file; -: stdin")
    parser.add_argument("--input", default="", metavar="HEX", help="the input")
    parser.add_argument("--inputfile", default="", metavar="FILE", help="the same in a file")
    parser.add_argument(
        "--gas", type=int, default=10_000_000_000, metavar="N", help="default: 10000000000"
    )
    parser.add_argument("--value", type=int, default=0, metavar="WEI", help="default: 0")
    parser.add_argument("--sender", default=_SENDER, metavar="A", help="default: 0x..., 'sender'")
    parser.add_argument(
        "--receiver", default=_RECEIVER, metavar="A", help="whose code it is; default: 'receiver'"
    )
    parser.add_argument(
        "--prestate", default="", metavar="FILE", help="a genesis file, or an object of accounts"
    )
    parser.add_argument("--fork", default="osaka", metavar="F", help="default: osaka")
    parser.add_argument("--create", action="store_true", help="it is the code of a creation")
    parser.add_argument(
        "--json", "--trace", action="store_true", dest="json", help="EIP-3155 lines in front of it"
    )
    parser.add_argument("--bench", action="store_true", help="how long a run takes")
    parser.add_argument("--dump", action="store_true", help="the accounts after it, as JSON")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the code; the exit status.

    Raises:
        UsageError: an argument or a file is not what it should be.
    """
    if not 0 <= args.gas < _GAS_MAX:
        raise UsageError(f"--gas is 0 to 2**62 - 1, not {args.gas}")
    if args.value < 0:
        raise UsageError(f"--value is 0 or more, not {args.value}")
    run = _Run(args)
    if args.json:
        run.print_lines()
    result, recorder = run.once()
    ended = run.end_of(recorder)
    if args.dump:
        run.print_accounts(result)
    if args.bench:
        run.print_time()
    print(f"0x{ended.output.hex()}")
    if not ended.succeeded:
        print(f" error: {result.outcomes[0].value.error}")
        return FAILED
    return 0


class _Run:
    """The code on its state."""

    def __init__(self, args: argparse.Namespace) -> None:
        # loads what only this command needs
        from blockstm.ethereum import Account, AccountState, Message, fork_named
        from blockstm.vm.evm import BlockContext

        self._fork = fork_named(args.fork)
        code = _bytes(args.code, args.codefile, "code")
        data = _bytes(args.input, args.inputfile, "input")
        sender, receiver = _address(args.sender, "sender"), _address(args.receiver, "receiver")
        accounts = _prestate(args.prestate)
        if not args.create:
            there = accounts.get(receiver, Account())
            accounts[receiver] = Account(there.balance, there.nonce, code, None, there.storage)
        self.state: AccountState = AccountState(accounts)
        self._gas = args.gas
        self._message = Message(
            sender=sender,
            to=None if args.create else receiver,
            value=args.value,
            data=code + data if args.create else data,
        )
        self._context = BlockContext(
            number=0,
            timestamp=0,
            coinbase=bytes(20),
            gas_limit=args.gas,
            base_fee_per_gas=0,
            blob_base_fee=1,
        )
        self._headroom = _HEADROOM + _HEADROOM_OF_BYTE * len(self._message.data)
        self._intrinsic: int = 0
        self._intrinsic = self._charged_before()

    def _charged_before(self) -> int:
        """What is charged before the first call begins, which is not the code's."""
        from blockstm.vm.evm import recording  # loads what only this command needs

        recorder = self.once()[1]
        [began, *_] = recording.read_events(recorder.events[0])
        assert isinstance(began, recording.CallBegan)
        gas = began.gas
        charged: int = self._headroom - gas
        return charged

    def once(self, mask: int = 0) -> tuple[BlockResult, Recorder]:
        """Run it, and record at least its calls."""
        # loads what only this command needs
        from blockstm import execute_block
        from blockstm.errors import InvalidBlock
        from blockstm.vm.evm import Evm, Unsigned, recording
        from blockstm.vm.evm.inspection import Recorder

        recorder = Recorder(recording.CALLS | mask)
        evm = Evm(self._fork, self._context, inspector=recorder)
        gas = self._gas + self._intrinsic if self._intrinsic else self._headroom
        step = Unsigned(self._message, keeps_changes=True, gas=gas)
        try:
            return execute_block([step], self.state, evm, workers=1), recorder
        except InvalidBlock as error:  # too little gas for its floor price, or for the value
            raise UsageError(f"no transaction can have this call: {error.__cause__}") from error

    def end_of(self, recorder: Recorder) -> Any:
        """How the first call ended."""
        from blockstm.vm.evm import recording  # loads what only this command needs

        events = recording.read_events(recorder.events[0])
        return [each for each in events if isinstance(each, recording.CallEnded)][-1]

    def print_lines(self) -> None:
        """What EIP-3155 says of each instruction."""
        from blockstm.ethereum.tracing import JsonLogger  # loads what only this command needs

        logger = JsonLogger()
        recorder = self.once(logger.mask)[1]
        sys.stdout.write(logger.lines(recorder.events[0], self._fork))

    def print_time(self) -> None:
        """How long one run takes, by the mean of as many as fit into a second."""
        begin = perf_counter()
        count = 0
        while (seconds := perf_counter() - begin) < BENCH_SECONDS:
            recorder = self.once()[1]
            count += 1
        used = self._gas - self.end_of(recorder).gas_left
        print(f"EVM gas used:    {used}")
        print(f"execution time:  {seconds / count * 1e6:.1f} µs ({count} runs)")

    def print_accounts(self, result: BlockResult) -> None:
        """The accounts after the run, and their root."""
        # loads what only this command needs
        from blockstm.ethereum import state_root
        from blockstm.ethereum.transition import accounts_to_json

        after = self.state.copy()
        after.apply(result.writes)
        root = f"0x{state_root(after.accounts()).hex()}"
        print(json.dumps({"root": root, "accounts": accounts_to_json(after.accounts())}, indent=2))


_HEADROOM: Final = 1 << 22
_HEADROOM_OF_BYTE: Final = 70
"""Gas for what is charged before the first call, until that is known: more than it is under any
fork, below what a call may have from Amsterdam on, and milliseconds of code without an end."""


def _bytes(text: str, path: str, what: str) -> bytes:
    """Bytes in hex, given or in a file."""
    from blockstm.ethereum.codecs.loose_fields import loose_bytes  # only this command needs it

    if path and text:
        raise UsageError(f"give the {what} or its file, not both")
    if path:
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the {what} cannot be read: {error}") from error
    return loose_bytes("".join(text.split()), what)


def _address(text: str, what: str) -> Any:
    from blockstm.ethereum.codecs.loose_fields import loose_bytes  # only this command needs it

    return loose_bytes(text, what, 20)


def _prestate(path: str) -> dict[Any, Any]:
    """The accounts of a genesis file, or of an object of accounts."""
    # loads what only this command needs
    from blockstm.ethereum.codecs.json_files import read_json
    from blockstm.ethereum.transition import accounts_from

    if not path:
        return {}
    try:
        document = read_json(path, "prestate")
    except OSError as error:
        raise UsageError(f"the prestate cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise DecodeError("prestate: expected an object", "prestate")
    return dict(accounts_from(document.get("alloc", document), "prestate"))
