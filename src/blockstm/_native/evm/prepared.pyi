from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from blockstm._native.base.codec import Codec
from blockstm._native.evm.evmc.library import EvmcLibrary
from blockstm._native.vm.session import Session
from blockstm._native.wire.transaction_list import TransactionList

Call = tuple[
    bytes,
    bytes | None,
    int,
    bytes,
    int,
    int,
    Sequence[tuple[bytes, Sequence[int]]],
    Sequence[bytes],
    bool,
    bool,
    bool,
]

CODE_CACHE_LIMIT: int
HOT_AFTER: int

class OutcomeReader:
    value: Callable[[bytes], Any]
    error: Callable[[int, int, bytes], BaseException]
    def __init__(
        self, value: Callable[[bytes], Any], error: Callable[[int, int, bytes], BaseException]
    ) -> None: ...

class EvmBlock:
    vm: Any
    outcomes: OutcomeReader
    count: int
    keys: Codec
    values: Codec
    value: Callable[[bytes], Any]
    def __init__(
        self,
        fork: str,
        context: Any,
        value: Callable[[bytes], Any],
        error: Callable[[int, int, bytes], BaseException],
    ) -> None: ...
    def error(self, index: int, status: int, output: bytes) -> BaseException: ...
    def add_precompiles(self, targets: Mapping[bytes, Any]) -> None: ...
    def add_opcodes(self, targets: Mapping[int, tuple[int, int, int, Any]]) -> None: ...
    def add_rules(
        self,
        fees: Sequence[tuple[bytes, Callable[..., Any], Callable[..., Any] | None]],
        base_fee_recipient: bytes | None,
        own_types: Mapping[int, bool],
        contracts_may_send: bool = False,
    ) -> None: ...
    def run_on(self, library: EvmcLibrary) -> None: ...
    def record(
        self,
        mask: int,
        tell: Callable[[int, bytes], Any],
        only: Iterable[int] | None = None,
        room: tuple[int, int] | None = None,
    ) -> None: ...
    def keep(
        self,
        mask: int,
        only: Sequence[int] | None = None,
        room: tuple[int, int] | None = None,
        bytes_max: tuple[int, int] | None = None,
    ) -> None: ...
    def kept_steps(self) -> Sequence[int]: ...
    def kept_recording(self, index: int) -> bytes: ...
    def take_recording(self, index: int) -> bytes: ...
    def add_transaction(
        self, transaction: Any, sender: bytes, authorities: Sequence[bytes | None]
    ) -> None: ...
    def add_call(
        self,
        message: Any,
        gas: int | None,
        authorities: Sequence[bytes | None],
        is_validated: bool,
        keeps_changes: bool,
    ) -> None: ...
    def add_calls(self, messages: list[Any], kind: type, gas_cap: int) -> bool: ...
    def creations(self) -> list[int]: ...
    def call_on(
        self,
        session: Session,
        call: Call,
        write: Callable[[bytes], Any] | None = None,
        recorded: int = 0,
    ) -> Any: ...
    def add_overrides(self, writes: Sequence[tuple[bytes, bytes]]) -> None: ...
    def add_transactions(
        self,
        transactions: Sequence[Any] | TransactionList,
        senders: Sequence[bytes],
        authorities: Sequence[Sequence[bytes | None]],
        threads: int = 1,
    ) -> None: ...
    def transaction_at(self, index: int) -> tuple[Any, ...]: ...
    def validation_error_at(self, index: int) -> tuple[int, int, int]: ...
    def add_start(
        self, drained: Sequence[bytes], refund_contract: bytes | None, calls: Sequence[Any] = ()
    ) -> None: ...
    def add_end(
        self,
        withdrawals: Sequence[tuple[bytes, int]],
        rewards: Sequence[tuple[bytes, int]],
        collects_requests: bool,
        calls: Sequence[Any] = (),
    ) -> None: ...
    def trace(self, index: int, view: Any, write: Callable[[bytes], Any]) -> Any: ...

def reason_named(code: int) -> str: ...
def code_cache(limit: int | None = None) -> tuple[int, int]: ...
def cached_codes() -> list[tuple[bytes, str, bool, int, int, int]]: ...
def first_tier(hot_after: int | None = None) -> int: ...
def computed_precompiles() -> int: ...
def plain_transfers(apart: bool | None = None) -> bool: ...
