"""The front door: `execute_block`, and `Executor` for many blocks."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload

from blockstm._native.context import Context
from blockstm._native.engine import Engine
from blockstm.config import Config, check_names
from blockstm.cores import usable_cores
from blockstm.errors import (
    BlockError,
    ClosedError,
    ConfigError,
    ForkedError,
    InputError,
    InternalError,
    InvalidBlock,
    LimitError,
    ReentrantError,
    StateError,
    TransactionError,
)
from blockstm.stream import Stream
from blockstm.types import BlockResult, Limit, StateReader, Stats, Transactions, View
from blockstm.vm.callable import bind
from blockstm.vm.native import NativeVM

if TYPE_CHECKING:
    from blockstm.ethereum.block import Block
    from blockstm.ethereum.chains import Chain
    from blockstm.ethereum.execution import ExecutedBlock, VMName
    from blockstm.ethereum.forks import Fork
    from blockstm.ethereum.header import Header
    from blockstm.types import Hash32

__all__ = ["Decision", "Executor", "Exploration", "Stream", "execute_block", "explore"]

VM = Callable[[View, Any], Any] | NativeVM
State = Mapping[Any, Any] | StateReader
OnInvalid = Literal["raise", "skip"]

_STEPS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class _Request:
    """One block to run, checked and bound."""

    context: Context
    count: int
    needs_gil: bool
    state: Any
    skip_invalid: bool
    limit: Limit | None


class Executor:
    """Runs blocks, one at a time, on threads and memory that it keeps.

    Args:
        config: the options; default `Config()`.
        workers: short for ``config.workers``; wins over it.

    Thread-safety: every method may be called from any thread; blocks of one executor wait for
    each other. A VM must not call the executor that runs it (`ReentrantError`).

    Use it as a context manager, or call `close`. It does not survive a fork.
    """

    def __init__(
        self, config: Config | None = None, *, workers: int | Literal["auto"] | None = None
    ) -> None:
        config = config if config is not None else Config()
        if not isinstance(config, Config):
            raise ConfigError(f"config is a blockstm.Config, not {type(config).__name__}")
        self._config = replace(config, workers=workers) if workers is not None else config
        wanted = self._config.workers
        self._engine = Engine(usable_cores() if wanted == "auto" else wanted)
        self._lock = threading.Lock()
        self._inside: set[int] = set()  # threads that hold the lock or work for who does
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._pid = os.getpid()
        self._finalizer = weakref.finalize(self, _send_home, self._engine, self._pid, self._threads)

    @property
    def config(self) -> Config:
        """The options this executor was made with."""
        return self._config

    @property
    def workers(self) -> int:
        """How many threads may work on a block, the caller's included."""
        return int(self._engine.workers)

    @overload
    def execute_block(
        self,
        block: Transactions,
        state: State,
        vm: VM,
        *,
        on_invalid: OnInvalid = "raise",
        limit: Limit | None = None,
        hints: Iterable[Any] | None = None,
    ) -> BlockResult: ...

    @overload
    def execute_block(
        self,
        block: Block,
        state: Any,
        vm: VMName,
        *,
        fork: Fork | str | None = None,
        chain: Chain | None = None,
        parent: Header | None = None,
        ancestors: Sequence[Block] | None = None,
        block_hashes: Mapping[int, Hash32] | None = None,
        total_difficulty: int | None = None,
    ) -> ExecutedBlock: ...

    def execute_block(
        self,
        block: Any,
        state: Any,
        vm: Any,
        *,
        on_invalid: OnInvalid = "raise",
        limit: Limit | None = None,
        hints: Iterable[Any] | None = None,
        **ethereum: Any,
    ) -> Any:
        """Run a block; see `blockstm.execute_block`."""
        check_names(ethereum)
        if isinstance(vm, str):
            _refuse_general_options(on_invalid, limit, hints)
            return self._execute_ethereum_block(block, state, vm, **ethereum)
        if ethereum:
            raise ConfigError(f"only Ethereum blocks have {', '.join(ethereum)}: vm='evm'")
        request = self._request(block, state, vm, on_invalid, limit, hints)
        self._enter()
        try:
            return self._run(request, streaming=False)
        finally:
            self._leave()

    def _execute_ethereum_block(self, block: Any, state: Any, vm: Any, **options: Any) -> Any:
        from blockstm.ethereum.verification import execute  # loads what only Ethereum needs

        return execute(self.execute_block, block, state, vm, workers=self.workers, **options)

    def stream(
        self,
        transactions: Transactions,
        state: State,
        vm: VM,
        *,
        on_invalid: OnInvalid = "raise",
        limit: Limit | None = None,
        hints: Iterable[Any] | None = None,
    ) -> Stream:
        """Run a block in the background; gives its outcomes in block order as they become final.

        The executor is busy until the stream is exhausted or closed. Arguments are those of
        `blockstm.execute_block`; its errors are raised where the stream ends.
        """
        request = self._request(transactions, state, vm, on_invalid, limit, hints)
        self._enter()
        try:
            return Stream(self, request)
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        """Wait for a running block and send the threads home; may be called twice.

        Does nothing in a forked child, which has no such threads.
        """
        if os.getpid() != self._pid:  # a forked child has nothing to close
            return
        if threading.get_ident() in self._inside:
            raise ReentrantError("an executor cannot be closed by what it runs")
        with self._lock:
            self._closed = True
            self._finalizer()

    def __enter__(self) -> Self:
        self._check_usable()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # ---------------------------------------------------------------- inside

    def _request(
        self,
        transactions: Any,
        state: Any,
        vm: Any,
        on_invalid: Any,
        limit: Any,
        hints: Any,
    ) -> _Request:
        """Check everything the caller passed before anything is started."""
        self._check_usable()
        if on_invalid not in ("raise", "skip"):
            raise ConfigError(f'on_invalid is "raise" or "skip", not {on_invalid!r}')
        _check_limit(limit)
        context, count, needs_gil = bind(vm, transactions, state)
        if hints is not None:
            _prefetch(state, hints)
        return _Request(context, count, needs_gil, state, on_invalid == "skip", limit)

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError("this executor was made in another process")
        if self._closed:
            raise ClosedError("this executor is closed")

    def _enter(self) -> None:
        """Become the one whose block runs."""
        self._check_usable()
        thread = threading.get_ident()
        if thread in self._inside:
            raise ReentrantError(
                "this thread is already inside a block of this executor (a VM that calls it, or a "
                "stream left open): use another executor, or close the stream"
            )
        self._lock.acquire()
        if self._closed:
            self._lock.release()
            raise ClosedError("this executor is closed")
        self._inside.add(thread)

    def _leave(self) -> None:
        self._engine.release()
        self._inside.clear()
        self._inside.update(thread.ident for thread in self._threads if thread.ident)
        self._lock.release()

    def _run(self, request: _Request, *, streaming: bool) -> BlockResult:
        workers = self._workers_for(request)
        pinned = _pin(request.state, not request.needs_gil)
        try:
            final, ending, outcomes, writes, stats = self._engine.run(
                request.context,
                request.count,
                workers,
                self._config,
                skip_invalid=request.skip_invalid,
                limit=request.limit,
                gate=self._config.gate,
                streaming=streaming,
            )
        finally:
            if pinned:
                request.state._unpin()
        return _conclude(final, ending, outcomes, writes, stats)

    def _workers_for(self, request: _Request) -> int:
        """How many workers the block may have."""
        auto = self._config.workers == "auto"
        workers = min(self.workers, max(1, request.count))
        if auto and request.needs_gil and _has_gil():
            workers = 1
        if workers > 1 and not self._threads:
            self._start_threads()
        return workers

    def _start_threads(self) -> None:
        for number in range(1, self.workers):
            thread = threading.Thread(
                target=self._engine.help,
                args=(number,),
                name=f"blockstm-{number}",
                daemon=True,
            )
            thread.start()
            self._threads.append(thread)
            if thread.ident is not None:
                self._inside.add(thread.ident)


