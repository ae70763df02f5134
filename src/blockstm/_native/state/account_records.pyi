from blockstm._native.base.packed import PackedWrites
from blockstm._native.state.account_memory import AccountMemory

def records_of(
    writes: PackedWrites, before: AccountMemory | None = None
) -> tuple[bytes, list[tuple[int, bool]]]: ...
def records_on_native(writes: PackedWrites, before: object) -> bytes | None: ...
