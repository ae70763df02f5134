from collections.abc import Sequence
from typing import Any

from blockstm._native.evm.prepared import EvmBlock

class CallForm:
    def __init__(
        self,
        name: str,
        *,
        only_top: bool = False,
        converts_errors: bool = False,
        has_precompiles: bool = False,
    ) -> None: ...
    def json(
        self,
        fork: str,
        events: bytes,
        transaction: tuple[int, int, int, bytes, bytes | None, int, bytes],
        place: tuple[bytes, int, bytes, int],
        precompiles: bytes,
    ) -> bytes: ...

class BlockTraces:
    def __init__(
        self,
        form: CallForm,
        block: EvmBlock,
        outcomes: Sequence[Any],
        block_hash: bytes,
        block_number: int,
        precompiles: bytes,
        hashes: bytes,
    ) -> None: ...
    def one(self, index: int) -> bytes: ...
    def listed(self, first: int, end: int, threads: int, named: bool) -> bytes: ...

def step_failure(fork: str, failure: int, opcode: int, height: int, gas: int) -> str: ...
def call_failure(
    fork: str,
    failure: int,
    fault: tuple[int, int, int] | None,
    creates: bool,
    code_address: bytes,
    input: bytes,
    gas: int,
) -> str: ...