@overload
def execute_block(
    block: Transactions,
    state: State,
    vm: VM,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    on_invalid: OnInvalid = "raise",
    limit: Limit | None = None,
    hints: Iterable[Any] | None = None,
) -> BlockResult: ...


@overload
def execute_block(
    block: Block,
    state: Any,
    vm: VMName,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    fork: Fork | str | None = None,
    chain: Chain | None = None,
    parent: Header | None = None,
    ancestors: Sequence[Block] | None = None,
    block_hashes: Mapping[int, Hash32] | None = None,
    total_difficulty: int | None = None,
) -> ExecutedBlock: ...


def execute_block(
    block: Any,
    state: Any,
    vm: Any,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    **options: Any,
) -> Any:
    """Run a block of ordered transactions; the result is that of running them one by one.

    With ``vm="evm"`` the block is an Ethereum block, checked before and after it is run; see
    below.

    Args:
        block: its transactions, in order; whatever the VM understands.
        state: what the block starts from: a mapping, or a `StateReader`. It is not changed.
        vm: ``vm(view, transaction)``, called once or more per transaction, from any worker
            thread; or a native VM such as a `kernel`.
        config, workers: see `Config`.
        on_invalid: what an `Invalid` transaction does: "raise" `InvalidBlock`, or be "skip"ped.
        limit: where to cut the block, see `blockstm.types.Limit`.
        hints: keys that the block will probably read, for ``state.prefetch``.

    Returns:
        Outcomes, final writes and statistics of all transactions, or up to where it was cut.

    Raises:
        UsageError: something passed is of the wrong kind; nothing was run.
        TransactionError, InvalidBlock, StateError, LimitError: the block ended early; ``index``
            says where and ``prefix`` holds the result of what is final.
        KeyboardInterrupt: Ctrl-C, within 0.2 s unless one transaction takes longer.

    An Ethereum block is a `blockstm.ethereum.Block`, run by the native EVM (``vm="evm"``) or by
    py-evm (``vm="py-evm"``) on an `blockstm.ethereum.AccountState`. The result is an
    `blockstm.ethereum.ExecutedBlock`; a block that breaks a rule is an `InvalidBlock` whose
    ``reason`` is one of `blockstm.ethereum.Reason`, the same in sequential and parallel runs.
    Header, body, results and, where the state is complete, its root are checked. Its options:

    Args:
        fork: whose rules hold, by name; default: what ``chain`` has at the block. It changes
            the rules and nothing else of the chain, see `blockstm.ethereum.Chain.under`.
        chain: whose block it is; default: mainnet.
        parent: the header of the block before it; without it, the header is not checked against
            its parent.
        ancestors: the blocks before it, its parent first; without them, its ommers are not
            checked against them.
        block_hashes: number → hash of the blocks before its parent, for BLOCKHASH.
        total_difficulty: of the parent, the difficulties of all blocks up to it summed up; asked
            for only on a chain whose merge is at one (``terminalTotalDifficulty``). Without it, a
            header of difficulty 0, and any on top of one, is after the merge (EIP-3675), so that
            at the merge itself it is not checked whether that came too early or too late.

    Deterministic: outcomes and writes are the same for any workers and options. Thread-safe.
    The algorithm is Block-STM (arXiv 2203.06871) with conditions in place of versions.

    >>> import blockstm
    >>> def transfer(view, tx):
    ...     source, target, amount = tx
    ...     if not view.at_least(source, amount):
    ...         raise blockstm.Revert("insufficient funds")
    ...     view.add(source, -amount)
    ...     view.add(target, amount)
    >>> block = [("alice", "bob", 5), ("bob", "carol", 3)]
    >>> blockstm.execute_block(block, state={"alice": 10}, vm=transfer).writes
    {'alice': 5, 'bob': 2, 'carol': 3}
    """
    config = config if config is not None else Config()
    if not isinstance(config, Config):
        raise ConfigError(f"config is a blockstm.Config, not {type(config).__name__}")
    if workers is not None:
        config = replace(config, workers=workers)
    executor = _pool.take(config)
    try:
        return executor.execute_block(block, state, vm, **options)
    finally:
        _pool.give_back(executor)


