from typing import Any

from blockstm._native.engine.bound_vm import BoundVm
from blockstm._native.engine.expectations import Expectations
from blockstm._native.engine.mvmemory.listed import ListedValues
from blockstm.config import Config
from blockstm.types import Limit

class Request:
    def __init__(
        self,
        vm: BoundVm,
        count: int,
        workers: int,
        state: Any,
        skip_invalid: bool,
        limit: Limit | None,
        options: Config,
        expectations: Expectations | None = None,
        schedule: int = 1,
        listed: ListedValues | None = None,
    ) -> None: ...
