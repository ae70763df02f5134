"""`check_ethereum_state`: what a `blockstm.ethereum.State` promises, for states of your own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from blockstm.ethereum import (
    Account,
    AccountState,
    Block,
    ExecutedBlock,
    Header,
    RootedState,
    State,
    StateTrie,
    Transaction,
    Withdrawal,
    prepare,
)
from blockstm.executor import Executor
from blockstm.messages import brief
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.types import Address, BlockNumber, Hash32

__all__ = ["check_ethereum_state"]

_FORK: Final = "shanghai"
_COUNTER: Final = bytes.fromhex("60003580546001019055")  # counts at the slot that it is called with
_CREATOR: Final = bytes.fromhex("60006000600060006000f5")  # an account without code by CREATE2
_COINBASE: Final = Address(b"\xc0" * 20)
_SENDERS: Final = [Address(bytes([0xA0 + index]) * 20) for index in range(4)]
_COUNTERS: Final = [Address(bytes([0xB0 + index]) * 20) for index in range(2)]
_MAKER: Final = Address(b"\xd0" * 20)
_EMPTY: Final = Address(b"\xe0" * 20)
_STORED: Final = Address(b"\xe1" * 20)
_NOBODY: Final = Address(b"\xee" * 20)
_FUNDS: Final = 10**18
_SLOTS: Final = {0: 1, 1: 2**256 - 1, 2**256 - 1: 7}

MakeState = Callable[[Mapping[Address, Account]], State]


def check_ethereum_state(make_state: MakeState, *, workers: Sequence[int] = (1, 2, 4)) -> None:
    """Fail unless a state of Ethereum accounts keeps the promises that blocks rely on.

    Accounts, slots and codes read as they were given, from several threads; what is not there
    reads as None, zero, or, of a code, as an error; blocks give what they give on an
    `AccountState`, whatever the workers, and leave the state as it was; its root is right, if it
    knows one (`RootedState`).

    Args:
        make_state: called with accounts by address, makes the state that has these and no others.
        workers: how many threads run the blocks.

    Raises:
        AssertionError: a promise is broken; the message says which.

    Example:
        >>> from blockstm.ethereum import AccountState
        >>> from blockstm.testing import check_ethereum_state
        >>> check_ethereum_state(AccountState, workers=[1])
    """
    accounts = _accounts()
    state = make_state(accounts)
    _require(isinstance(state, State), f"a State has account, storage and code: {brief(state)}")
    _check_reads(state, accounts)
    _check_in_threads(lambda: _check_reads(state, accounts))
    expected = _executed(AccountState(accounts), 1)
    for count in workers:
        found = _executed(state, count)
        _require(
            dict(found.writes) == dict(expected.writes)
            and list(found.receipts) == list(expected.receipts),
            f"a block run by {count} workers gives something else than on an AccountState",
        )
    if isinstance(state, RootedState):
        _check_root(state, accounts, expected)
    _check_reads(state, accounts)


def _accounts() -> dict[Address, Account]:
    return {
        **{sender: Account(_FUNDS) for sender in _SENDERS},
        **{counter: Account(3, 1, _COUNTER, None, _SLOTS) for counter in _COUNTERS},
        _MAKER: Account(0, 1, _CREATOR),
        _EMPTY: Account(),
        _STORED: Account(5, storage={9: 9}),
    }


def _check_reads(state: State, accounts: Mapping[Address, Account]) -> None:
    pairs = list(accounts.items())
    for address, account in [*pairs, *reversed(pairs)]:
        where = f"the account 0x{address.hex()}"
        found = state.account(address)
        if found is None:
            raise AssertionError(f"{where} is there, and reads as None")
        for name in ("balance", "nonce", "code_hash"):
            value, right = getattr(found, name), getattr(account, name)
            _require(value == right, f"{where} has a {name} of {brief(right)}, not {brief(value)}")
        if account.code_hash == EMPTY_CODE_HASH and not account.nonce:
            _require(
                found.has_storage == account.has_storage,
                f"{where} says has_storage={brief(found.has_storage)} of "
                f"{len(account.storage)} slots",
            )
        for slot in (*account.storage, 12345):
            value, right = state.storage(address, slot), account.storage.get(slot, 0)
            _require(value == right, f"slot {slot} of {where} is {right}, not {brief(value)}")
        if account.code:
            code = state.code(account.code_hash)
            _require(code == account.code, f"the code of {where} reads as {brief(code)}")
    _require(state.account(_NOBODY) is None, "an account that is not there reads as None")
    _require(state.storage(_NOBODY, 0) == 0, "a slot of no account reads as 0")
    _check_unknown_code(state)


def _check_unknown_code(state: State) -> None:
    try:
        code = state.code(Hash32(b"\x11" * 32))
    except Exception:
        return
    raise AssertionError(f"a code that no account has is an exception, not {brief(code)}")


def _check_in_threads(check: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            check()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise AssertionError(f"read from 4 threads: {brief(failures[0])}") from failures[0]


def _check_root(
    state: RootedState, accounts: Mapping[Address, Account], executed: ExecutedBlock
) -> None:
    trie = StateTrie.of(accounts)
    trie.apply(executed.writes, state)
    root = state.root_after(executed.writes)
    _require(
        root == trie.root, f"root_after gives {brief(root)} where 0x{trie.root.hex()} is right"
    )


def _executed(state: State, workers: int) -> ExecutedBlock:
    with Executor(workers=workers) as executor:
        block = _block()
        senders = [_SENDERS[index % len(_SENDERS)] for index in range(len(block.transactions))]
        prepared = prepare(block, state, fork=_FORK, senders=senders, workers=workers)
        return prepared.run(executor.execute_block)


def _block() -> Block:
    """Transfers, calls that read and write slots, contracts made, and a withdrawal."""
    targets: list[tuple[Address | None, int, bytes]] = [
        (_NOBODY, 1, b""),
        (_COUNTERS[0], 0, bytes(32)),
        (_COUNTERS[0], 0, (1).to_bytes(32, "big")),
        (_MAKER, 0, b""),
        (_COUNTERS[1], 0, bytes(32)),
        (_EMPTY, 0, b""),
        (_STORED, 2, b""),
        (_COUNTERS[0], 0, (2**256 - 1).to_bytes(32, "big")),
        (None, 0, bytes.fromhex("600a600c600039600a6000f3") + _COUNTER),  # as two accounts have it
        (_MAKER, 0, b""),
    ]
    transactions = [_transaction(index, *target) for index, target in enumerate(targets)]
    withdrawals = (Withdrawal(0, 0, _COUNTERS[1], 1),)
    header = _header()
    return Block(header.hash, header, tuple(transactions), withdrawals)


def _transaction(index: int, to: Address | None, value: int, data: bytes) -> Transaction:
    """The senders are given beside them, and no signature is looked at."""
    members: dict[str, Any] = {"v": 27, "r": 1, "s": 1, "gas_price": 10}
    return Transaction(
        type=0, nonce=index // len(_SENDERS), gas=200_000, to=to, value=value, data=data, **members
    )


def _header() -> Header:
    nothing = Hash32(bytes(32))
    return Header(
        parent_hash=nothing,
        ommers_hash=nothing,
        coinbase=_COINBASE,
        state_root=nothing,
        transactions_root=nothing,
        receipts_root=nothing,
        logs_bloom=bytes(256),
        difficulty=0,
        number=BlockNumber(1),
        gas_limit=30_000_000,
        gas_used=0,
        timestamp=1,
        extra_data=b"",
        mix_hash=nothing,
        nonce=bytes(8),
        base_fee_per_gas=7,
        withdrawals_root=nothing,
    )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