class _Pool:
    """Executors for `execute_block`, kept for the next call with the same options."""

    KEPT = 4

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Executor] = []
        self._pid = os.getpid()

    def take(self, config: Config) -> Executor:
        if os.getpid() != self._pid:  # a fork: the threads, and maybe the lock, stayed behind
            self.__init__()  # type: ignore[misc]  # begin anew in this process
        with self._lock:
            for executor in self._idle:
                if executor.config == config:
                    self._idle.remove(executor)
                    return executor
        return Executor(config)

    def give_back(self, executor: Executor) -> None:
        with self._lock:
            self._idle.append(executor)
            surplus = self._idle.pop(0) if len(self._idle) > self.KEPT else None
        if surplus is not None:
            surplus.close()


_pool = _Pool()


class Decision(NamedTuple):
    """One point of a schedule at which somebody was chosen to go on.

    Attributes:
        options: how many workers could have been chosen.
        chosen: the place of the chosen one: 0 is who went on last (if it can), then ascending.
        worker: the chosen worker.
        point: what it is about to do: "claim", "look", "publish", "validate", "commit", "park".
        index: the transaction it is about, -1 where there is none.
    """

    options: int
    chosen: int
    worker: int
    point: str
    index: int  # type: ignore[assignment]  # hides tuple.index, of no use to a decision


@dataclass(frozen=True, slots=True)
class Exploration:
    """What one schedule led to: a result or an error, and the decisions it consisted of."""

    result: BlockResult | None
    error: BaseException | None
    trace: Sequence[Decision]


