from typing import Any

from blockstm._native.engine.bound_vm import BoundVm

class BoundNativeVm(BoundVm):
    def __init__(self, block: Any, state: Any) -> None: ...
