from collections.abc import Iterable

class EvmcLibrary:
    name: str
    version: str
    capabilities: int
    def __new__(cls, create: int, options: Iterable[tuple[bytes, bytes]]) -> EvmcLibrary: ...
    def open(self) -> tuple[int, int]: ...
