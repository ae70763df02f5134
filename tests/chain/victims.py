"""Processes that change a chain until they are ended. No test of its own.

They are forked from a process that has loaded what they need: to load it takes longer than what
most of them live. None of its threads has run by then, nor has it opened a chain.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from tests.chain.growing import genesis

from blockstm.chain import Chain, importing
from blockstm.chain.files import read_blocks
from blockstm.ethereum import Block

__all__ = ["change_heads", "import_all", "told_by"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])

_LASTS = 5.0
"""Seconds that a process waits for its end: Python loses a Ctrl-C that a finalizer gets."""
Tell = Callable[[Any], None]
BEHIND = 30
"""Blocks after which the state is stored, in a stream."""


def told_by(
    act: Callable[..., None], arguments: tuple[Any, ...], seconds: float, how: signal.Signals
) -> list[Any]:
    """What an act tells in another process, behind that a chain is open, until it is ended.

    Args:
        act: it is called with a function that tells, and the arguments.
        seconds: from when the chain is open until the process gets the signal.
        how: the signal.
    """
    ours, its = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(act, its, arguments))
    process.start()
    its.close()
    told = []
    with ours:
        assert ours.recv() == "open"
        time.sleep(seconds)
        assert process.pid is not None
        with suppress(ProcessLookupError):  # this process may have waited for a core for long
            os.kill(process.pid, how)
        while True:
            try:
                told.append(ours.recv())
            except (EOFError, OSError):  # the last may be cut
                break
    process.join()
    return told


def _run(act: Callable[..., None], pipe: Connection, arguments: tuple[Any, ...]) -> None:
    with suppress(KeyboardInterrupt):
        act(pipe.send, *arguments)
        time.sleep(_LASTS)  # else it may be no more when it is ended


def import_all(tell: Tell, folder: str, blocks: str, window: int, way: str) -> None:
    """Import a file, and tell the number of each block that is durable."""
    importing._STAGED_SECONDS = 0.01  # type: ignore[misc]  # it is this process's
    importing._BEHIND_AHEAD_MAX = BEHIND  # type: ignore[misc]  # likewise
    with Chain.open(folder, genesis(), window=window, workers=1) as chain:
        tell("open")
        imported = (
            chain.import_blocks(read_blocks(blocks))
            if way == "stream"
            else (each for block in read_blocks(blocks) for each in chain.import_blocks([block]))
        )
        for done in imported:
            tell(done.number)


def change_heads(tell: Tell, folder: str, path: str, seed: int) -> None:
    """Import blocks of branches, and change the head, for ever.

    Tells of each step which block may be the head from now on ("to"), which is durable once it is
    ("kept"), and which is the head then ("at").
    """
    blocks, draw = [Block.decode(bytes(each)) for each in read_blocks(path)], random.Random(seed)  # type: ignore[arg-type]  # a stream of RLP
    with Chain.open(folder, genesis(), workers=1) as chain:
        known = {genesis().block.hash} | {b.hash for b in blocks if chain.has_block(b.hash)}
        tell("open")
        while True:
            fit = [b for b in blocks if b.hash not in known and b.header.parent_hash in known]
            if fit and draw.random() < 0.5:
                block = draw.choice(fit)
                tell(("to", block.hash))
                chain.import_block(block)
                known.add(block.hash)
                tell(("kept", block.hash))
            else:
                to = draw.choice(sorted(known))
                tell(("to", to))
                chain.set_head(to)
            tell(("at", chain.head.hash))
