"""What the node says of itself and of its chain."""

from __future__ import annotations

import platform
from binascii import crc32
from importlib.metadata import version
from typing import Any, Final

from blockstm.chain import Chain as LastingChain
from blockstm.ethereum import Activation, Chain
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.requests import CONSOLIDATION_CONTRACT, WITHDRAWAL_CONTRACT
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params
from blockstm.vm.forks import (
    BYZANTIUM,
    CANCUN,
    FRONTIER,
    ISTANBUL,
    OSAKA,
    PARIS,
    PRAGUE,
    Fork,
)

__all__ = [
    "accounts",
    "capabilities",
    "chain_id",
    "client_version",
    "config",
    "fork_identifier",
    "listening",
    "network_id",
    "peer_count",
    "sha3",
    "syncing",
]

_PRECOMPILES: Final[dict[Fork, dict[str, int]]] = {
    FRONTIER: {"ECREC": 1, "SHA256": 2, "RIPEMD160": 3, "ID": 4},
    BYZANTIUM: {"MODEXP": 5, "BN254_ADD": 6, "BN254_MUL": 7, "BN254_PAIRING": 8},
    ISTANBUL: {"BLAKE2F": 9},
    CANCUN: {"KZG_POINT_EVALUATION": 10},
    PRAGUE: {
        "BLS12_G1ADD": 11,
        "BLS12_G1MSM": 12,
        "BLS12_G2ADD": 13,
        "BLS12_G2MSM": 14,
        "BLS12_PAIRING_CHECK": 15,
        "BLS12_MAP_FP_TO_G1": 16,
        "BLS12_MAP_FP2_TO_G2": 17,
    },
    OSAKA: {"P256VERIFY": 0x100},
}
_BEACON_ROOTS: Final = "0x000f3df6d732807ef1319fb7b8bb8522d0beac02"
_HISTORY_STORAGE: Final = "0x0000f90827f1c53a10cb7a02335b175320002935"


def chain_id(node: Node, params: Params) -> Any:
    """``eth_chainId``."""
    return shown(node.chain.spec.chain_id)


def network_id(node: Node, params: Params) -> Any:
    """``net_version``: the chain's id, in decimal."""
    return str(node.chain.spec.chain_id)


def listening(node: Node, params: Params) -> Any:
    """``net_listening``: it has no peers."""
    return False


def peer_count(node: Node, params: Params) -> Any:
    """``net_peerCount``."""
    return shown(0)


def syncing(node: Node, params: Params) -> Any:
    """``eth_syncing``: what is imported is all there is."""
    return False


def accounts(node: Node, params: Params) -> Any:
    """``eth_accounts``: it keeps no keys."""
    return []


def client_version(node: Node, params: Params) -> Any:
    """``web3_clientVersion``."""
    system = f"{platform.system().lower()}-{platform.machine()}"
    return f"blockstm/{version('blockstm')}/{system}/python{platform.python_version()}"


def sha3(node: Node, params: Params) -> Any:
    """``web3_sha3``: Keccak-256."""
    return shown(keccak(params.data(0)))


def capabilities(node: Node, params: Params) -> Any:
    """``eth_capabilities``: from which block on it has what."""
    head = node.chain.head
    oldest = {"disabled": False, "oldestBlock": shown(node.chain.oldest_state)}
    whole = {"disabled": False, "oldestBlock": shown(0)}
    return {
        "head": {"number": shown(head.number), "hash": shown(head.hash)},
        "state": oldest,
        "tx": whole,
        "logs": whole | {"deleteStrategy": {"type": "none"}},
        "receipts": whole,
        "blocks": whole,
        "stateproofs": oldest,
    }


def config(node: Node, params: Params) -> Any:
    """``eth_config`` (EIP-7910): the fork of the head, the next and the last that are known."""
    timed = [each for each in node.chain.spec.activations if each.timestamp is not None]
    now = node.chain.head.header.timestamp
    begun = [each for each in timed if (each.timestamp or 0) <= now]
    coming = timed[len(begun) :]
    return {
        "current": _form(node, begun[-1]) if begun else None,
        "next": _form(node, coming[0]) if coming else None,
        "last": _form(node, coming[-1]) if coming else None,
    }


def _form(node: Node, activation: Activation) -> dict[str, Any]:
    fork, spec = activation.fork, node.chain.spec
    members: dict[str, Any] = {
        "activationTime": activation.timestamp,
        "chainId": shown(spec.chain_id),
        "forkId": shown(fork_identifier(node.chain, activation)),
        "precompiles": {
            name: f"0x{number:040x}"
            for since, named in _PRECOMPILES.items()
            if fork >= since
            for name, number in named.items()
        },
        "systemContracts": _system_contracts(fork, spec),
    }
    if fork.blobs is not None:
        members["blobSchedule"] = {
            "target": fork.blobs.target,
            "max": fork.blobs.max,
            "baseFeeUpdateFraction": fork.blobs.base_fee_update_fraction,
        }
    return members


def _system_contracts(fork: Fork, spec: Chain) -> dict[str, str]:
    found = {}
    if fork >= CANCUN:
        found["BEACON_ROOTS_ADDRESS"] = _BEACON_ROOTS
    if fork >= PRAGUE:
        found["CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS"] = shown(CONSOLIDATION_CONTRACT)
        found["DEPOSIT_CONTRACT_ADDRESS"] = shown(spec.deposit_contract)
        found["HISTORY_STORAGE_ADDRESS"] = _HISTORY_STORAGE
        found["WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS"] = shown(WITHDRAWAL_CONTRACT)
    return found


def fork_identifier(chain: LastingChain, activation: Activation) -> bytes:
    """The checksum of the genesis and of all forks up to one (EIP-2124, EIP-6122)."""
    activations = chain.spec.activations
    until = activations[: activations.index(activation) + 1]
    # Nobody announces the merge, but perhaps a block after it.
    blocks = {each.block or 0 for each in until if each.fork.name != PARIS.name}
    if PARIS.name in {each.fork.name for each in until}:
        blocks.add(chain.spec.netsplit_block or 0)
    began = chain.header(0).timestamp
    times = sorted({each.timestamp or 0 for each in until})
    checksum = crc32(chain.block_hash(0))
    for place in [*sorted(blocks - {0}), *(each for each in times if each > began)]:
        checksum = crc32(place.to_bytes(8, "big"), checksum)
    return checksum.to_bytes(4, "big")
