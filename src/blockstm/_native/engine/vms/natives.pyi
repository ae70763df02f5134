from typing import Any

from blockstm._native.engine.context import Context

class NativeContext(Context):
    def __init__(self, block: Any, state: Any) -> None: ...
