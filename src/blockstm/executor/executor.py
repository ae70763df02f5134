"""The executor: threads and memory that run one block after another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Unpack, overload

from blockstm.config import Config
from blockstm.engine.engine import Engine
from blockstm.engine.options import VM, RunOptions, State
from blockstm.errors import ConfigError, InputError, ReentrantError
from blockstm.executor.options import block_options, run_options
from blockstm.messages import kind_of
from blockstm.stream import Stream
from blockstm.types import BlockResult, Transactions

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.execution.executed import ExecutedBlock
    from blockstm.ethereum.execution.options import BlockOptions
    from blockstm.ethereum.execution.vms import VMName

__all__ = ["Executor", "execute_on"]


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
        self._engine = Engine(replace(config, workers=workers) if workers is not None else config)

    @property
    def config(self) -> Config:
        """The options this executor was made with."""
        return self._engine.config

    @property
    def workers(self) -> int:
        """How many threads may work on a block, the caller's included."""
        return self._engine.workers

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
        return execute_on(self._engine, block, state, vm, options)

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
        return self._engine.stream(transactions, state, vm, **run_options(options))

    def close(self) -> None:
        """Wait for a running block, end an open stream, send the threads home; may be called twice.

        Once it has begun, the executor is closed, even where a signal handler interrupts the
        waiting. Does nothing in a forked child, which has no such threads.

        Raises:
            ReentrantError: called by what the executor runs, which would wait for itself.
        """
        self._engine.close()

    def __enter__(self) -> Self:
        self._engine.runner.check_usable()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except ReentrantError:
            if error is None:  # or else that is what the caller has to know
                raise

    def __reduce__(self) -> NoReturn:
        raise InputError("an executor cannot be copied or pickled: make another with its config")


def execute_on(engine: Engine, block: Any, state: Any, vm: Any, options: dict[str, Any]) -> Any:
    """Run a block on an engine; see `blockstm.execute_block`."""
    if not isinstance(vm, str) and not getattr(type(vm), "__blockstm_ethereum__", False):
        return engine.run(block, state, vm, **run_options(options))
    from blockstm.ethereum.execution.verification import execute  # what only Ethereum needs

    name: Any = vm  # it is checked there
    given = block_options(options)
    return execute(engine.run, block, state, name, workers=engine.workers, **given)
