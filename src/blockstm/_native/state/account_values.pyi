from typing import Any

def checked_account(
    balance: Any, nonce: Any, code: Any, code_hash: Any, storage: Any
) -> tuple[int, int, bytes | None, bytes]: ...
def checked_change(
    nonce: Any, balance: Any, code: Any, code_hash: Any, storage: Any
) -> tuple[int | None, int | None, bytes | None, bytes | None]: ...
