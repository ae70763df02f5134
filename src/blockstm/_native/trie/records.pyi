from collections.abc import Mapping
from typing import Any

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
    def add_account(self, address: bytes, account: Any) -> None: ...
    def data(self) -> bytes: ...
