"""EELS as an oracle in a process and an environment of its own: cases in, results out, a line each.

Run by the Python of an environment that has ``ethereum-execution``; of the project it imports
nothing. A line is a case as `tests.fuzz.case.Case.as_json` writes it; the answer is a result as
`tests.fuzz.result.Result.from_json` reads it.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from dataclasses import fields
from functools import cache
from importlib import import_module
from typing import Any

from ethereum.exceptions import EthereumException, InvalidBlock, InvalidTransaction
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

NAMES = {"petersburg": "constantinople"}  # EELS has only Constantinople as it came
STACK_BYTES = 1 << 29
NESTING = 60_000  # Python calls: 1,024 calls of the EVM take some twelve each


class Fork:
    """The modules of a fork, and what its outermost call returned last."""

    def __init__(self, name: str) -> None:
        path = f"ethereum.forks.{NAMES.get(name, name)}"
        self.fork: Any = import_module(f"{path}.fork")
        self.vm: Any = import_module(f"{path}.vm")
        self.state: Any = import_module(f"{path}.state")
        self.types: Any = import_module(f"{path}.fork_types")
        self.transactions: Any = import_module(f"{path}.transactions")
        self.ended: Any = None
        interpreter: Any = import_module(f"{path}.vm.interpreter")
        for each in ("process_message", "process_create_message"):
            self._remember(interpreter, each)

    def _remember(self, interpreter: Any, name: str) -> None:
        """Keep what the function returns; the outermost call of a transaction returns last."""
        inner = getattr(interpreter, name)

        def remembering(message: Any) -> Any:
            self.ended = inner(message)
            return self.ended

        setattr(interpreter, name, remembering)

    def decode(self, encoding: bytes) -> Any:
        """A transaction, as blocks carry it."""
        typed = hasattr(self.transactions, "decode_transaction")
        if not typed:
            return rlp.decode_to(self.transactions.Transaction, encoding)
        if encoding[0] >= 0xC0:
            return rlp.decode_to(self.transactions.LegacyTransaction, encoding)
        return self.transactions.decode_transaction(Bytes(encoding))


@cache
def fork_named(name: str) -> Fork:
    """The fork; imported once."""
    return Fork(name)


def run(case: dict[str, Any]) -> dict[str, Any]:
    """What a case comes to."""
    fork = fork_named(case["fork"])
    state = fork.state.State()
    for address, account in case["accounts"].items():
        put_account(fork, state, Bytes20(bytes.fromhex(address)), account)
    environment = environment_of(fork, state, case)
    output = fork.vm.BlockOutput()
    did = [
        run_transaction(fork, environment, output, bytes.fromhex(encoding), index)
        for index, encoding in enumerate(case["transactions"])
    ]
    accounts = {
        address.hex(): account_of(state, address, account)
        for address, account in state._main_trie._data.items()
    }
    return {"transactions": did, "accounts": accounts}


def put_account(fork: Fork, state: Any, address: Bytes20, account: dict[str, Any]) -> None:
    """Make an account part of the state."""
    made = fork.types.Account(
        nonce=Uint(account["nonce"]),
        balance=U256(account["balance"]),
        code=Bytes(bytes.fromhex(account["code"])),
    )
    fork.state.set_account(state, address, made)
    for slot, value in account["storage"].items():
        key = Bytes32(int(slot, 16).to_bytes(32, "big"))
        fork.state.set_storage(state, address, key, U256(int(value, 16)))


def environment_of(fork: Fork, state: Any, case: dict[str, Any]) -> Any:
    """What transactions know of their block; forks differ in what that is."""
    known = {
        "chain_id": U64(case["chain_id"]),
        "state": state,
        "block_gas_limit": Uint(case["gas_limit"]),
        "block_hashes": [Bytes32(bytes.fromhex(each)) for each in case["block_hashes"]],
        "coinbase": Bytes20(bytes.fromhex(case["coinbase"])),
        "number": Uint(case["number"]),
        "base_fee_per_gas": Uint(case["base_fee"]),
        "time": U256(case["timestamp"]),
        "difficulty": Uint(case["difficulty"]),
        "prev_randao": Bytes32(bytes.fromhex(case["mix_hash"])),
        "excess_blob_gas": U64(case["excess_blob_gas"]),
        "parent_beacon_block_root": Bytes32(bytes(32)),
    }
    wanted = {each.name for each in fields(fork.vm.BlockEnvironment)}
    return fork.vm.BlockEnvironment(**{name: known[name] for name in wanted})


def run_transaction(
    fork: Fork, environment: Any, output: Any, encoding: bytes, index: int
) -> dict[str, Any]:
    """What a transaction did; nothing where it does not belong in the block."""
    before, logs_before = int(output.block_gas_used), len(output.block_logs)
    fork.ended = None
    try:
        transaction = fork.decode(encoding)
        fork.fork.process_transaction(environment, output, transaction, Uint(index))
    except (InvalidBlock, InvalidTransaction, EthereumException, rlp.DecodingError) as error:
        return {"status": "invalid", "gas_used": 0, "output": "", "logs": [], "why": repr(error)}
    evm = fork.ended
    error = "collision" if evm is None else evm.error
    reverted = type(error).__name__ == "Revert"
    keeps_output = bool(transaction.to) and (not error or reverted)
    return {
        "status": "failed" if error else "succeeded",
        "gas_used": int(output.block_gas_used) - before,
        "output": evm.output.hex() if keeps_output else "",
        "logs": [
            [log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()]
            for log in output.block_logs[logs_before:]
        ],
        "why": repr(error) if error else "",
    }


def account_of(state: Any, address: Any, account: Any) -> dict[str, Any]:
    """An account, as JSON."""
    trie = state._storage_tries.get(address)
    slots = {} if trie is None else trie._data
    return {
        "nonce": int(account.nonce),
        "balance": int(account.balance),
        "code": account.code.hex(),
        "storage": {
            hex(int.from_bytes(slot, "big")): hex(int(value)) for slot, value in slots.items()
        },
    }


def serve() -> None:
    """Answer line by line until there are none."""
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except Exception as error:  # whatever it is, the other side wants to know
            answer = {"error": "".join(traceback.format_exception(error)[-3:])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(NESTING)
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
