"""The types of EIP-8025's stateless input in another library for SSZ. No test of its own.

Its classes read their annotations, so these are no strings.
"""

from remerkleable.basic import uint64, uint256
from remerkleable.byte_arrays import ByteList, Bytes32, ByteVector
from remerkleable.complex import Container, List
from remerkleable.progressive import ProgressiveByteList, ProgressiveContainer, ProgressiveList


class Withdrawal(Container):  # type: ignore[misc]  # the library has no types
    index: uint64
    validator_index: uint64
    address: ByteVector[20]
    amount: uint64


class Payload(ProgressiveContainer(active_fields=[1] * 19)):  # type: ignore[misc]  # as above
    parent_hash: Bytes32
    fee_recipient: ByteVector[20]
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions: ProgressiveList[ProgressiveByteList]
    withdrawals: ProgressiveList[Withdrawal]
    blob_gas_used: uint64
    excess_blob_gas: uint64
    block_access_list: ProgressiveByteList
    slot_number: uint64


class Deposit(Container):  # type: ignore[misc]  # as above
    pubkey: ByteVector[48]
    withdrawal_credentials: Bytes32
    amount: uint64
    signature: ByteVector[96]
    index: uint64


class WithdrawalRequest(Container):  # type: ignore[misc]  # as above
    source_address: ByteVector[20]
    validator_pubkey: ByteVector[48]
    amount: uint64


class Consolidation(Container):  # type: ignore[misc]  # as above
    source_address: ByteVector[20]
    source_pubkey: ByteVector[48]
    target_pubkey: ByteVector[48]


class BuilderDeposit(Container):  # type: ignore[misc]  # as above
    pubkey: ByteVector[48]
    withdrawal_credentials: Bytes32
    amount: uint64
    signature: ByteVector[96]


class BuilderExit(Container):  # type: ignore[misc]  # as above
    source_address: ByteVector[20]
    pubkey: ByteVector[48]


class Requests(ProgressiveContainer(active_fields=[1] * 5)):  # type: ignore[misc]  # as above
    deposits: ProgressiveList[Deposit]
    withdrawals: ProgressiveList[WithdrawalRequest]
    consolidations: ProgressiveList[Consolidation]
    builder_deposits: ProgressiveList[BuilderDeposit]
    builder_exits: ProgressiveList[BuilderExit]


class Request(Container):  # type: ignore[misc]  # as above
    execution_payload: Payload
    versioned_hashes: ProgressiveList[Bytes32]
    parent_beacon_block_root: Bytes32
    execution_requests: Requests


class Witness(Container):  # type: ignore[misc]  # as above
    state: ProgressiveList[ByteList[2**10]]
    codes: ProgressiveList[ByteList[2**16]]
    headers: List[ByteList[2**10], 256]


class Input(Container):  # type: ignore[misc]  # as above
    new_payload_request: Request
    witness: Witness
    chain_id: uint64
    public_keys: ProgressiveList[ByteVector[65]]
