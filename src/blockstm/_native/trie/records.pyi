from collections.abc import Mapping

class Records:
    def add(
        self,
        address: bytes,
        nonce: int | None = None,
        balance: int | None = None,
        code_hash: bytes | None = None,
        storage: Mapping[int, int] | None = None,
        cleared: bool = False,
        exists: bool | None = None,
    ) -> None: ...
    def data(self) -> bytes: ...
