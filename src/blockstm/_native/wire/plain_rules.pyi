from blockstm._native.wire.transaction_list import TransactionList

INTRINSIC_GAS: dict[str, int]

def suspects(
    listed: TransactionList,
    *,
    newest_type: int,
    chains_in_v: bool,
    gas_max: int,
    nonzero_byte_gas: int,
    floor_token_gas: int,
    chain: int,
    base_fee: int,
    s_max: int,
    threads: int = 1,
) -> list[int]: ...
