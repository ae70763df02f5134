from collections.abc import Iterable

class EvmcLibrary:
    name: str
    version: str
    capabilities: int
    def __init__(self, create: int, options: Iterable[tuple[bytes, bytes]]) -> None: ...
    def open(self) -> tuple[int, int]: ...
