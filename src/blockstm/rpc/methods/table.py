"""Which methods there are, and how many parameters each takes."""

from __future__ import annotations

from typing import Final

from blockstm.rpc.methods import (
    accounts,
    blocks,
    building,
    execution,
    fees,
    logs,
    network,
    tracing,
    transactions,
    watching,
)
from blockstm.rpc.methods.method import Method

__all__ = ["METHODS"]


METHODS: Final[dict[str, Method]] = {
    "debug_executionWitness": Method(blocks.execution_witness, 1, 1),
    "debug_getRawBlock": Method(blocks.get_raw_block, 1, 1),
    "debug_getRawHeader": Method(blocks.get_raw_header, 1, 1),
    "debug_getRawReceipts": Method(blocks.get_raw_receipts, 1, 1),
    "debug_getRawTransaction": Method(transactions.get_raw_transaction, 1, 1),
    "debug_traceBlock": Method(tracing.trace_block, 1, 2),
    "debug_traceBlockByHash": Method(tracing.trace_block_by_hash, 1, 2),
    "debug_traceBlockByNumber": Method(tracing.trace_block_by_number, 1, 2),
    "debug_traceCall": Method(tracing.trace_call, 1, 3),
    "debug_traceTransaction": Method(tracing.trace_transaction, 1, 2),
    "eth_accounts": Method(network.accounts),
    "eth_baseFee": Method(fees.base_fee),
    "eth_blobBaseFee": Method(fees.blob_fee),
    "eth_blockNumber": Method(blocks.block_number),
    "eth_call": Method(execution.call_state, 1, 4),
    "eth_capabilities": Method(network.capabilities),
    "eth_chainId": Method(network.chain_id),
    "eth_config": Method(network.config),
    "eth_createAccessList": Method(execution.create_list, 1, 3),
    "eth_estimateGas": Method(execution.estimate, 1, 4),
    "eth_feeHistory": Method(fees.fee_history, 2, 3),
    "eth_getFilterChanges": Method(watching.filter_changes, 1, 1),
    "eth_getFilterLogs": Method(watching.filter_logs, 1, 1),
    "eth_gasPrice": Method(fees.gas_price),
    "eth_getAccount": Method(accounts.get_account, 2, 2),
    "eth_getBalance": Method(accounts.get_balance, 1, 2),
    "eth_getBlockByHash": Method(blocks.get_block_by_hash, 1, 2),
    "eth_getBlockByNumber": Method(blocks.get_block_by_number, 1, 2),
    "eth_getBlockReceipts": Method(blocks.get_block_receipts, 1, 1),
    "eth_getBlockTransactionCountByHash": Method(blocks.get_transaction_count_by_hash, 1, 1),
    "eth_getBlockTransactionCountByNumber": Method(blocks.get_transaction_count_by_number, 1, 1),
    "eth_getCode": Method(accounts.get_code, 1, 2),
    "eth_getHeaderByHash": Method(blocks.get_header_by_hash, 1, 1),
    "eth_getHeaderByNumber": Method(blocks.get_header_by_number, 1, 1),
    "eth_getLogs": Method(logs.get_logs, 1, 1),
    "eth_getProof": Method(accounts.get_proof, 2, 3),
    "eth_getRawTransactionByBlockHashAndIndex": Method(transactions.get_raw_by_block_hash, 2, 2),
    "eth_getRawTransactionByBlockNumberAndIndex": Method(
        transactions.get_raw_by_block_number, 2, 2
    ),
    "eth_getRawTransactionByHash": Method(transactions.get_raw_transaction, 1, 1),
    "eth_getStorageAt": Method(accounts.get_storage_at, 2, 3),
    "eth_getStorageValues": Method(accounts.get_storage_values, 1, 2),
    "eth_getTransactionByBlockHashAndIndex": Method(
        transactions.get_transaction_by_block_hash, 2, 2
    ),
    "eth_getTransactionByBlockNumberAndIndex": Method(
        transactions.get_transaction_by_block_number, 2, 2
    ),
    "eth_getTransactionByHash": Method(transactions.get_transaction_by_hash, 1, 1),
    "eth_getTransactionCount": Method(accounts.get_transaction_count, 1, 2),
    "eth_getTransactionReceipt": Method(transactions.get_transaction_receipt, 1, 1),
    "eth_getUncleByBlockHashAndIndex": Method(blocks.get_uncle_by_hash, 2, 2),
    "eth_getUncleByBlockNumberAndIndex": Method(blocks.get_uncle_by_number, 2, 2),
    "eth_getUncleCountByBlockHash": Method(blocks.get_uncle_count_by_hash, 1, 1),
    "eth_getUncleCountByBlockNumber": Method(blocks.get_uncle_count_by_number, 1, 1),
    "eth_maxPriorityFeePerGas": Method(fees.max_priority_fee),
    "eth_newBlockFilter": Method(watching.new_block_filter),
    "eth_newFilter": Method(watching.new_filter, 1, 1),
    "eth_newPendingTransactionFilter": Method(watching.new_pending_filter, 0, 1),
    "eth_sendRawTransaction": Method(transactions.send_raw_transaction, 1, 1),
    "eth_simulateV1": Method(execution.simulate_blocks, 1, 2),
    "eth_subscribe": Method(watching.subscribe, 1, 2, in_session=True),
    "eth_syncing": Method(network.syncing),
    "eth_uninstallFilter": Method(watching.uninstall_filter, 1, 1),
    "eth_unsubscribe": Method(watching.unsubscribe, 1, 1, in_session=True),
    "net_listening": Method(network.listening),
    "net_peerCount": Method(network.peer_count),
    "net_version": Method(network.network_id),
    "testing_buildBlockV1": Method(building.build, 2, 4),
    "txpool_content": Method(transactions.pool_content),
    "txpool_contentFrom": Method(transactions.pool_content_from, 1, 1),
    "txpool_inspect": Method(transactions.pool_inspected),
    "txpool_status": Method(transactions.pool_status),
    "web3_clientVersion": Method(network.client_version),
    "web3_sha3": Method(network.sha3, 1, 1),
}
"""Name → method."""
