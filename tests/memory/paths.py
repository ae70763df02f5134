"""What must survive without memory: each path is a function that may be run again and again.

Each takes how many workers and gives a function, which gives what can be compared. No test.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
from tests.memory.built import LongValues

import blockstm
from blockstm import Config, Executor, Invalid, Revert
from blockstm._native.base import chunks
from blockstm.executor import explore
from blockstm.state.memory import MemoryState
from blockstm.testing import NativeScripts

Run = Callable[[], object]
PATHS: dict[str, Callable[[int], Run]] = {}
COUNT = 8


def path(make: Callable[[int], Run]) -> Callable[[int], Run]:
    PATHS[make.__name__.replace("_", "-")] = make
    return make


def shown(result: Any) -> tuple[object, ...]:
    outcomes = [(o.index, o.status, o.value, repr(o.error), o.gas_used) for o in result.outcomes]
    return outcomes, list(result.writes.items())


def references(objects: list[bytes]) -> list[int]:
    """How often each is held. One function counts before and after: from Python 3.14 on the same
    expression may count one less elsewhere, where the compiler borrows what it loads."""
    return [sys.getrefcount(each) for each in objects]


def executor(workers: int, relay: bool | None = None) -> Executor:
    """An executor whose threads run."""
    engine = Executor(Config(workers=workers, gate=False, relay=relay))
    engine.execute_block(range(workers), {}, lambda view, tx: tx)
    return engine


class Fresh:
    """A path whose executor is another each time, so that its memory still has to grow."""

    def __init__(
        self, workers: int, use: Callable[[Executor], object], *, relay: bool | None = None
    ) -> None:
        self._workers = workers
        self._use = use
        self._relay = relay
        self._engine = executor(workers, relay)

    def prepare(self) -> None:
        """Before anything fails."""
        self._engine = executor(self._workers, self._relay)

    def __call__(self) -> object:
        return self._use(self._engine)


class Value:
    """Equal to nothing but itself."""

    def __init__(self, number: int) -> None:
        self.number = number


VALUES = [Value(number) for number in range(COUNT + 1)]


class Database:
    """A state that has nothing."""

    def get(self, key: object) -> object:
        return None


def callable_vm(view: Any, index: int) -> object:
    view.get("chain", VALUES[0])
    view.put("chain", VALUES[index + 1])
    view.put(("own", index % 3), VALUES[index])
    view.add("sum", 10**20)
    if view.at_least("sum", 3 * 10**20):
        view.try_add("bounded", 2**70, upper=2**72)
    view.charge(10**12)
    if index == 4:
        raise Revert("four")
    if index == 5:
        raise Invalid("five")
    return VALUES[index]


def run_on(engine: Executor, transactions: Any, state: Any, vm: Any) -> object:
    return shown(engine.execute_block(transactions, state, vm, on_invalid="skip"))


@path
def callables(workers: int) -> Run:
    return Fresh(workers, lambda engine: run_on(engine, range(COUNT), Database(), callable_vm))


@path
def callables_on_a_dict(workers: int) -> Run:
    state = {"sum": 1, "bounded": 2}
    return Fresh(workers, lambda engine: run_on(engine, range(COUNT), state, callable_vm))


@path
def streams(workers: int) -> Run:
    def use(engine: Executor) -> object:
        with engine.stream(range(COUNT), {"sum": 1}, callable_vm, on_invalid="skip") as stream:
            seen = [outcome.index for outcome in stream]
        return *shown(stream.result), seen

    return Fresh(workers, use)


@path
def explorations(workers: int) -> Run:
    def run() -> object:
        found = explore(range(3), {"sum": 1}, callable_vm, choices=[1, 0, 1, 1], workers=workers)
        if found.error is not None:
            raise found.error
        return shown(found.result)

    return run


def kernel_function(view: Any, tx: Any) -> int:
    view.put(tx.a, view.get(100, 5) + 1)
    view.add(101, tx.a)
    if tx.a == 4:
        raise Revert("four")
    if tx.a == 5:
        raise Invalid("five", tx.a)
    return int(tx.a)


@path
def kernels(workers: int) -> Run:
    vm = blockstm.kernel(kernel_function)
    block = numpy.zeros(COUNT, dtype=[("a", "i8")])
    block["a"] = numpy.arange(COUNT)
    return Fresh(workers, lambda engine: run_on(engine, block, {100: 7}, vm))


@path
def native_scripts(workers: int) -> Run:
    vm = NativeScripts(keys="bytes")
    long = b"k" * 100
    block: list[Any] = [
        [("bump", long, 1), ("put", bytes([index]) * 100, index), ("add", b"sum", 1)]
        + [("get", bytes([place])) for place in range(20)]
        for index in range(COUNT)
    ]
    return Fresh(workers, lambda engine: run_on(engine, block, {long: 3}, vm))


@path
def relays(workers: int) -> Run:
    """Workers keep their own tables for it: they are made with the first block."""
    vm = NativeScripts(values="bytes")
    block: list[Any] = [
        [("put", n % 3, bytes([n]) * (2000 * (n % 2) + 40)), ("copy", n % 3, 3), ("copy", 3, n + 9)]
        for n in range(4 * COUNT)
    ]

    state = {3: b"before" * 9}
    return Fresh(workers, lambda engine: run_on(engine, block, state, vm), relay=True)


@path
def long_values_in_c(workers: int) -> Run:
    library = Path(os.environ["BLOCKSTM_LONG_VALUES"])
    vm = LongValues(library, keys=3, size=300_000, outputs=1000)
    state = MemoryState({0: b"\x09" * 40}, keys="int64", values="bytes")
    return Fresh(workers, lambda engine: run_on(engine, range(COUNT), state, vm))


@path
def memory_states(workers: int) -> Run:
    writes: dict[bytes, Any] = {bytes([n]) * 40: bytes([n]) * 50 for n in range(60)}
    before = {bytes([n]) * 40: b"before" for n in range(30)}

    def run() -> object:
        state = MemoryState(before, keys="bytes", values="bytes")
        found = dict(state)
        try:
            state.apply({**writes, bytes([3]) * 40: blockstm.DELETED})
        except MemoryError:
            assert dict(state) == found, "applied by half"
            raise
        copied = state.copy()
        numbers = MemoryState.from_arrays(numpy.arange(40), numpy.arange(40))
        return found, dict(state), dict(copied), dict(numbers)

    return run


@path
def account_states(workers: int) -> Run:
    from blockstm.ethereum.tries.state_trie import state_root
    from blockstm.state.accounts import Account, AccountState

    accounts = {
        bytes([n]) * 20: Account(10**19 + n, n, storage={k: k + 1 for k in range(n % 5)})
        for n in range(1, 20)
    }
    writes = _account_writes()

    def run() -> object:
        state = AccountState(accounts)  # type: ignore[arg-type]  # 20 bytes are an address
        found = _accounts_of(state)
        state.apply(writes)
        return found, _accounts_of(state), bytes(state_root(state.copy().accounts()))

    return run


def _accounts_of(state: Any) -> object:
    return {
        bytes(address): (account.balance, account.nonce, dict(account.storage))
        for address, account in dict(state.accounts()).items()
    }


def _account_writes() -> Any:
    """The writes of a block with new, cleared and changed accounts."""
    from tests.memory.ethereum_block import block_and_state

    block, state = block_and_state()
    return blockstm.execute_block(block, state, "evm", workers=1).writes


@path
def ethereum_blocks(workers: int) -> Run:
    from tests.memory.ethereum_block import block_and_state

    block, state = block_and_state()

    def use(engine: Executor) -> object:
        done = engine.execute_block(block, state, "evm")
        return done.gas_used, done.receipts_root, done.receipts, list(done.writes.items())

    return Fresh(workers, use)


@path
def pre_states(workers: int) -> Run:
    """Traces whose balances are asked for and answered, and whose code is shown."""
    from tests.memory.ethereum_block import block_and_state

    from blockstm.ethereum.tracing import PrestateTracer

    block, state = block_and_state()

    def use(engine: Executor) -> object:
        done: Any = engine.execute_block(block, state, "evm", tracer=PrestateTracer(diff_mode=True))
        return done.gas_used, done.traces.json(), list(done.writes.items())

    return Fresh(workers, use)


@path
def evm_steps(workers: int) -> Run:
    from tests.evm.world_blocks import context, contract, transaction, world

    from blockstm.state.accounts import AccountState
    from blockstm.vm.evm import Evm

    # Deploys a code of 40 bytes of memory, and calls one that writes, logs and expands memory.
    busy = contract(
        "PUSH2 0x1234 PUSH1 1 SSTORE PUSH1 1 SLOAD PUSH2 0x4000 MSTORE "
        "PUSH2 0x4020 PUSH1 0 LOG0 STOP"
    )
    where: Any = b"\xab" * 20
    steps = [
        transaction(0, where),
        transaction(1, None, data=bytes.fromhex("60286000f3"), nonce=0),
        transaction(2, where),
        transaction(3, b"\xcd" * 20, value=5),  # type: ignore[arg-type]  # an address
    ]
    state = AccountState(world({where: busy}))
    vm = Evm("prague", context("prague"))
    return Fresh(workers, lambda engine: run_on(engine, steps, state, vm))


@path
def tries(workers: int) -> Run:
    from blockstm._native.trie.roots import ordered_root, secure_root
    from blockstm._native.trie.tries import NodeStore, Trie

    entries = {bytes([n, n * 7 % 256]) * 4: bytes([n]) * (n % 60 + 1) for n in range(80)}

    def run() -> object:
        trie = Trie()
        trie.update(entries)
        root = trie.root()
        proof = trie.prove(bytes([3, 21]) * 4)
        partial = Trie(root, NodeStore(proof))
        found = partial.get(bytes([3, 21]) * 4)
        return root, proof, found, ordered_root(list(entries.values())), secure_root(entries)

    return run


@path
def receipts(workers: int) -> Run:
    from blockstm._native.wire import receipts as native

    none, count = (0).to_bytes(4, "little"), 9
    logs = [bytes(bytearray(none)) for _ in range(count)]
    held = references(logs)

    def run() -> object:
        made = None
        try:
            columns = (bytes(count), b"\1" * count, range(count), logs)
            made = native.ReceiptColumns(*columns).encode(workers)
            return made.encodings, made.root, made.bloom
        finally:
            made = None  # it holds the logs
            assert references(logs) == held, "given up twice"

    return run


@path
def decoding(workers: int) -> Run:
    from tests.memory.ethereum_block import block_and_state

    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.blocks.transaction import Transaction
    from blockstm.ethereum.execution.senders import recover_senders

    encoding = block_and_state()[0].encode()

    def run() -> object:
        block = Block.decode(encoding)
        fresh = [Transaction.decode(each.encode()) for each in block.transactions]
        return block, fresh, recover_senders(fresh, workers=workers)

    return run


def prepare(run: Run) -> None:
    """What a path does before anything fails, with no memory that others have left."""
    chunks.give_back()
    if isinstance(run, Fresh):
        run.prepare()


def expected_result(run: Run) -> object:
    """What a path gives once everything that is kept between runs is there."""
    run()
    run()
    gc.collect()
    return run()
