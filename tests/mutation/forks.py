"""A forked process that tells what it does, to its end or to a limit. No test of its own."""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["CRASHED", "ENDED", "HUNG", "Fork", "Tell", "limit_time"]

ENDED, CRASHED, HUNG = "ended", "crashed", "took too long"
TICK, IDLE_TICKS_MAX = 1.0, 120
"""A process whose threads all wait for so many seconds has come to a standstill."""


Tell = Callable[[Any], None]


class Fork:
    """Runs a function in a forked process.

    Iterating gives what it tells; then `ending` is how it ended.

    Args:
        run: called with a function that tells.
        seconds: of processor time that it may take; 0: without limit. How much time passes says
            nothing on a machine with much else to do.
        noisy: whether what it prints is shown.
    """

    def __init__(self, run: Callable[[Tell], None], seconds: int = 0, noisy: bool = False) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.child = os.fork()
        if self.child == 0:
            os.close(reading)
            _forked(run, writing, seconds, noisy)
        os.close(writing)
        self.reading = reading
        self.ending = ""

    def __iter__(self) -> Iterator[Any]:
        left, idle, used = b"", 0, None
        while idle < IDLE_TICKS_MAX:
            if select.select([self.reading], [], [], TICK)[0]:
                got = os.read(self.reading, 1 << 16)
                if not got:
                    break
                *lines, left = (left + got).split(b"\n")
                yield from map(json.loads, lines)
                idle = 0
            else:
                before, used = used, _standing(self.child)
                idle = idle + 1 if used is not None and used == before else 0
        os.close(self.reading)
        self._end(is_idle=idle >= IDLE_TICKS_MAX)

    def _end(self, is_idle: bool) -> None:
        if is_idle:
            os.killpg(self.child, signal.SIGKILL)
        _, status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status)
        if is_idle or code in (-signal.SIGXCPU, -signal.SIGKILL):
            self.ending = HUNG
        else:
            self.ending = ENDED if code == 0 else CRASHED


def _standing(process: int) -> int | None:
    """The processor time of a process whose threads all wait; None of one that runs or would."""
    try:
        folder = Path(f"/proc/{process}")
        threads = [_stat(path) for path in folder.glob("task/*/stat")]
        whole = _stat(folder / "stat")
    except OSError:  # it ends
        return None
    waits = all(thread[0] == "S" for thread in threads)
    return int(whole[11]) + int(whole[12]) if waits else None


def _stat(path: Path) -> list[str]:
    """Behind the name, which may have blanks in it: the state first."""
    return path.read_text().rpartition(") ")[2].split()


def limit_time(seconds: float) -> None:
    """End this process when it has taken so much more processor time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    bound = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (bound, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _forked(run: Callable[[Tell], None], writing: int, seconds: int, noisy: bool) -> None:
    """In the forked process: run and tell, within limits; never comes back."""
    os.setpgrp()
    if seconds:
        limit_time(seconds)
    if not noisy:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    code = 1
    try:
        run(lambda told: os.write(writing, f"{json.dumps(told)}\n".encode()) and None)
        code = 0
    finally:
        os._exit(code)
