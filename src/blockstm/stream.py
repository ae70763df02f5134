"""Streams: a block that runs in the background, and its outcomes as they become final."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, Self

from blockstm._native.engine.streams import StreamHandle
from blockstm.errors import InputError, ReentrantError
from blockstm.types import BlockResult, Outcome

__all__ = ["Stream"]


class Stream(Iterator[Outcome]):
    """The outcomes of a running block, in block order, each as soon as it is final.

    Closing it early, or dropping it, stops the block. What a signal handler raises while the next
    outcome is awaited closes it, too.

    Thread-safety: any thread may read it, close it and drop it, at any time. Where several read
    it, each outcome goes to one of them; a thread that waits for one while another closes the
    stream comes to its end.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: StreamHandle) -> None:
        self._handle = handle

    @property
    def result(self) -> BlockResult | None:
        """The result of the block once the stream is exhausted; None before, and after an error."""
        return self._handle.result

    def __next__(self) -> Outcome:
        """The next outcome, when it is final.

        Raises:
            BlockError, KeyboardInterrupt: how the block ended, see `blockstm.execute_block`.
            ClosedError: the executor was closed meanwhile.
            ReentrantError: called by what the stream runs, which would wait for itself.
        """
        return self._handle.take()

    def close(self) -> None:
        """Stop the block, if it is still running, and free the executor; may be called twice.

        Waits for the transactions that are being run. Once it has begun, the stream is closed,
        even where a signal handler interrupts the waiting.

        Raises:
            ReentrantError: called by what the stream runs, which would wait for itself.
        """
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except ReentrantError:
            if error is None:  # or else that is what the caller has to know
                raise

    def __reduce__(self) -> NoReturn:
        raise InputError("a stream cannot be copied or pickled: it is a block that is running")
