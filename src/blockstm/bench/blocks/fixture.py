"""The fixture of a workload: people, tokens and pools, and the state they begin with.

Contracts are put in place; what they hold is brought about by a block of transactions that is run
beforehand, so that nothing here knows how they lay out their storage.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from blockstm.ai import Deployment, Model, Reference, precompiles
from blockstm.bench.bare_blocks import BASE_FEE, unsigned_transaction
from blockstm.bench.evm.artefacts import runtime, selector
from blockstm.errors import InternalError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import execute_block
from blockstm.state.accounts import Account, AccountState
from blockstm.types import Address, BlockNumber
from blockstm.vm.evm import BlockContext, Evm, Signed

__all__ = ["CALL_GAS", "GAS_PRICE", "TIME", "TRANSFER_GAS", "Fixture"]

TRANSFER_GAS = 21_000
CALL_GAS = 400_000
_GAS_BEFORE = 5_000_000
TIP = 10**9
GAS_PRICE = BASE_FEE + TIP
"""The gas price of a transaction, in wei; half of it goes to the coinbase."""
FORK = "osaka"
RICH = 10**24
"""The initial balance where no account is meant to run out of ether, in wei."""
TIME = 1_700_000_000
"""When the workload's block is, in s."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Fixture:
    """Makes accounts and transactions of one workload, and counts everyone's nonces.

    Args:
        coinbase: who gets the fees; default: an account of nobody else.
    """

    def __init__(self, coinbase: Address | None = None) -> None:
        self._accounts: dict[Address, Account] = {}
        self._nonces: Counter[Address] = Counter()
        self._beforehand: list[Signed] = []
        self._precompiles: dict[Address, Any] = {}
        self._minter = self.person("minter")
        self.coinbase = coinbase or self.named("coinbase")

    @staticmethod
    def named(name: str) -> Address:
        """The address of the person, token or pool with that name."""
        return Address(keccak(b"workload " + name.encode())[12:])

    # ---- who is there

    def person(self, name: str, balance: int = RICH) -> Address:
        """An account that signs transactions; ``balance`` in wei."""
        address = self.named(name)
        self._accounts[address] = Account(balance=balance)
        return address

    def people(self, kind: str, count: int, balance: int = RICH) -> list[Address]:
        """As many people, told apart by a number."""
        return [self.person(f"{kind} {number}", balance) for number in range(count)]

    def contract(self, name: str, code: bytes) -> Address:
        """A contract with this code and nothing in its storage."""
        address = self.named(name)
        self.contract_at(address, code, {})
        return address

    def contract_at(self, address: Address, code: bytes, storage: Mapping[int, int]) -> None:
        """A contract at an address, with slots."""
        self._accounts[address] = Account(
            nonce=1, code=code, code_hash=keccak(code), storage=storage
        )

    def token(self, name: str) -> Address:
        """A new ERC-20 without holders."""
        return self.contract(name, runtime("token"))

    def pool(self, name: str, first: Address, second: Address, depth: int) -> Address:
        """A constant-product pool of two tokens, ``depth`` of each."""
        pool = self.contract(name, runtime("pool"))
        self.mint(first, pool, depth)
        self.mint(second, pool, depth)
        self.before("pool", "initialise", self._minter, pool, first, second)
        return pool

    def model(self, model: Model, name: str) -> Reference:
        """A model on chain: its program, which is asked by the instructions of `blockstm.ai`."""
        deployment = Deployment(model, self.named(name))
        for address, code in deployment.codes.items():
            self.contract_at(address, code, {})
        self._precompiles = precompiles()
        return deployment.program

    def mint(self, token: Address, holder: Address, amount: int) -> None:
        """Have the holder begin with some of the token."""
        self.before("token", "mint", self._minter, token, holder, amount)

    def approve(self, token: Address, holder: Address, spender: Address, amount: int) -> None:
        """Have the spender begin with a right to some of what the holder has."""
        self.before("token", "approve", holder, token, spender, amount)

    def before(
        self,
        contract: str,
        method: str,
        caller: Address,
        to: Address,
        *words: bytes | int,
        value: int = 0,
    ) -> None:
        """Have a call happen before the workload's block; see `call`."""
        self._beforehand.append(
            self.call(contract, method, caller, to, *words, value=value, gas=_GAS_BEFORE)
        )

    # ---- what they do

    def pay(self, source: Address, target: Address, value: int = 1) -> Signed:
        """A plain transfer of ether, in wei."""
        return self._signed(source, target, value, b"", TRANSFER_GAS)

    def call(
        self,
        contract: str,
        method: str,
        caller: Address,
        to: Address,
        *words: bytes | int,
        value: int = 0,
        gas: int = CALL_GAS,
    ) -> Signed:
        """A call of a method of one of our compiled contracts.

        Args:
            words: its arguments: numbers, addresses, and words of 32 bytes.
            value: in wei.
            gas: which it may use.
        """
        arguments = (
            word.to_bytes(32, "big") if isinstance(word, int) else word.rjust(32, b"\0")
            for word in words
        )
        data = selector(contract, method) + b"".join(arguments)
        return self._signed(caller, to, value, data, gas)

    def send(self, caller: Address, to: Address, data: bytes, gas: int) -> Signed:
        """A call of any contract."""
        return self._signed(caller, to, 0, data, gas)

    def give(self, token: Address, source: Address, target: Address, amount: int = 1) -> Signed:
        """A transfer of an ERC-20."""
        return self.call("token", "transfer", source, token, target, amount)

    def swap(self, pool: Address, trader: Address, amount: int) -> Signed:
        """A swap of the pool's first token for its second."""
        return self.call("pool", "swap", trader, pool, 1, amount, 1, trader)

    @property
    def uses_ai(self) -> bool:
        """Whether there is a model."""
        return bool(self._precompiles)

    @contextmanager
    def nonces_kept(self) -> Iterator[None]:
        """Forget afterwards that transactions were made: they are of another block."""
        before = self._nonces.copy()
        yield
        self._nonces = before

    # ---- when all is there

    def evm(self, fork: str = FORK, *, number: int = 1, time: int = TIME) -> Evm:
        """The EVM in the workload's block, or in another: its number, and its time in s."""
        context = BlockContext(
            number=BlockNumber(number),
            timestamp=time,
            coinbase=self.coinbase,
            gas_limit=1 << 50,
            base_fee_per_gas=BASE_FEE,
            excess_blob_gas=0,
            blob_base_fee=1,
        )
        return Evm(fork, context, precompiles=self._precompiles)

    def state(self, order: random.Random | None = None) -> AccountState:
        """The state that the workload begins with.

        Args:
            order: draws the order in which accounts and slots are listed; default: that of use.

        Raises:
            InternalError: something that was to happen beforehand failed.
        """
        state = AccountState(dict(_listed(self._accounts.items(), order)))
        done = execute_block(self._beforehand, state, self.evm(), workers=1)
        if not all(outcome.value.succeeded for outcome in done.outcomes):
            raise InternalError("a workload's fixture could not be brought about")
        writes = _without_fees(done.writes.items(), self.coinbase)
        state.apply(dict(_listed(writes.items(), order)))
        return state

    def _signed(self, sender: Address, to: Address, value: int, data: bytes, gas: int) -> Signed:
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        transaction = unsigned_transaction(
            to, value, data, nonce=nonce, gas=gas, max_fee=GAS_PRICE, tip=TIP
        )
        return Signed(transaction, sender)


def _listed(
    items: Iterable[tuple[_Key, _Value]], order: random.Random | None
) -> list[tuple[_Key, _Value]]:
    """The items, shuffled where an order is to be drawn."""
    listed = list(items)
    if order is not None:
        order.shuffle(listed)
    return listed


def _without_fees(
    writes: Iterable[tuple[object, object]], coinbase: Address
) -> dict[object, object]:
    """Take back the fees that setting up the state has paid to the coinbase."""
    return {key: value for key, value in writes if key != (coinbase, "balance")}
