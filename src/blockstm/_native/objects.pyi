from collections.abc import Callable, Sequence
from typing import Any, overload

from blockstm._native.context import Context
from blockstm.types import Outcome, View

class Stop(BaseException): ...

class ObjectContext(Context):
    def __init__(
        self, callable: Callable[[View, Any], Any], transactions: list[Any], state: Any
    ) -> None: ...

class ObjectOutcomes(Sequence[Outcome]):
    @property
    def gas_used(self) -> int: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, place: int) -> Outcome: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Outcome]: ...
