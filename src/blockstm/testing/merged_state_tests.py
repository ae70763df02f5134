"""Transactions from many places merged into one block, so that they meet each other.

An official state test holds one transaction on a state of its own. `merge` lays many of those
states over each other and runs the transactions one after another, each several times, with
transactions in between that conflict on purpose (`ConflictGenerator`): transfers, contracts that
are created, destroyed and created again at one address, readers of other accounts, delegations.
The expected result of the block is that of running it in order; the tests' own expectations no
longer hold.

Where two states have different code at one address, the later one moves to an address of its own,
in its code, data and storage too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from blockstm.errors import BlockError, InvalidBlock
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import Executor
from blockstm.state.accounts import Account, AccountState, nonce_of
from blockstm.testing.conflicts import ConflictGenerator
from blockstm.types import Address
from blockstm.vm.evm import Evm, Signed

__all__ = ["MergedBlock", "Piece", "merge"]

_ROUNDS = 2  # how often each piece is run
_KEPT_INVALID = 0.1  # of the transactions that turn out invalid: they are skipped in every run
_MOVABLE_BYTES = 6  # an address with fewer bytes that are not zero is written short in code


@dataclass(frozen=True, slots=True)
class Piece:
    """A transaction with the state that it was made for.

    Attributes:
        accounts: that state.
        signed: the transaction and who signed it; its nonce will be changed.
    """

    accounts: Mapping[Address, Account]
    signed: Signed


@dataclass(slots=True)
class MergedBlock:
    """A block for `Evm`.

    Attributes:
        accounts: the state that it starts from.
        steps: its transactions, in order.
        pieces: how many of the pieces are in it.
        left_out: those that cannot be laid over the others; they may fit into another block.
    """

    accounts: dict[Address, Account] = field(default_factory=dict)
    steps: list[Signed] = field(default_factory=list)
    pieces: int = 0
    left_out: list[Piece] = field(default_factory=list)


def merge(
    pieces: Iterable[Piece],
    evm: Evm,
    *,
    seed: int,
    forced: bool = False,
    mixed: float = 0.5,
    gas_max: int = 1_000_000,
) -> MergedBlock:
    """A block of all pieces that fit together.

    Args:
        pieces: see `Piece`.
        evm: the EVM that the block is for.
        seed: of everything that is drawn.
        forced: whether a piece is merged although one of its addresses is in use and cannot move.
            Its transaction's receiver gets another address then; its other accounts are those
            that are there already.
        mixed: how many transactions of the `ConflictGenerator` there are for each one of a piece,
            on average.
        gas_max: the gas that a transaction has at most, for speed.

    Example:
        >>> from blockstm.vm.evm import BlockContext
        >>> context = BlockContext(number=1, timestamp=0, coinbase=bytes(20), gas_limit=10**9)
        >>> merge([], Evm("osaka", context), seed=1).pieces
        0
    """
    rng = random.Random(seed)
    block = MergedBlock()
    conflicts = ConflictGenerator(evm, rng)
    block.accounts |= conflicts.accounts
    laid: list[Signed] = []
    for piece in pieces:
        signed = _lay(piece, block.accounts, rng.random() < 0.5, forced)
        if signed is None:
            block.left_out.append(piece)
        else:
            laid.append(signed)
    block.pieces = len(laid)
    conflicts.meet(block.accounts)
    wanted = [signed for signed in laid for _ in range(_ROUNDS)]
    rng.shuffle(wanted)
    with Executor(workers=1) as executor:
        fitter = _Fitter(evm, AccountState(block.accounts), executor, rng, gas_max)
        for signed in wanted:
            while rng.random() < mixed / (1 + mixed):
                block.steps += fitter.fit(conflicts.draw(fitter.state))
            block.steps += fitter.fit(signed)
    return block


# ---- states over each other


def _lay(
    piece: Piece, accounts: dict[Address, Account], moves_sender: bool, forced: bool
) -> Signed | None:
    """Add a piece's accounts; the transaction as it has to be then, None if they do not fit.

    Many tests have one sender, so it may move too: else all would wait for each other.
    """
    moves: dict[Address, Address] = {}
    for address, account in piece.accounts.items():
        is_alone = moves_sender and address == piece.signed.sender
        if address not in accounts or (_agree(account, accounts[address]) and not is_alone):
            continue
        if _is_movable(address) or (forced and address == piece.signed.transaction.to):
            moves[address] = _free_address(address, accounts)
        elif not forced and not is_alone:
            return None
    if moves:
        piece = _moved(piece, moves)
    for address, account in piece.accounts.items():
        below = accounts.get(address, account)
        accounts[address] = replace(below, balance=max(account.balance, below.balance))
    return piece.signed


def _agree(one: Account, other: Account) -> bool:
    return one.code_hash == other.code_hash and (not one.code or one.storage == other.storage)


def _is_movable(address: Address) -> bool:
    return sum(map(bool, address)) >= _MOVABLE_BYTES


def _free_address(address: Address, taken: Mapping[Address, Account]) -> Address:
    while address in taken:
        address = Address(keccak(address)[12:])
    return address


def _moved(piece: Piece, moves: Mapping[Address, Address]) -> Piece:
    """A piece with other addresses, wherever their 20 bytes stand."""

    def move(data: bytes) -> bytes:
        for old, new in moves.items():
            data = data.replace(old, new)
        return data

    def move_account(account: Account) -> Account:
        code = move(account.code or b"")
        storage = {
            slot: int.from_bytes(move(value.to_bytes(32, "big")), "big")
            for slot, value in account.storage.items()
        }
        code_hash = keccak(code) if code else account.code_hash
        return replace(account, code=code, code_hash=code_hash, storage=storage)

    accounts = {
        Address(move(address)): move_account(account) for address, account in piece.accounts.items()
    }
    signed = piece.signed
    transaction: Transaction = signed.transaction
    moved = replace(
        transaction,
        to=transaction.to and Address(move(transaction.to)),
        data=move(transaction.data),
        access_list=tuple((Address(move(a)), slots) for a, slots in transaction.access_list),
        authorizations=tuple(
            replace(each, address=Address(move(each.address)))
            for each in transaction.authorizations
        ),
    )
    authorities = [each and Address(move(each)) for each in signed.authorities]
    return Piece(accounts, Signed(moved, Address(move(signed.sender)), authorities))


# ---- transactions behind each other


@dataclass(slots=True)
class _Fitter:
    """Runs a block in order while it grows, so that each transaction gets the nonce it needs."""

    evm: Evm
    state: AccountState
    executor: Executor
    rng: random.Random
    gas_max: int

    def fit(self, signed: Signed) -> Iterator[Signed]:
        """The transaction with its sender's nonce; nothing if it is not to be in the block."""
        nonce = self.state.get(nonce_of(signed.sender), 0)
        gas = min(signed.transaction.gas, self.gas_max)
        transaction = replace(signed.transaction, nonce=nonce, gas=gas)
        fitted = Signed(transaction, signed.sender, signed.authorities)
        try:
            result = self.executor.execute_block([fitted], self.state, self.evm)
        except InvalidBlock:
            if self.rng.random() < _KEPT_INVALID:
                yield fitted
            return
        except BlockError:  # it asked for what no state of a test has, as the code of a hash
            return
        self.state.apply(result.writes)
        yield fitted
