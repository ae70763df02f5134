from collections.abc import Mapping, Sequence
from typing import Any

from blockstm._native.context import Context
from blockstm.config import Config
from blockstm.types import Limit, Outcome

Ending = tuple[str, Any]
Finished = tuple[int, Ending, Any, Mapping[Any, Any], dict[str, Any]]

class Engine:
    @property
    def workers(self) -> int: ...
    @property
    def stopping(self) -> bool: ...
    def __init__(self, workers: int) -> None: ...
    def help(self, id: int) -> None: ...
    def shut(self) -> None: ...
    def run(
        self,
        context: Context,
        count: int,
        workers: int,
        options: Config,
        *,
        skip_invalid: bool,
        limit: Limit | None,
        gate: bool,
        streaming: bool,
    ) -> Finished: ...
    def explore(
        self,
        context: Context,
        count: int,
        workers: int,
        options: Config,
        *,
        skip_invalid: bool,
        limit: Limit | None,
        choices: Sequence[int],
        steps_max: int,
    ) -> tuple[Finished, list[tuple[int, int, int, str, int]], bool]: ...
    def prepare(self) -> None: ...
    def wait_final(self, after: int, ns_max: int) -> int: ...
    def outcome(self, index: int) -> Outcome: ...
    def stop(self) -> None: ...
    def release(self) -> None: ...
