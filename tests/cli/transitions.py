"""Official blockchain tests as calls of ``t8n``. No test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.ethereum.official import OfficialChain

from blockstm.ethereum import Block, Fork, Header
from blockstm.ethereum.codecs.fields import shown

COMPARED = {
    "stateRoot": "state_root",
    "txRoot": "transactions_root",
    "receiptsRoot": "receipts_root",
    "logsBloom": "logs_bloom",
    "gasUsed": "gas_used",
    "currentBaseFee": "base_fee_per_gas",
    "withdrawalsRoot": "withdrawals_root",
    "currentExcessBlobGas": "excess_blob_gas",
    "blobGasUsed": "blob_gas_used",
    "requestsHash": "requests_hash",
    "blockAccessListHash": "block_access_list_hash",
}
"""A member of the result → the member of a header that it is."""


@dataclass(frozen=True)
class Call:
    """One call: the fork, what goes in but the accounts, and the header that should come out."""

    fork: Fork
    chain_id: int
    reward: int
    env: dict[str, Any]
    txs: list[dict[str, Any]]
    blob_params: dict[str, str] | None
    header: Header

    def flags(self) -> list[str]:
        return [
            f"--state.fork={spelled(self.fork)}",
            f"--state.chainid={self.chain_id}",
            f"--state.reward={self.reward}",
        ]


def spelled(fork: Fork) -> str:
    """A fork's name as go-ethereum spells it."""
    special = {
        "tangerine_whistle": "EIP150",
        "spurious_dragon": "EIP158",
        "petersburg": "ConstantinopleFix",
        "dao_fork": "HomesteadToDaoAt5",
        "paris": "Merge",
        "osaka_access_lists": "osaka_access_lists",
    }
    if fork.name.startswith("bpo"):
        return fork.name.upper()
    return special.get(fork.name, "".join(word.title() for word in fork.name.split("_")))


def calls(test: OfficialChain, alloc: Any = None) -> Iterator[Call]:
    """A call for each block of a chain that is all of valid blocks, one on top of the other."""
    before = [test.genesis]
    for each in test.blocks:
        if not each.is_valid:
            return
        block = Block.decode(each.encoding)
        if block.header.parent_hash != before[-1].hash:
            return
        yield call(test, block, before)
        before.append(block)


def call(test: OfficialChain, block: Block, before: list[Block]) -> Call:
    header = block.header
    fork = test.chain.fork_at(header.number, header.timestamp, _total_difficulty(test, block))
    params = None
    if fork.blobs is not None:
        params = {
            "target": hex(fork.blobs.target),
            "max": hex(fork.blobs.max),
            "baseFeeUpdateFraction": hex(fork.blobs.base_fee_update_fraction),
        }
    txs = [each.to_json() for each in block.transactions]
    for transaction in txs:
        if "yParity" in transaction:
            transaction["v"] = transaction["yParity"]
    reward = fork.block_reward
    env = environment(block, before)
    return Call(fork, test.chain.chain_id, reward, env, txs, params, header)


def environment(block: Block, before: list[Block]) -> dict[str, Any]:
    """The environment of a block, without what follows from its parent."""
    header, parent = block.header, before[-1].header
    env: dict[str, Any] = {
        "currentCoinbase": shown(header.coinbase),
        "currentGasLimit": padded(header.gas_limit),
        "currentNumber": padded(header.number),
        "currentTimestamp": padded(header.timestamp),
        "parentTimestamp": padded(parent.timestamp),
        "parentGasUsed": padded(parent.gas_used),
        "parentGasLimit": padded(parent.gas_limit),
        "parentUncleHash": shown(parent.ommers_hash),
        "parentHash": shown(header.parent_hash),
        "blockHashes": {hex(each.header.number): shown(each.hash) for each in before[-256:]},
        "ommers": [
            {"delta": header.number - each.number, "address": shown(each.coinbase)}
            for each in block.ommers or ()
        ],
    }
    if header.difficulty:
        env["parentDifficulty"] = padded(parent.difficulty)
    else:
        env["currentRandom"] = shown(header.mix_hash)
    if header.base_fee_per_gas is not None:
        first = parent.base_fee_per_gas is None  # London's own base fee has no parent's
        name = "currentBaseFee" if first else "parentBaseFee"
        fee = header.base_fee_per_gas if first else parent.base_fee_per_gas
        env[name] = padded(fee or 0)
    if block.withdrawals is not None:
        env["withdrawals"] = [each.to_json() for each in block.withdrawals]
    if header.excess_blob_gas is not None:
        env["parentBlobGasUsed"] = padded(parent.blob_gas_used or 0)
        env["parentExcessBlobGas"] = padded(parent.excess_blob_gas or 0)
        env["parentBeaconBlockRoot"] = shown(header.parent_beacon_block_root or b"")
    if header.slot_number is not None:
        env["slotNumber"] = padded(header.slot_number)
    return env


def padded(number: int) -> str:
    """A number in whole bytes, as the official tests' tools write it."""
    digits = f"{number:x}"
    return "0x" + "0" * (len(digits) % 2) + digits


def differences(result: dict[str, Any], header: Header) -> dict[str, Any]:
    """What of a result is not as in a header: member → both."""
    found = {}
    for name, member in COMPARED.items():
        expected = getattr(header, member)
        shown_expected = None if expected is None else shown(expected)
        if result.get(name) != shown_expected:
            found[name] = (result.get(name), shown_expected)
    difficulty = hex(header.difficulty) if header.difficulty else None
    if result["currentDifficulty"] != difficulty:
        found["currentDifficulty"] = (result["currentDifficulty"], difficulty)
    return found


def _total_difficulty(test: OfficialChain, block: Block) -> int | None:
    if not test.chain.needs_total_difficulty:
        return None
    return test.chain.total_difficulty_before(block.header.difficulty)
