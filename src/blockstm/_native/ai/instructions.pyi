from typing import Any

KERNELS: tuple[str, ...]

def kernels() -> tuple[str, ...]: ...
def capsule(opcode: int, kernel: str | None = None, version: int = 2) -> Any: ...
def call(
    opcode: int,
    data: bytes,
    codes: dict[bytes, tuple[bytes, bytes]],
    gas: int,
    kernel: str | None = None,
    version: int = 2,
) -> tuple[bytes, int] | None: ...
