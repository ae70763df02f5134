"""The entry points: `execute_block`, and `Executor` for many blocks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, Self, overload

from blockstm._native.engine.engine import Request
from blockstm._native.engine.runner import Runner
from blockstm.config import Config, check_names
from blockstm.cores import usable_cores
from blockstm.errors import (
    BlockError,
    ClosedError,
    ConfigError,
    InputError,
    InternalError,
    InvalidBlock,
    LimitError,
    ReentrantError,
    StateError,
    TransactionError,
)
from blockstm.messages import brief, kind_of, said_by
from blockstm.stream import Stream
from blockstm.types import BlockResult, Limit, StateReader, Stats, Transactions, View
from blockstm.vm.callable import bind
from blockstm.vm.native import NativeVM

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.blocks.header import Header
    from blockstm.ethereum.chains.chain import Chain
    from blockstm.ethereum.chains.forks import Fork
    from blockstm.ethereum.execution.preparation import ExecutedBlock, VMName
    from blockstm.types import Hash32

__all__ = ["Decision", "Executor", "Exploration", "Stream", "execute_block", "explore"]

VM = Callable[[View, Any], Any] | NativeVM
State = Mapping[Any, Any] | StateReader
OnInvalid = Literal["raise", "skip"]

_STEPS_MAX = 100_000  # of the engine in an explored block; a read of a transaction is none
_READS_MAX = 1_000_000  # of transactions between two steps of the engine


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
            raise ConfigError(f"config is a blockstm.Config, not {kind_of(config)}")
        self._config = replace(config, workers=workers) if workers is not None else config
        wanted = self._config.workers
        self._runner = Runner(usable_cores() if wanted == "auto" else wanted)

    @property
    def config(self) -> Config:
        """The options this executor was made with."""
        return self._config

    @property
    def workers(self) -> int:
        """How many threads may work on a block, the caller's included."""
        return self._runner.workers

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
        return _conclude(*self._runner.execute(request))

    def _execute_ethereum_block(self, block: Any, state: Any, vm: Any, **options: Any) -> Any:
        from blockstm.ethereum.execution.verification import (
            execute,  # loads what only Ethereum needs
        )

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
        return Stream(self._runner.stream(request, _conclude))

    def close(self) -> None:
        """Wait for a running block, end an open stream, send the threads home; may be called twice.

        Once it has begun, the executor is closed, even where a signal handler interrupts the
        waiting. Does nothing in a forked child, which has no such threads.

        Raises:
            ReentrantError: called by what the executor runs, which would wait for itself.
        """
        for thread in self._runner.close():
            thread.join(timeout=1.0)

    def __enter__(self) -> Self:
        self._runner.check_usable()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except ReentrantError:
            if error is None:  # or else that is what the caller has to know
                raise

    def __reduce__(self) -> NoReturn:
        raise InputError("an executor cannot be copied or pickled: make another with its config")

    # ---------------------------------------------------------------- inside

    def _request(
        self,
        transactions: Any,
        state: Any,
        vm: Any,
        on_invalid: Any,
        limit: Any,
        hints: Any,
    ) -> Request:
        """Check everything the caller passed before anything is started."""
        self._runner.check_usable()
        if on_invalid not in ("raise", "skip"):
            raise ConfigError(f'on_invalid is "raise" or "skip", not {brief(on_invalid)}')
        _check_limit(limit)
        context, count, needs_gil = bind(vm, transactions, state)
        if hints is not None:
            _prefetch(state, hints)
        workers = self.workers
        if needs_gil and self._config.workers == "auto" and _has_gil():
            workers = 1
        is_native = hasattr(state, "__blockstm_state__") and hasattr(state, "_pin")
        pinned = state if is_native else None
        skip = on_invalid == "skip"
        return Request(context, count, workers, pinned, skip, limit, self._config)


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
        KeyboardInterrupt: Ctrl-C, within 0.2 s unless one transaction takes longer without asking
            its view; one of the native EVM does ask.

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
        raise ConfigError(f"config is a blockstm.Config, not {kind_of(config)}")
    if workers is not None:
        config = replace(config, workers=workers)
    executor = _pool.take(config)
    try:
        return executor.execute_block(block, state, vm, **options)
    finally:
        _pool.give_back(executor)


