"""Whole cases: a few contracts that know each other, a few people, what transactions they send."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from tests.fuzz import boundaries
from tests.fuzz.case import CHAIN_ID, Account, Case, Sent
from tests.fuzz.choices import Choices
from tests.fuzz.programs import SLOTS, Program, Surroundings, precompiles_of
from tests.keys import Key

from blockstm.ethereum.blocks.transaction import Authorization, Transaction, TransactionType
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.vm.forks import CANCUN, LONDON, PARIS, PRAGUE, SPURIOUS_DRAGON, Fork

KEYS = tuple(bytes([number]) * 32 for number in range(1, 5))
CONTRACTS = tuple(bytes.fromhex(f"c0de{number:036x}") for number in range(1, 5))
NOBODY = bytes.fromhex("00" * 18 + "dead")
EMPTY = bytes.fromhex("00" * 18 + "e111")
RICH = 10**21
_SLOW_IN = 150  # one case of so many calls precompiles that take the oracles a second


_ODD_GAS = ((1, 20_999), (1, 21_000), (2, 21_001), (2, 25_000), (2, 53_500), (9, 1_000_000))


@cache
def address_of(key: bytes) -> bytes:
    """Whose transactions the key signs."""
    return Key(key).address


@cache
def created_by(creator: bytes, nonce: int) -> bytes:
    """Where CREATE, or a transaction without a receiver, puts a contract."""
    return keccak(encode([creator, nonce]))[12:]


PEOPLE = tuple(address_of(key) for key in KEYS)


class World:
    """A case in the making."""

    def __init__(self, choices: Choices, fork: Fork, size: int) -> None:
        self.choices = choices
        self.fork = fork
        self.size = size
        self.base_fee = choices.pick((7, 1, 10**9)) if fork >= LONDON else 0
        self.excess_blob_gas = choices.pick((0, 0, 2**20, 30 * 2**20)) if fork >= CANCUN else 0
        self.number = choices.pick((1, 2, 300, 1_000_000))
        self.coinbase = choices.pick((b"\xc0" * 20, b"\xc0" * 20, PEOPLE[0], CONTRACTS[0], NOBODY))
        self.nonces = {person: choices.pick((0, 0, 1, 7)) for person in PEOPLE}
        self.blobs = fork.blobs.max if fork.blobs else 0
        slow = choices.number(0, _SLOW_IN - 1) == _SLOW_IN - 1
        self.around = Surroundings(fork, self.number, self._pool(), slow)
        self.accounts = self._accounts()

    def _pool(self) -> list[bytes]:
        precompiles = [number.to_bytes(20, "big") for number in precompiles_of(self.fork)]
        created = [created_by(creator, nonce) for creator in CONTRACTS[:2] for nonce in (0, 1)]
        created += [created_by(person, self.nonces[person]) for person in PEOPLE[:2]]
        pool = [*CONTRACTS * 3, *PEOPLE, NOBODY, EMPTY, self.coinbase, *created]
        return [*pool, *self.choices.pick(((), precompiles))]

    def _accounts(self) -> dict[bytes, Account]:
        accounts = {}
        for person in PEOPLE:
            balance = self.choices.weighed(((28, RICH), (1, 10**16), (1, 0)))
            accounts[person] = Account(self.nonces[person], balance)
        if self.fork >= PRAGUE and self.choices.chance(30):
            target = self.choices.pick(self.around.addresses)
            person = self.choices.pick(PEOPLE)
            code = b"\xef\x01\x00" + target
            accounts[person] = accounts[person]._replace(code=code, nonce=self.nonces[person] or 1)
            self.nonces[person] = accounts[person].nonce
        for address in CONTRACTS[: self.choices.number(2, len(CONTRACTS))]:
            accounts[address] = self._contract()
        if self.fork < SPURIOUS_DRAGON and self.choices.chance(50):
            accounts[EMPTY] = Account()
        if self.choices.chance(10):
            accounts[self.coinbase] = accounts.get(self.coinbase, Account(balance=1))
        return accounts

    def _contract(self) -> Account:
        code = Program(self.choices, self.around, self.choices.number(3, self.size)).code()
        filled = [slot for slot in SLOTS if self.choices.chance(40)]
        storage = {slot: self.choices.weighed(((5, 1), (2, 2), (1, 2**256 - 1))) for slot in filled}
        return Account(
            nonce=1 if self.fork >= SPURIOUS_DRAGON else self.choices.number(0, 1),
            balance=self.choices.pick((0, 0, 1, 10**18)),
            code=code,
            storage=storage,
        )

    # ---- transactions

    def transaction(self) -> Sent:
        """One more transaction, by someone whose nonce then moves on."""
        choices = self.choices
        kind = choices.number(0, self.fork.newest_transaction_type)
        key = choices.pick(KEYS[:3])
        sender = address_of(key)
        to, data = self._call()
        if to is None and kind >= TransactionType.BLOB and choices.chance(70):
            to = CONTRACTS[0]  # no creation has these types: most would say nothing
        nonce = self.nonces[sender]
        if choices.chance(3):
            nonce = choices.pick((nonce + 1, max(0, nonce - 1)))
        else:
            self.nonces[sender] += 1
        unsigned = Transaction(
            type=kind,
            nonce=nonce,
            gas=self._gas() + (60_000 if to is None and choices.chance(90) else 0),
            to=to,  # type: ignore[arg-type]  # 20 bytes are an Address
            value=choices.weighed(((40, 0), (20, 1), (20, 10**17), (1, 2**100), (1, RICH))),
            data=data,
            v=0,
            r=0,
            s=0,
            **self._fees(kind),
            **self._extras(kind),
        )
        return Sent(signed(unsigned, key), sender)

    def _call(self) -> tuple[bytes | None, bytes]:
        choices = self.choices
        kind = choices.number(0, 19)
        if kind <= 1:
            program = Program(choices, self.around, choices.number(1, self.size))
            return None, program.initcode()
        if kind == 2:
            return choices.pick(self.around.addresses), b""
        data = b"".join(
            boundaries.word(choices).to_bytes(32, "big") for _ in range(choices.number(0, 3))
        )
        there = [address for address in CONTRACTS if address in self.accounts]
        to = choices.pick(there) if kind <= 17 else choices.pick(self.around.addresses)
        return to, data[: len(data) - choices.pick((0, 0, 0, 1, 30))] if data else data

    def _gas(self) -> int:
        choices = self.choices
        kind = choices.number(0, 19)
        if kind <= 15:
            return 200_000 + choices.number(0, 400_000)
        if kind <= 17:
            return 30_000 + choices.number(0, 70_000)
        return choices.weighed(_ODD_GAS)

    def _fees(self, kind: int) -> dict[str, int]:
        choices, base = self.choices, self.base_fee
        price = base + choices.pick((0, 1, 10, 10**9))
        if choices.chance(2):
            price = max(0, base - 1)
        if kind <= TransactionType.ACCESS_LIST:
            return {"gas_price": price}
        tip = min(price, choices.pick((0, 1, 10, 10**10)))
        if choices.chance(1):
            tip = price + 1
        return {"max_fee_per_gas": price, "max_priority_fee_per_gas": tip}

    def _extras(self, kind: int) -> dict[str, Any]:
        """The members that only some types have."""
        choices = self.choices
        if kind == TransactionType.LEGACY:
            protected = self.fork >= SPURIOUS_DRAGON and choices.chance(60)
            return {"chain_id": CHAIN_ID} if protected else {}
        members: dict[str, Any] = {
            "chain_id": CHAIN_ID,
            "access_list": tuple(
                (
                    choices.pick(self.around.addresses),
                    tuple(choices.pick(SLOTS) for _ in range(choices.number(0, 3))),
                )
                for _ in range(choices.number(0, 3))
            ),
        }
        if kind == TransactionType.BLOB:
            members["max_fee_per_blob_gas"] = choices.weighed(((9, 10**12), (1, 0)))
            first = choices.weighed(((30, 1), (1, 2)))
            count = min(choices.number(1, 2), self.blobs)
            self.blobs -= count
            members["blob_hashes"] = tuple(
                bytes([first]) + bytes(30) + bytes([place]) for place in range(count)
            )
        if kind == TransactionType.SET_CODE:
            count = choices.weighed(((1, 0), (9, 1), (5, 2), (3, 3)))
            members["authorizations"] = tuple(self._authorization() for _ in range(count))
        return members

    def _authorization(self) -> Authorization:
        choices = self.choices
        key = choices.pick(KEYS)
        nonce = self.nonces[address_of(key)] + choices.weighed(((5, 0), (5, 1), (1, 2)))
        chain_id = choices.weighed(((8, CHAIN_ID), (4, 0), (1, 2)))
        target = choices.weighed(((8, choices.pick(self.around.addresses)), (1, bytes(20))))
        if choices.chance(2):
            nonce = choices.pick((2**64 - 1, 2**64 - 2))
        hash_ = keccak(b"\x05" + encode([chain_id, target, nonce]))
        r, s, parity = signature(key, hash_)
        if choices.chance(4):
            r, s, parity = choices.pick(
                ((0, s, parity), (r, 0, parity), (r, 2**256 - s, parity), (r, s, 2), (r, s, 255))
            )
        return Authorization(chain_id, target, nonce, parity, r, s)  # type: ignore[arg-type]  # as above


def signature(key: bytes, hash_: bytes) -> tuple[int, int, int]:
    """r, s and the parity of y."""
    return Key(key).sign(hash_)


def signed(unsigned: Transaction, key: bytes) -> Transaction:
    """The transaction with the key's signature."""
    r, s, parity = signature(key, unsigned.signing_hash)
    v = parity
    if unsigned.type == TransactionType.LEGACY:
        v += 27 if unsigned.chain_id is None else 35 + 2 * unsigned.chain_id
    return replace(unsigned, v=v, r=r, s=s)


def make_case(
    choices: Choices, fork: Fork, *, size: int = 16, transactions: int = 5, story: str = ""
) -> Case:
    """A case; ``size`` statements a program and ``transactions``, at most."""
    world = World(choices, fork, size)
    sent = tuple(world.transaction() for _ in range(choices.number(1, transactions)))
    return Case(
        fork_name=fork.name,
        number=world.number,
        timestamp=1_800_000_000,
        coinbase=world.coinbase,
        difficulty=0 if fork >= PARIS else 2**40,
        mix_hash=keccak(b"mix") if fork >= PARIS else bytes(32),
        gas_limit=10**9,
        base_fee=world.base_fee,
        excess_blob_gas=world.excess_blob_gas,
        accounts=world.accounts,
        transactions=sent,
        story=story,
    )
