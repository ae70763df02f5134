"""Which methods a `DevNode` has beside those of every node, or in another way."""

from __future__ import annotations

from typing import Final

from blockstm.rpc.dev import dumping, editing, rewinding, sending, standing, stepping
from blockstm.rpc.methods.method import Method
from blockstm.rpc.methods.table import METHODS

__all__ = ["DEV_METHODS"]

_OWN: Final[dict[str, Method]] = {
    "eth_accounts": Method(sending.accounts),
    "eth_coinbase": Method(sending.coinbase),
    "eth_gasPrice": Method(standing.gas_price),
    "eth_hashrate": Method(sending.hash_rate),
    "eth_mining": Method(sending.is_mining),
    "eth_requestAccounts": Method(sending.accounts),
    "eth_sendRawTransaction": Method(sending.send_raw, 1, 1),
    "eth_sendTransaction": Method(sending.send_transaction, 1, 1),
    "eth_sendUnsignedTransaction": Method(sending.send_unsigned, 1, 1),
    "eth_sign": Method(sending.sign_message, 2, 2),
    "eth_signTransaction": Method(sending.sign_transaction, 1, 1),
    "eth_signTypedData": Method(sending.sign_typed, 2, 2),
    "eth_signTypedData_v3": Method(sending.sign_typed, 2, 2),
    "eth_signTypedData_v4": Method(sending.sign_typed, 2, 2),
    "personal_sign": Method(sending.sign_personal, 2, 3),
    "evm_increaseTime": Method(stepping.increase_time, 1, 1),
    "evm_mine": Method(stepping.mine, 0, 1),
    "evm_mine_detailed": Method(stepping.mine_detailed, 0, 1),
    "evm_revert": Method(stepping.revert, 1, 1),
    "evm_setAccountBalance": Method(editing.set_balance, 2, 2),
    "evm_setAccountCode": Method(editing.set_code, 2, 2),
    "evm_setAccountNonce": Method(editing.set_nonce, 2, 2),
    "evm_setAccountStorageAt": Method(editing.set_slot, 3, 3),
    "evm_setAutomine": Method(stepping.set_automine, 1, 1),
    "evm_setBlockGasLimit": Method(stepping.set_gas_limit, 1, 1),
    "evm_setIntervalMining": Method(stepping.mining_interval_ms, 1, 1),
    "evm_setNextBlockTimestamp": Method(stepping.next_timestamp, 1, 1),
    "evm_setTime": Method(stepping.set_time, 1, 1),
    "evm_snapshot": Method(stepping.snapshot),
}
# What Hardhat and Anvil call alike, after their own names.
_SHARED: Final[dict[str, Method]] = {
    "autoImpersonateAccount": Method(sending.impersonate_all, 1, 1),
    "dropAllTransactions": Method(standing.drop_all),
    "dropTransaction": Method(standing.drop, 1, 1),
    "dumpState": Method(dumping.dump_state, 0, 1),
    "getAutomine": Method(stepping.automine),
    "impersonateAccount": Method(sending.impersonate, 1, 1),
    "loadState": Method(dumping.load_state, 1, 1),
    "metadata": Method(standing.metadata),
    "mine": Method(stepping.mine_blocks, 0, 2),
    "reset": Method(stepping.reset, 0, 1),
    "setBalance": Method(editing.set_balance, 2, 2),
    "setCode": Method(editing.set_code, 2, 2),
    "setCoinbase": Method(stepping.set_coinbase, 1, 1),
    "setLoggingEnabled": Method(standing.set_logging, 1, 1),
    "setMinGasPrice": Method(standing.set_price_min, 1, 1),
    "setNextBlockBaseFeePerGas": Method(stepping.next_base_fee, 1, 1),
    "setNonce": Method(editing.set_nonce, 2, 2),
    "setPrevRandao": Method(stepping.prev_randao, 1, 1),
    "setStorageAt": Method(editing.set_slot, 3, 3),
    "stopImpersonatingAccount": Method(sending.stop_impersonating, 1, 1),
}
_ANVIL: Final[dict[str, Method]] = {
    "anvil_addBalance": Method(editing.add_balance, 2, 2),
    "anvil_getIntervalMining": Method(stepping.mining_interval),
    "anvil_increaseTime": Method(stepping.increase_time, 1, 1),
    "anvil_mine_detailed": Method(stepping.mine_detailed, 0, 1),
    "anvil_nodeInfo": Method(standing.info),
    "anvil_removeBlockTimestampInterval": Method(stepping.remove_spacing),
    "anvil_removePoolTransactions": Method(standing.drop_of, 1, 1),
    "anvil_reorg": Method(rewinding.reorganize, 1, 2),
    "anvil_revert": Method(stepping.revert, 1, 1),
    "anvil_rollback": Method(rewinding.roll_back, 0, 1),
    "anvil_setAutomine": Method(stepping.set_automine, 1, 1),
    "anvil_setBlockGasLimit": Method(stepping.set_gas_limit, 1, 1),
    "anvil_setBlockTimestampInterval": Method(stepping.set_spacing, 1, 1),
    "anvil_setChainId": Method(standing.set_chain_id, 1, 1),
    "anvil_setIntervalMining": Method(stepping.mining_interval_s, 1, 1),
    "anvil_setNextBlockTimestamp": Method(stepping.next_timestamp, 1, 1),
    "anvil_setRpcUrl": Method(standing.set_url, 1, 1),
    "anvil_setTime": Method(stepping.set_time, 1, 1),
    "anvil_snapshot": Method(stepping.snapshot),
    "hardhat_intervalMine": Method(stepping.interval_mine),
}

DEV_METHODS: Final[dict[str, Method]] = {
    **METHODS,
    **_OWN,
    **{f"hardhat_{name}": method for name, method in _SHARED.items()},
    **{f"anvil_{name}": method for name, method in _SHARED.items()},
    **_ANVIL,
}
"""Name → method."""
