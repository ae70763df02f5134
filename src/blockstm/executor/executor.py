"""The executor: threads and memory that run one block after another."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Unpack, overload

from blockstm._native.engine.request import Request
from blockstm._native.engine.runner import Runner
from blockstm.config import Config
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InputError, ReentrantError
from blockstm.executor.endings import conclude
from blockstm.executor.options import (
    VM,
    RunOptions,
    State,
    block_options,
    check_limit,
    check_on_invalid,
    prefetch,
    run_options,
)
from blockstm.messages import kind_of
from blockstm.stream import Stream
from blockstm.types import BlockResult, Transactions
from blockstm.vm.callable import bind

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.execution.executed import ExecutedBlock
    from blockstm.ethereum.execution.options import BlockOptions
    from blockstm.ethereum.execution.vms import VMName

__all__ = ["Executor"]


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
        self, block: Transactions, state: State, vm: VM, **options: Unpack[RunOptions]
    ) -> BlockResult: ...

    @overload
    def execute_block(
        self, block: Block, state: Any, vm: VMName, **options: Unpack[BlockOptions]
    ) -> ExecutedBlock: ...

    def execute_block(self, block: Any, state: Any, vm: Any, **options: Any) -> Any:
        """Run a block; see `blockstm.execute_block`."""
        if isinstance(vm, str):
            return self._execute_ethereum_block(block, state, vm, block_options(options))
        return self._execute_transactions(block, state, vm, run_options(options))

    def _execute_transactions(
        self, transactions: Transactions, state: State, vm: VM, options: RunOptions
    ) -> BlockResult:
        request = self._request(transactions, state, vm, options)
        return conclude(*self._runner.execute(request))

    def _execute_ethereum_block(
        self, block: Block, state: Any, vm: Any, options: BlockOptions
    ) -> ExecutedBlock:
        from blockstm.ethereum.execution.verification import execute  # what only Ethereum needs

        return execute(self.execute_block, block, state, vm, workers=self.workers, **options)

    def stream(
        self,
        transactions: Transactions,
        state: State,
        vm: VM,
        **options: Unpack[RunOptions],
    ) -> Stream:
        """Run a block in the background; gives its outcomes in block order as they become final.

        The executor is busy until the stream is exhausted or closed. Arguments are those of
        `blockstm.execute_block`; its errors are raised where the stream ends.
        """
        request = self._request(transactions, state, vm, run_options(options))
        return Stream(self._runner.stream(request, conclude))

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

    def _request(self, transactions: Any, state: Any, vm: Any, options: RunOptions) -> Request:
        """Check everything the caller passed before anything is started."""
        self._runner.check_usable()
        check_on_invalid(options["on_invalid"])
        check_limit(options["limit"])
        context, count, needs_gil = bind(vm, transactions, state)
        if options["hints"] is not None:
            prefetch(state, options["hints"])
        workers = self.workers
        if needs_gil and self._config.workers == "auto" and _has_gil():
            workers = 1
        is_native = hasattr(state, "__blockstm_state__") and hasattr(state, "_pin")
        pinned = state if is_native else None
        skip = options["on_invalid"] == "skip"
        return Request(context, count, workers, pinned, skip, options["limit"], self._config)


def _has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())
