"""Small blocks for the native EVM, and a view that remembers. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from eth_typing import Address, BlockNumber

from blockstm import reference
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.reference import ReferenceView
from blockstm.state.accounts import Account, AccountState
from blockstm.types import BlockResult
from blockstm.values import ABSENT
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import FORKS, Evm, Signed

SENDERS = [Address(bytes([i]) * 20) for i in range(1, 9)]
COINBASE = Address(b"\xc0" * 20)
NOBODY = Address(b"\xee" * 20)
EMPTY = Address(b"\xe0" * 20)
GAS_PRICE, BASE_FEE = 10, 7
FUNDS = 10**18


def contract(
    source: str | bytes, balance: int = 0, storage: Mapping[int, int] | None = None
) -> Account:
    """An account with code."""
    code = assemble(source) if isinstance(source, str) else source
    return Account(balance, 1, code, keccak(code), storage or {})


def world(accounts: Mapping[Address, Account] | None = None) -> dict[Address, Account]:
    """The accounts, and the senders with their funds."""
    return {**{sender: Account(FUNDS) for sender in SENDERS}, **(accounts or {})}


def context(fork: str, coinbase: Address = COINBASE) -> BlockContext:
    """A block of a fork."""
    since = FORKS.index(fork).__ge__
    return BlockContext(
        number=BlockNumber(1_000),
        timestamp=1_000_000,
        coinbase=coinbase,
        gas_limit=30_000_000,
        base_fee_per_gas=BASE_FEE if since(FORKS.index("london")) else None,
        excess_blob_gas=0 if since(FORKS.index("cancun")) else None,
        blob_base_fee=1 if since(FORKS.index("cancun")) else None,
    )


def transaction(sender: int, to: Address | None, **members: Any) -> Signed:
    """A transaction of one of `SENDERS`; a legacy one unless ``members`` say otherwise."""
    authorities = members.pop("authorities", ())
    return Signed(
        SimpleNamespace(
            **{
                "type": 0,
                "nonce": 0,
                "gas": 400_000,
                "to": to,
                "value": 0,
                "data": b"",
                "gas_price": GAS_PRICE,
                "max_fee_per_gas": GAS_PRICE,
                "max_priority_fee_per_gas": GAS_PRICE - BASE_FEE,
                "max_fee_per_blob_gas": 0,
                "access_list": (),
                "blob_hashes": (),
                "authorizations": (),
                **members,
            }
        ),
        SENDERS[sender],
        authorities,
    )


def run(
    fork: str,
    accounts: Mapping[Address, Account],
    steps: Sequence[Any],
    execute_block: Any = reference.execute_block,
    coinbase: Address = COINBASE,
) -> tuple[BlockResult, AccountState]:
    """The result of a block, and the accounts after it."""
    state = AccountState(accounts)
    result = execute_block(steps, state, Evm(fork, context(fork, coinbase)))
    after = state.copy()
    after.apply(result.writes)
    return result, after


def words(*numbers: int) -> bytes:
    """Call data of 32-byte words."""
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def number_of(address: bytes) -> int:
    """An address as a word."""
    return int.from_bytes(address, "big")


class Spy(ReferenceView):
    """A view that remembers what was asked of it."""

    def __init__(self, accounts: Mapping[Address, Account]) -> None:
        state = AccountState(accounts)
        super().__init__(0, lambda key: ABSENT if state.get(key) is None else state.get(key))
        self.gets: list[Any] = []
        self.bounds: list[tuple[Any, int]] = []

    def get(self, key: Any, default: Any = None) -> Any:
        self.gets.append(key)
        return super().get(key, default)

    def at_least(self, key: Any, bound: Any) -> bool:
        self.bounds.append((key, bound))
        return super().at_least(key, bound)

    @property
    def written(self) -> dict[Any, Any]:
        """What was written; an amount added stands as ``("+", amount)``."""
        return {
            key: ("+", value.amount) if hasattr(value, "amount") else value
            for key, value in self.writes.items()
        }


def spy_on(fork: str, accounts: Mapping[Address, Account], step: Any) -> tuple[Spy, Any]:
    """Run one step; what it asked and wrote, and what it came to."""
    view = Spy(accounts)
    return view, Evm(fork, context(fork))(view, step)