def explore(
    transactions: Transactions,
    state: State,
    vm: VM,
    *,
    choices: Sequence[int] = (),
    workers: int = 2,
    config: Config | None = None,
    on_invalid: OnInvalid = "raise",
    limit: Limit | None = None,
) -> Exploration:
    """Run a block in the schedule that ``choices`` describe, one worker at a time.

    The workers are real threads on the real scheduler and store; before each step that touches
    what they share, one of those that can go on is chosen. At decision k that is option
    ``choices[k]`` (modulo their number), option 0 where ``choices`` has ended. The same choices
    give the same run, for a VM that depends on nothing but its view.

    A deadlock or an endless schedule is an `InternalError` in ``error``. Not for production: one
    switch of threads per decision. Thread-safe.
    """
    config = replace(config if config is not None else Config(), workers=workers)
    executor = _pool.take(config)
    try:
        request = executor._request(transactions, state, vm, on_invalid, limit, None)
        executor._enter()
        try:
            return _explore(executor, request, choices)
        finally:
            executor._leave()
    finally:
        _pool.give_back(executor)


def _explore(executor: Executor, request: _Request, choices: Sequence[int]) -> Exploration:
    if executor.workers > 1 and not executor._threads:
        executor._start_threads()
    finished, trace, stuck = executor._engine.explore(
        request.context,
        request.count,
        executor.workers,
        executor.config,
        skip_invalid=request.skip_invalid,
        limit=request.limit,
        choices=choices,
        steps_max=_STEPS_MAX,
    )
    decisions = tuple(Decision(*decision) for decision in trace)
    if stuck:
        error = InternalError(
            f"the schedule came to a deadlock or did not end within {_STEPS_MAX} steps; "
            f"{finished[0]} of {request.count} transactions were final"
        )
        return Exploration(None, error, decisions)
    try:
        return Exploration(_conclude(*finished), None, decisions)
    except BaseException as error:
        return Exploration(None, error, decisions)


# -------------------------------------------------------------------- checks and conclusions


def _has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _refuse_general_options(on_invalid: Any, limit: Any, hints: Any) -> None:
    """An Ethereum block is verified as a whole; builders run the EVM's steps as transactions."""
    if (on_invalid, limit, hints) != ("raise", None, None):
        raise ConfigError("on_invalid, limit and hints are not for an Ethereum block as a whole")


def _check_limit(limit: Any) -> None:
    if limit is None or callable(limit):
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ConfigError(f"limit is a gas cap of 0 or more, or a callable, not {limit!r}")


def _prefetch(state: Any, hints: Any) -> None:
    """Pass hints on. They decide nothing, so neither does a failure: `get` will tell."""
    if not isinstance(hints, Iterable):
        raise InputError(f"hints are an iterable of keys, not {type(hints).__name__}")
    prefetch = getattr(state, "prefetch", None)
    if callable(prefetch):
        try:
            prefetch(list(hints))
        except Exception:
            return


def _pin(state: Any, native: bool) -> bool:
    """Have a native state refuse changes while workers read it without the GIL."""
    if native and hasattr(state, "_pin"):
        state._pin()
        return True
    return False


def _send_home(engine: Engine, pid: int, threads: list[threading.Thread]) -> None:
    """End the helper threads; in a forked child there are none, and their locks may be held."""
    if os.getpid() != pid:
        return
    engine.shut()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(timeout=1.0)


_ENDINGS: dict[str, tuple[type[BlockError], str]] = {
    "transaction": (TransactionError, "transaction {index} raised {error!r}"),
    "invalid": (InvalidBlock, "transaction {index} is invalid: {error}"),
    "state": (StateError, "the state could not be read in transaction {index}: {error!r}"),
    "limit": (LimitError, "the limit raised {error!r} at transaction {index}"),
}


def _conclude(
    final: int, ending: tuple[str, Any], outcomes: Any, writes: Any, stats: dict[str, Any]
) -> BlockResult:
    """The result of a block, or the error it ended with."""
    kind, error = ending
    cut = final if kind == "cut" else None
    result = BlockResult(
        outcomes, writes, outcomes.gas_used, cut, Stats(transactions=final, **stats)
    )
    if kind in ("complete", "cut"):
        return result
    if kind in ("interrupted", "memory"):
        raise error if error is not None else InternalError(f"stopped at transaction {final}")
    if error is not None and not isinstance(error, Exception):
        raise error
    kind_of_error, message = _ENDINGS[kind]
    raise kind_of_error(message.format(index=final, error=error), final, result) from error
