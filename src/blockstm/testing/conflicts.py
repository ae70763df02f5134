"""Transactions that conflict on purpose, to stand among others in a block for `Evm`.

A few accounts of the generator send to each other, to the other accounts of the block, and to a few
contracts: a counter, a reader of other accounts, and a factory that creates a child by CREATE2,
which can destroy itself (SELFDESTRUCT) and be created again. From Prague on the accounts delegate
to all of these.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from blockstm.ethereum.blocks.transaction import Authorization, Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account, AccountState, nonce_of
from blockstm.types import Address
from blockstm.vm.evm import FORKS, Evm, Signed

__all__ = ["ConflictGenerator"]

_ETHER = 10**18
_GAS = 300_000
_ACTORS = 6
_SALTS = 3
_NOBODY = Address(bytes(20))

# SLOAD(0)+1 → SSTORE(0), and the same number as a log.
_COUNTER = bytes.fromhex("6000546001018060005560005260206000a000")
# BALANCE(a) + EXTCODESIZE(a) → slot a, for the address a in the data.
_READER = bytes.fromhex("60003580 31 81 3b 01 90 55 00")
# Without data: SLOAD(0)+1 → SSTORE(0). With data: SELFDESTRUCT in favour of the address in it.
_CHILD = bytes.fromhex("36600e57 600054600101600055 00 5b600035ff")
# Returns _CHILD as the code of a new contract.
_CHILD_INIT = b"\x72" + _CHILD + bytes.fromhex("6000526013600df3")
# CREATE2 of a child with the salt in the data; its address → slot of the salt.
_FACTORY = b"\x7b" + _CHILD_INIT + bytes.fromhex("600052 600035 601c 6004 6000 f5 600035 55 00")


def _named(name: str) -> Address:
    return Address(keccak(f"blockstm conflicts {name}".encode())[12:])


_COUNTER_AT, _READER_AT, _FACTORY_AT = _named("counter"), _named("reader"), _named("factory")


class ConflictGenerator:
    """Draws transactions for one block.

    Args:
        evm: the EVM that the block is for; its fork decides what is drawn.
        rng: what draws.

    Attributes:
        accounts: what the block has to start with.

    Example:
        >>> from blockstm.vm.evm import BlockContext
        >>> context = BlockContext(number=1, timestamp=0, coinbase=bytes(20), gas_limit=10**9)
        >>> conflicts = ConflictGenerator(Evm("osaka", context), random.Random(1))
        >>> conflicts.draw(AccountState(conflicts.accounts)).sender in conflicts.accounts
        True
    """

    def __init__(self, evm: Evm, rng: random.Random) -> None:
        self._rng = rng
        self._gas_price = max(1, evm.block.base_fee_per_gas or 0)
        self._actors = [_named(f"actor {n}") for n in range(_ACTORS)]
        self._children = [_child_of(salt) for salt in range(_SALTS)]
        self._met: list[Address] = [evm.block.coinbase, Address(bytes(19) + b"\x04")]
        self._kinds: list[Callable[[], Signed]] = [
            self._transfer,
            self._transfer,
            self._count,
            self._read,
            self._make_child,
            self._call_child,
            self._create,
        ]
        self._delegates = FORKS.index(evm.fork) >= FORKS.index("prague")
        contracts = {_COUNTER_AT: _COUNTER, _READER_AT: _READER, _FACTORY_AT: _FACTORY}
        self.accounts = {
            **{address: Account(balance=1000 * _ETHER) for address in self._actors},
            **{
                address: Account(nonce=1, code=code, code_hash=keccak(code))
                for address, code in contracts.items()
            },
        }

    def meet(self, addresses: Iterable[Address]) -> None:
        """Add accounts of the block that the transactions may touch."""
        self._met += sorted(addresses)

    def draw(self, state: AccountState) -> Signed:
        """A transaction that fits the state before it; its nonce is still to be set."""
        if self._delegates and self._rng.random() < 0.15:
            return self._delegate(state)
        return self._rng.choice(self._kinds)()

    # ---- kinds of transactions

    def _transfer(self) -> Signed:
        to = self._rng.choice([*self._actors, *self._children, *self._met])
        return self._signed(to, value=self._rng.choice([0, 1, _ETHER, 400 * _ETHER]))

    def _count(self) -> Signed:
        return self._signed(_COUNTER_AT)

    def _read(self) -> Signed:
        return self._signed(_READER_AT, _word(self._anyone()))

    def _make_child(self) -> Signed:
        return self._signed(_FACTORY_AT, self._rng.randrange(_SALTS).to_bytes(32, "big"))

    def _call_child(self) -> Signed:
        child = self._rng.choice(self._children)
        data = self._rng.choice([b"", _word(self._anyone()), _word(child)])
        return self._signed(child, data, value=self._rng.choice([0, 7]))

    def _create(self) -> Signed:
        return self._signed(None, _CHILD_INIT, value=self._rng.choice([0, 3]))

    def _delegate(self, state: AccountState) -> Signed:
        sender, authority = self._rng.choice(self._actors), self._rng.choice(self._actors)
        nonce = state.get(nonce_of(authority), 0) + (sender == authority)
        target = self._rng.choice([_COUNTER_AT, _READER_AT, _NOBODY, *self._children, *self._met])
        wrong = self._rng.random() < 0.1
        given = Authorization(0, target, nonce + wrong, 0, 1, 1)
        to = self._rng.choice(self._actors)
        return self._signed(
            to, _word(self._anyone()), sender=sender, given=(given,), authorities=(authority,)
        )

    def _signed(
        self,
        to: Address | None,
        data: bytes = b"",
        *,
        value: int = 0,
        sender: Address | None = None,
        given: tuple[Authorization, ...] = (),
        authorities: tuple[Address, ...] = (),
    ) -> Signed:
        transaction = Transaction(
            type=4 if given else 0,
            nonce=0,
            gas=_GAS,
            to=to,
            value=value,
            data=data,
            v=27,
            r=1,
            s=1,
            gas_price=0 if given else self._gas_price,
            max_fee_per_gas=2 * self._gas_price if given else 0,
            max_priority_fee_per_gas=1 if given else 0,
            authorizations=given,
        )
        return Signed(transaction, sender or self._rng.choice(self._actors), authorities)

    def _anyone(self) -> Address:
        return self._rng.choice([*self._actors, *self._children, *self._met])


def _child_of(salt: int) -> Address:
    """The address of a child of the factory (EIP-1014)."""
    preimage = b"\xff" + _FACTORY_AT + salt.to_bytes(32, "big") + keccak(_CHILD_INIT)
    return Address(keccak(preimage)[12:])


def _word(address: Address) -> bytes:
    return bytes(12) + address
