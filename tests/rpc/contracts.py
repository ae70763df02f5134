"""A contract for clients: it adds, tells of it, and refuses. No test of its own."""

from __future__ import annotations

from typing import Any

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.ethereum.codecs.hashing import keccak


def selector(signature: str) -> int:
    return int.from_bytes(keccak(signature.encode())[:4], "big")


ADDED = keccak(b"Added(address,uint256)")
COUNT, ADD, REFUSE = map(selector, ("count()", "add(uint256)", "refuse()"))

CODE = assemble(f"""
    0 CALLDATALOAD 224 SHR
    DUP1 {COUNT} EQ @count JUMPI
    DUP1 {ADD} EQ @add JUMPI
    DUP1 {REFUSE} EQ @refuse JUMPI
    0 0 REVERT
count:
    0 SLOAD 0 MSTORE 32 0 RETURN
add:
    4 CALLDATALOAD DUP1 0 SLOAD ADD 0 SSTORE
    0 MSTORE CALLER {int.from_bytes(ADDED, "big")} 32 0 LOG2 STOP
refuse:
    {0x08C379A0} 224 SHL 0 MSTORE
    32 4 MSTORE 7 36 MSTORE {int.from_bytes(b"no more", "big")} 200 SHL 68 MSTORE
    100 0 REVERT
""")
INITCODE = initcode_of(CODE)

NUMBER = {"name": "amount", "type": "uint256"}
ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "count",
        "inputs": [],
        "outputs": [{"name": "", "type": "uint256"}],
        "stateMutability": "view",
    },
    {
        "type": "function",
        "name": "add",
        "inputs": [NUMBER],
        "outputs": [],
        "stateMutability": "nonpayable",
    },
    {
        "type": "function",
        "name": "refuse",
        "inputs": [],
        "outputs": [],
        "stateMutability": "nonpayable",
    },
    {
        "type": "event",
        "name": "Added",
        "anonymous": False,
        "inputs": [
            {"name": "who", "type": "address", "indexed": True},
            NUMBER | {"indexed": False},
        ],
    },
]


def call_data(function: int, *words: int) -> str:
    """The input of a call, as JSON-RPC has it."""
    encoded = function.to_bytes(4, "big") + b"".join(each.to_bytes(32, "big") for each in words)
    return "0x" + encoded.hex()
