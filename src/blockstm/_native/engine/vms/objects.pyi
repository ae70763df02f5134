from collections.abc import Callable
from typing import Any

from blockstm._native.engine.bound_vm import BoundVm
from blockstm.types import View

class Stop(BaseException): ...

class BoundPythonVm(BoundVm):
    def __init__(
        self, callable: Callable[[View, Any], Any], transactions: list[Any], state: Any
    ) -> None: ...
