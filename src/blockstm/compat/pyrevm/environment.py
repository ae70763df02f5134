"""What code sees around it: blocks, transactions, configuration.

pyrevm hands out copies: what is set of one counts when it is handed back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from blockstm.compat.checksums import address_of, checksummed

__all__ = ["BlockEnv", "CfgEnv", "Env", "TxEnv", "fake_exponential"]

_GAS_MAX: Final = 2**64 - 1
_ZERO_HASH: Final = bytes(32)
_UPDATE_FRACTION: Final = 3338477  # of EIP-4844, whatever the rules are: a block does not know them
_KINDS: Final = {"raw": "raw", "check": "check", "analyse": "analyse", "analyze": "analyse"}


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """``factor * e ** (numerator / denominator)`` rounded down as EIP-4844 does."""
    total, term, place = 0, factor * denominator, 1
    while term > 0:
        total += term
        term = term * numerator // (denominator * place)
        place += 1
    return total // denominator


class CfgEnv:
    """The chain, and what is not asked of code.

    Attributes:
        chain_id: of the chain.
        limit_contract_code_size: kept, and without an effect: the rules' own limit holds.
        perf_analyse_created_bytecodes: kept, and without an effect.
    """

    __slots__ = ("chain_id", "limit_contract_code_size", "perf_analyse_created_bytecodes")

    def __init__(
        self,
        chain_id: int | None = None,
        limit_contract_code_size: int | None = None,
        perf_analyse_created_bytecodes: str | None = None,
    ) -> None:
        self.chain_id = 1 if chain_id is None else chain_id
        self.limit_contract_code_size = limit_contract_code_size
        kind = _KINDS.get((perf_analyse_created_bytecodes or "analyse").lower())
        if kind is None:
            raise ValueError("Invalid analysis kind. Expected 'raw', 'check', or 'analyse'")
        self.perf_analyse_created_bytecodes = kind


class BlockEnv:
    """The block that code sees.

    Attributes:
        number, timestamp, difficulty, basefee, gas_limit: ints.
        coinbase: an address in mixed case.
        prevrandao: 32 bytes.
        excess_blob_gas: None: blobs cost nothing.
    """

    __slots__ = (
        *("_coinbase", "basefee", "difficulty", "excess_blob_gas"),
        *("gas_limit", "number", "prevrandao", "timestamp"),
    )

    def __init__(
        self,
        number: int | None = None,
        coinbase: str | None = None,
        timestamp: int | None = None,
        difficulty: int | None = None,
        prevrandao: bytes | None = None,
        basefee: int | None = None,
        gas_limit: int | None = None,
        excess_blob_gas: int | None = None,
    ) -> None:
        self.number = number or 0
        self._coinbase = bytes(20) if coinbase is None else address_of(coinbase)
        self.timestamp = 1 if timestamp is None else timestamp
        self.difficulty = difficulty or 0
        self.prevrandao = _hash32(_ZERO_HASH if prevrandao is None else prevrandao)
        self.basefee = basefee or 0
        self.gas_limit = _GAS_MAX if gas_limit is None else gas_limit
        self.excess_blob_gas = 0 if excess_blob_gas is None else excess_blob_gas

    @property
    def coinbase(self) -> str:
        """Who gets the fees."""
        return checksummed(self._coinbase)

    @property
    def blob_gasprice(self) -> int | None:
        """In wei per blob gas, by the price of EIP-4844."""
        if self.excess_blob_gas is None:
            return None
        return fake_exponential(1, self.excess_blob_gas, _UPDATE_FRACTION)

    @property
    def coinbase_bytes(self) -> bytes:
        """The coinbase's 20 bytes."""
        return self._coinbase

    def copy(self) -> BlockEnv:
        """Another with the same fields."""
        copied = BlockEnv.__new__(BlockEnv)
        for name in self.__slots__:
            setattr(copied, name, getattr(self, name))
        return copied


@dataclass(slots=True)
class TxEnv:
    """The transaction that code sees. Addresses are text; ``to`` None: it creates."""

    caller: str | None = None
    gas_limit: int | None = None
    gas_price: int | None = None
    gas_priority_fee: int | None = None
    to: str | None = None
    value: int | None = None
    data: bytes | None = None
    chain_id: int | None = None
    nonce: int | None = None
    salt: int | None = None
    access_list: Sequence[tuple[str, Sequence[int]]] | None = None
    blob_hashes: Sequence[bytes] | None = None
    max_fee_per_blob_gas: int | None = None

    def __post_init__(self) -> None:
        self.caller = checksummed(bytes(20) if self.caller is None else address_of(self.caller))
        self.gas_limit = _GAS_MAX if self.gas_limit is None else self.gas_limit
        self.gas_price = self.gas_price or 0
        self.to = None if self.to is None else "0x" + address_of(self.to).hex()
        self.value = self.value or 0
        self.data = bytes(self.data or b"")
        self.access_list = [
            (checksummed(address_of(a)), list(s)) for a, s in self.access_list or ()
        ]
        self.blob_hashes = [_hash32(each) for each in self.blob_hashes or ()]

    def accesses(self) -> list[tuple[bytes, Sequence[int]]]:
        """The access list with addresses of 20 bytes."""
        return [(address_of(address), slots) for address, slots in self.access_list or ()]


@dataclass(frozen=True, slots=True)
class Env:
    """Configuration, block and transaction."""

    cfg: CfgEnv = field(default_factory=CfgEnv)
    block: BlockEnv = field(default_factory=BlockEnv)
    tx: TxEnv = field(default_factory=TxEnv)

    def __init__(
        self,
        cfg: CfgEnv | None = None,
        block: BlockEnv | None = None,
        tx: TxEnv | None = None,
    ) -> None:
        object.__setattr__(self, "cfg", cfg or CfgEnv())
        object.__setattr__(self, "block", block or BlockEnv())
        object.__setattr__(self, "tx", tx or TxEnv())


def _hash32(value: bytes) -> bytes:
    if len(value) != len(_ZERO_HASH):
        raise TypeError(f"a hash has 32 bytes, not {len(value)}")
    return bytes(value)
