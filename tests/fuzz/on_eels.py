"""The oracle of all forks up to the second blob-parameter fork: EELS, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fixtures import ROOT
from tests.fuzz.case import Case
from tests.fuzz.result import Result

from blockstm.vm.forks import BPO2, CONSTANTINOPLE, FORKS, Fork

PYTHON = ROOT / ".venv-eels" / "bin" / "python"
WORKER = Path(__file__).with_name("eels_worker.py")
NEWEST = BPO2


def forks() -> list[Fork]:
    """The forks that EELS has."""
    return [fork for fork in FORKS if fork <= NEWEST and fork != CONSTANTINOPLE]


class OracleError(Exception):
    """EELS could not run a case: its fault, and no difference."""


class Eels:
    """The worker; ``with Eels() as eels: eels.run(case)``.

    Raises:
        FileNotFoundError: the environment is not there: `make fuzz` makes it.
    """

    def __init__(self, python: Path = PYTHON) -> None:
        if not python.exists():
            raise FileNotFoundError(f"there is no environment with EELS at {python}")
        self._python = python
        self._worker = self._started()

    def _started(self) -> subprocess.Popen[str]:
        command = [str(self._python), str(WORKER)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, case: Case) -> Result:
        """What the case comes to."""
        self.ask(case)
        return self.answer()

    def ask(self, case: Case) -> None:
        """Have a case run; meanwhile this process can do something else."""
        if self._worker.poll() is not None:
            self._worker = self._started()
        assert self._worker.stdin is not None
        print(json.dumps(case.as_json()), file=self._worker.stdin, flush=True)

    def answer(self) -> Result:
        """What the case came to that was asked for.

        Raises:
            OracleError: it could not be run.
        """
        assert self._worker.stdout is not None
        line = self._worker.stdout.readline()
        if not line:
            self._worker.wait()  # and the next case starts another
            raise OracleError("its process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise OracleError(answer["error"])
        return Result.from_json(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(BrokenPipeError):  # it has ended already
            self._worker.communicate()
