"""KECCAK256 of 64 bytes, which is remembered: right in whatever order inputs come."""

from __future__ import annotations

from random import Random

import pytest
from Crypto.Hash import keccak

import blockstm
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.ethereum.codecs.hashing import keccak as code_hash_of
from blockstm.vm.evm import BlockContext, Evm, Signed

SENDER, CODE, MINER = (bytes(19) + bytes([number]) for number in (0xA1, 0xC1, 0xF1))
BLOCK = BlockContext(
    number=1, timestamp=1, coinbase=MINER, gas_limit=2**40, base_fee_per_gas=0
)  # fmt: skip
# Hash each part of the call's data, of the size that its first word says, and log the hashes.
PROGRAM = bytes.fromhex(
    "5f35"  # CALLDATALOAD(0): the size
    "6020"  # at
    "5b"  # JUMPDEST, 4
    "8181 5f 37"  # CALLDATACOPY(0, at, size)
    "815f20"  # KECCAK256(0, size)
    "6108 00 52"  # to memory at 2048
    "6020 6108 00 a0"  # LOG0 of 32 bytes
    "8101"  # at + size
    "36811060 04 57"  # as long as at < CALLDATASIZE
    "00"
)


def digest(data: bytes) -> bytes:
    return keccak.new(data=data, digest_bits=256).digest()


def hashes(size: int, parts: list[bytes], workers: int) -> list[bytes]:
    """What the contract says of the parts, 40 of them to a transaction."""
    code = Account(nonce=1, code=PROGRAM, code_hash=code_hash_of(PROGRAM))
    state = AccountState({SENDER: Account(balance=10**18), CODE: code})
    calls = [parts[start : start + 40] for start in range(0, len(parts), 40)]
    steps = [
        Signed(
            Transaction(
                type=0, nonce=nonce, gas=1_000_000, to=CODE, value=0, v=27, r=1, s=1, gas_price=0,
                data=size.to_bytes(32, "big") + b"".join(call),
            ),
            sender=SENDER,
        )
        for nonce, call in enumerate(calls)
    ]  # fmt: skip
    result = blockstm.execute_block(steps, state, Evm("cancun", BLOCK), workers=workers)
    assert all(outcome.value.succeeded for outcome in result.outcomes)
    return [log.data for outcome in result.outcomes for log in outcome.value.logs]


def neighbours(random: Random) -> list[bytes]:
    """Inputs that differ in one bit each, zeros, and mappings' keys and places."""
    base = random.randbytes(64)
    flipped = [(int.from_bytes(base, "big") ^ 1 << bit).to_bytes(64, "big") for bit in range(512)]
    mappings = [
        (bytes(12) + random.randbytes(20)) + place.to_bytes(32, "big")
        for place in range(8)
        for _ in range(100)
    ]
    return [base, bytes(64), *flipped, *mappings]


@pytest.mark.parametrize("workers", [1, 2])
def test_hashes_of_64_bytes_are_right_however_often_they_come(workers: int) -> None:
    random = Random(workers)
    inputs = neighbours(random) * 3
    random.shuffle(inputs)
    again = [each for each in inputs for _ in range(2)]  # at once, and after others took the entry
    assert hashes(64, again, workers) == list(map(digest, again))


@pytest.mark.parametrize("size", [32, 63, 65, 96, 128])
def test_other_lengths_are_not_taken_for_it(size: int) -> None:
    random = Random(size)
    parts = [bytes(64), *(random.randbytes(64) for _ in range(19))]
    assert hashes(64, parts, 1) == list(map(digest, parts))
    resized = [(each * 2)[:size] for each in parts]
    assert hashes(size, resized, 1) == list(map(digest, resized))
