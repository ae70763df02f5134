"""Execution layer requests: what a block asks of the beacon chain (EIP-7685, from Prague on).

Deposits are cut out of the logs of one contract (EIP-6110); withdrawal requests (EIP-7002),
consolidation requests (EIP-7251), and from Amsterdam on builders' deposits and exits (EIP-8282) are
what system contracts return at the end of the block.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from blockstm._native.crypto.hashes import sha256
from blockstm.ethereum.blocks.receipt import Log, Receipt
from blockstm.ethereum.chains.chain import MAINNET_DEPOSIT_CONTRACT
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Address, Hash32
from blockstm.vm.forks import AMSTERDAM, PRAGUE, Fork

__all__ = [
    "BUILDER_DEPOSIT_CONTRACT",
    "BUILDER_DEPOSIT_REQUESTS",
    "BUILDER_EXIT_CONTRACT",
    "BUILDER_EXIT_REQUESTS",
    "CONSOLIDATION_CONTRACT",
    "CONSOLIDATION_REQUESTS",
    "DEPOSIT_REQUESTS",
    "WITHDRAWAL_CONTRACT",
    "WITHDRAWAL_REQUESTS",
    "deposits",
    "request_contracts",
    "requests_hash",
    "requests_of",
]

DEPOSIT_REQUESTS: Final = b"\x00"
WITHDRAWAL_REQUESTS: Final = b"\x01"
CONSOLIDATION_REQUESTS: Final = b"\x02"
BUILDER_DEPOSIT_REQUESTS: Final = b"\x03"
BUILDER_EXIT_REQUESTS: Final = b"\x04"

WITHDRAWAL_CONTRACT: Final = Address(bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002"))
CONSOLIDATION_CONTRACT: Final = Address(bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251"))
BUILDER_DEPOSIT_CONTRACT: Final = Address(bytes.fromhex("0000bff46984e3725691fa540a8c7589300d8282"))
BUILDER_EXIT_CONTRACT: Final = Address(bytes.fromhex("000064d678505ad48f8ccb093bc65613800e8282"))

_DEPOSIT_EVENT: Final = bytes.fromhex(
    "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
)
_WORD: Final = 32
# The event's data as the contract's ABI lays it out: five offsets, and at each of them a size and
# so many bytes. Public key, credentials, amount, signature and index (EIP-6110).
_DEPOSIT_SIZE: Final = 576
_DEPOSIT_PARTS: Final = ((160, 48), (256, 32), (320, 8), (384, 96), (512, 8))


def request_contracts(fork: Fork) -> tuple[Address, ...]:
    """The contracts that are called at the end of every block of a fork, in that order."""
    if fork < PRAGUE:
        return ()
    contracts = (WITHDRAWAL_CONTRACT, CONSOLIDATION_CONTRACT)
    return contracts + (BUILDER_DEPOSIT_CONTRACT, BUILDER_EXIT_CONTRACT) * (fork >= AMSTERDAM)


def requests_of(
    receipts: Iterable[Receipt],
    withdrawals: bytes,
    consolidations: bytes,
    deposit_contract: Address = MAINNET_DEPOSIT_CONTRACT,
    *,
    builder_deposits: bytes = b"",
    builder_exits: bytes = b"",
) -> tuple[bytes, ...]:
    """All requests of a block, each list behind its type; empty lists are left out.

    Args:
        receipts: of the block's transactions, in order.
        withdrawals: what the withdrawal requests contract returned.
        consolidations: what the consolidation requests contract returned.
        deposit_contract: whose logs are deposits.
        builder_deposits, builder_exits: what the contracts of EIP-8282 returned.

    Raises:
        InvalidBlock: a deposit's log is not laid out as it must be.
    """
    requests = (
        deposits(receipts, deposit_contract),
        WITHDRAWAL_REQUESTS + withdrawals,
        CONSOLIDATION_REQUESTS + consolidations,
        BUILDER_DEPOSIT_REQUESTS + builder_deposits,
        BUILDER_EXIT_REQUESTS + builder_exits,
    )
    return tuple(request for request in requests if len(request) > 1)


def deposits(receipts: Iterable[Receipt], contract: Address = MAINNET_DEPOSIT_CONTRACT) -> bytes:
    """The deposits that the transactions made, behind their request type.

    Raises:
        InvalidBlock: a deposit's log is not laid out as it must be.
    """
    found = [DEPOSIT_REQUESTS]
    mentioning = getattr(receipts, "mentioning", None)  # some can tell without making each
    for index, receipt in enumerate(receipts) if mentioning is None else mentioning(contract):
        found += (_deposit(log[2], index) for log in receipt.logs if _is_deposit(log, contract))
    return b"".join(found)


def requests_hash(requests: Iterable[bytes]) -> Hash32:
    """The hash that the header names; a request that is only its type does not count."""
    digests = (sha256(request) for request in requests if len(request) > 1)
    return Hash32(sha256(b"".join(digests)))


def _is_deposit(log: Log, contract: Address) -> bool:
    address, topics, _ = log
    return address == contract and topics[:1] == (_DEPOSIT_EVENT,)


def _deposit(data: bytes, index: int) -> bytes:
    if len(data) != _DEPOSIT_SIZE:
        detail = f"a deposit's log has {len(data)} bytes, not {_DEPOSIT_SIZE}"
        raise Violation(Reason.DEPOSIT_LAYOUT, detail, index).error()
    parts = []
    for place, (offset, size) in enumerate(_DEPOSIT_PARTS):
        found = _word(data, place * _WORD), _word(data, offset)
        if found != (offset, size):
            detail = f"part {place} of a deposit's log is {found[1]} bytes at {found[0]}"
            raise Violation(
                Reason.DEPOSIT_LAYOUT, f"{detail}, not {size} at {offset}", index
            ).error()
        parts.append(data[offset + _WORD : offset + _WORD + size])
    return b"".join(parts)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + _WORD], "big")
