def recovers_side_by_side() -> bool: ...
def recover_addresses(
    hashes: bytes,
    signatures: bytes,
    parities: bytes,
    *,
    side_by_side: bool = True,
    threads: int = 1,
) -> list[bytes | None]: ...
