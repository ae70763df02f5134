from blockstm._native.evm.account_memory import AccountMemory
from blockstm._native.packed import PackedWrites

def records_of(
    writes: PackedWrites, before: AccountMemory | None = None
) -> tuple[bytes, list[tuple[int, bool]]]: ...
