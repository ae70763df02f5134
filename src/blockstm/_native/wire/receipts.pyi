from collections.abc import Iterable, Sequence

def receipts(
    types: bytes,
    outcomes: bytes | Sequence[int] | Sequence[bytes],
    cumulative_gas_used: Sequence[int],
    logs: Sequence[bytes],
    workers: int = 1,
) -> tuple[list[bytes], bytes, bytes]: ...
def logs_bloom(logs: bytes) -> bytes: ...
def flat_logs(logs: Iterable[tuple[bytes, Sequence[bytes], bytes]]) -> bytes: ...
