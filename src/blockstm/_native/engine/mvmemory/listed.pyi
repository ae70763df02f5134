from typing import Any

class ListedValues:
    def __init__(
        self, count: int, indices: Any, starts: Any, data: Any, *, offset: int = 0
    ) -> None: ...
    @property
    def count(self) -> int: ...
