from collections.abc import Sequence
from typing import Any

def suspects(
    transactions: Sequence[Any],
    *,
    newest_type: int,
    chains_in_v: bool,
    gas_max: int,
    nonzero_byte_gas: int,
    floor_token_gas: int,
    chain: int,
    base_fee: int,
    s_max: int,
) -> list[int]: ...
