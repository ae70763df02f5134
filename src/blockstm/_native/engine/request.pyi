from typing import Any

from blockstm._native.engine.context import Context
from blockstm._native.engine.expectations import Expectations
from blockstm.config import Config
from blockstm.types import Limit

class Request:
    def __init__(
        self,
        context: Context,
        count: int,
        workers: int,
        state: Any,
        skip_invalid: bool,
        limit: Limit | None,
        options: Config,
        expectations: Expectations | None = None,
    ) -> None: ...
