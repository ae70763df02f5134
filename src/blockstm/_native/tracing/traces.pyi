from collections.abc import Callable, Sequence
from typing import Any

from blockstm._native.evm.prepared import EvmBlock
from blockstm.types import Hash32

class TraceForm:
    def __init__(
        self,
        name: str,
        *,
        only_top: bool = False,
        converts_errors: bool = False,
        has_precompiles: bool = False,
        is_diff: bool = False,
        has_code: bool = True,
        has_storage: bool = True,
        has_empty: bool = False,
        has_stack: bool = True,
        limit: int = 0,
    ) -> None: ...
    def json(
        self,
        fork: str,
        events: bytes,
        transaction: tuple[int, bytes, bytes | None, int, bytes],
        result: tuple[bool, int, int, bytes],
        place: tuple[bytes, int, bytes, int],
        precompiles: bytes,
        code_with: Callable[[Hash32], bytes],
        json_bytes_max: int = ...,
    ) -> bytes: ...

class BlockTraces:
    def __init__(
        self,
        form: TraceForm,
        block: EvmBlock,
        outcomes: Sequence[Any],
        block_hash: bytes,
        block_number: int,
        precompiles: bytes,
        hashes: bytes,
        code_with: Callable[[Hash32], bytes],
        json_bytes_max: int = ...,
    ) -> None: ...
    def one(self, index: int) -> bytes: ...
    def listed(self, first: int, end: int, threads: int, named: bool) -> bytes: ...

def instruction_lines(fork: str, events: bytes, has_stack: bool) -> str: ...
