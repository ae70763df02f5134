from collections.abc import Callable
from typing import Any

from blockstm._native.engine.context import Context
from blockstm.types import View

class Stop(BaseException): ...

class ObjectContext(Context):
    def __init__(
        self, callable: Callable[[View, Any], Any], transactions: list[Any], state: Any
    ) -> None: ...
