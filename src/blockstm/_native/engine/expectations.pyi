from collections.abc import Sequence

class Expectations:
    def __init__(
        self,
        count: int,
        *,
        offset: int = 0,
        dependencies: tuple[memoryview, memoryview] | None = None,
        accesses: tuple[memoryview, memoryview, memoryview] | None = None,
        weights: memoryview | None = None,
        has_values: bool = False,
    ) -> None: ...
    @property
    def count(self) -> int: ...
    @property
    def ignored(self) -> int: ...
    def dependencies(self) -> Sequence[tuple[int, ...]]: ...
    def groups(self) -> Sequence[tuple[int, ...]]: ...
    def long_transactions(self) -> tuple[int, ...]: ...