class _Pool:
    """Executors for `execute_block`, kept for the next call with the same options.

    An executor is either here or held by one call, and an exception may come between any two steps:
    so there is no lock, each step is one operation of a list, and an executor that no call holds
    any more ends its threads by itself.
    """

    KEPT = 4

    def __init__(self) -> None:
        self._idle: list[Executor] = []

    def take(self, config: Config) -> Executor:
        for executor in tuple(self._idle):
            if not executor._runner.is_usable:  # closed, or another process's: left behind
                self._has(executor)
            elif executor.config == config and self._has(executor):
                return executor
        return Executor(config)

    def _has(self, executor: Executor) -> bool:
        """Take this one out; False where another thread was faster."""
        try:
            self._idle.remove(executor)
        except ValueError:
            return False
        return True

    def give_back(self, executor: Executor) -> None:
        self._idle.append(executor)
        if len(self._idle) > self.KEPT:
            try:
                surplus = self._idle.pop(0)
            except IndexError:  # other threads took them all
                return
            surplus.close()


_pool = _Pool()


class Decision(NamedTuple):
    """One point of a schedule at which a worker was chosen to go on.

    Attributes:
        options: how many workers could have been chosen.
        chosen: the place of the chosen one: 0 is the worker that went on last (if it can), then
            ascending.
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
    """The end of one schedule: a result or an error, and the decisions of the schedule."""

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
        return _explore(executor, transactions, state, vm, choices, on_invalid, limit)
    finally:
        _pool.give_back(executor)


def _explore(
    executor: Executor,
    transactions: Any,
    state: Any,
    vm: Any,
    choices: Sequence[int],
    on_invalid: Any,
    limit: Any,
) -> Exploration:
    request = executor._request(transactions, state, vm, on_invalid, limit, None)
    finished, trace, stuck = executor._runner.explore(request, choices, _STEPS_MAX, _READS_MAX)
    decisions = tuple(Decision(*decision) for decision in trace)
    if stuck:
        error = InternalError(
            f"the schedule came to a deadlock, or did not end within {_STEPS_MAX} steps of the "
            f"engine with less than {_READS_MAX} reads between two of them; {finished[0]} "
            "transactions were final"
        )
        return Exploration(None, error, decisions)
    try:
        return Exploration(_conclude(*finished), None, decisions)
    except Exception as error:
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
        raise ConfigError(f"limit is a gas cap of 0 or more, or a callable, not {brief(limit)}")


def _prefetch(state: Any, hints: Any) -> None:
    """Pass hints on. They decide nothing, so neither does a failure: `get` will tell."""
    if not isinstance(hints, Iterable):
        raise InputError(f"hints are an iterable of keys, not {kind_of(hints)}")
    prefetch = getattr(state, "prefetch", None)
    if callable(prefetch):
        try:
            prefetch(list(hints))
        except Exception:
            return


_ENDINGS: dict[str, tuple[type[BlockError], str]] = {
    "transaction": (TransactionError, "transaction {index} raised {error}"),
    "invalid": (InvalidBlock, "transaction {index} is invalid: {error}"),
    "state": (StateError, "the state could not be read in transaction {index}: {error}"),
    "limit": (LimitError, "the limit raised {error} at transaction {index}"),
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
    if error is None:
        raise ClosedError(f"the executor was closed while its block was at transaction {final}")
    # Not `isinstance`, which asks the error for its class.
    if kind in ("interrupted", "memory") or not issubclass(type(error), Exception):
        raise error
    kind_of_error, message = _ENDINGS[kind]
    said = said_by(error) if kind == "invalid" else brief(error)
    raise kind_of_error(message.format(index=final, error=said), final, result) from error
