from typing import Any

from blockstm._native.wire.receipts import ReceiptColumns

class StepResults:
    receipts: ReceiptColumns
    gas_used: int
    execution_gas: int
    state_gas: int
    def __init__(self, outcomes: Any, types: bytes) -> None: ...
    def accesses(self) -> list[bytes]: ...
