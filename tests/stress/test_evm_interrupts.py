"""An EVM that would run for hours stops when it is asked to: Ctrl-C, `stream.close()`."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from tests.patience import PATIENCE, at_best

pytestmark = pytest.mark.alone

# Each loops for ever on the gas it gets.
LOOPS = {
    "jumps": "again: @again JUMP",
    "arithmetic": "again: 7 7 7 MULMOD POP @again JUMP",
    "hashes": "again: 0x8000 0 KECCAK256 POP @again JUMP",
    "long hashes": "again: 0x1000000 0 KECCAK256 POP @again JUMP",
    "copies": "again: 0x4000000 0 0 CALLDATACOPY @again JUMP",
    "storage": "again: GAS GAS SSTORE @again JUMP",
    "calls of nobody": "again: 0 0 0 0 0 0xbeef GAS CALL POP @again JUMP",
    "calls of itself": "0 0 0 0 0 ADDRESS GAS CALL POP again: @again JUMP",
    "calls of a precompile": "again: 0x20 0 0x200 0 2 GAS STATICCALL POP @again JUMP",
    "calls of a slow precompile": (
        "64 0 MSTORE 64 0x20 MSTORE 64 0x40 MSTORE 3 0x60 MSTORE8 1 0xbf MSTORE8 3 0xdf MSTORE8 "
        "again: 0x40 0x200 0x120 0 5 GAS STATICCALL POP @again JUMP"
    ),
    "creations": "again: 0 0 0 CREATE POP @again JUMP",
}
SCRIPT = """
import os, signal, sys, threading, time
import blockstm
from blockstm import Executor, reference
from blockstm.ethereum import Account, AccountState
from blockstm.bench.evm.assembly import assemble
from tests.evm.world_blocks import SENDERS, contract, transaction, world
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import Evm

loop, way, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
to = b"\\xcc" * 20
state = AccountState(world({to: contract(assemble(loop), 10**6)}))
block = BlockContext(number=1000, timestamp=1, coinbase=b"\\xc0" * 20, gas_limit=2**60)
evm = Evm("berlin", block)
steps = [transaction(n, to, gas=2**50, gas_price=0) for n in range(2)]
asked = []

def ask():
    time.sleep(0.3)
    asked.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)

executor = Executor(blockstm.Config(gate=False), workers=workers)
if way == "close":
    stream = executor.stream(steps, state, evm)
    time.sleep(0.3)
    asked.append(time.process_time())
    stream.close()
else:
    threading.Thread(target=ask).start()
    execute = reference.execute_block if way == "reference" else executor.execute_block
    try:
        if way == "stream":
            list(executor.stream(steps, state, evm))
        else:
            execute(steps, state, evm)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("it came to an end")
print("seconds", time.process_time() - asked[0])
pay = transaction(0, b"\\xdd" * 20, value=1, gas_price=0)
assert executor.execute_block([pay], state, evm).outcomes[0].value.succeeded  # it still works
"""
SECONDS = 0.2  # of processor time and of each worker: how long others have the cores is theirs


def seconds_to_stop(loop: str, way: str, workers: int) -> float:
    """The processor time from the request to the end, of a worker."""
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), loop, way, str(workers)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split()[-1]) / workers


def assert_stops(loop: str, way: str, workers: int) -> None:
    at_best(lambda: seconds_to_stop(loop, way, workers), lambda seconds: seconds < SECONDS)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", LOOPS)
def test_ctrl_c_stops_a_run_that_would_take_hours(name: str, workers: int) -> None:
    assert_stops(LOOPS[name], "execute", workers)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["close", "stream", "reference"])
def test_so_does_every_other_way(way: str, workers: int) -> None:
    assert_stops(LOOPS["jumps"], way, workers)
