"""Calls one after another on a session: what the engine makes of the same ones in a block."""

from __future__ import annotations

import _thread
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.test_random_calls import FORKS, PEOPLE, people, raw_codes

from blockstm import reference
from blockstm.errors import InputError, UsageError
from blockstm.ethereum import Account, AccountInfo, AccountState, CallSession, Message
from blockstm.ethereum.calls import Failure
from blockstm.types import DELETED, Address, BlockNumber
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import Evm, InvalidTransaction, Unsigned

TARGET, SENDER = Address(b"\xee" * 20), Address(b"\x11" * 20)
COUNTER = bytes.fromhex(
    "60005460005260016000540160005560206000f3"
)  # gives slot 0, and adds 1 to it
COINBASE = Address(b"\xcb" * 20)
BLOCK = BlockContext(number=BlockNumber(9), timestamp=9, coinbase=COINBASE, gas_limit=10**6)


def session(code: bytes, state: Any = None, fork: str = "cancun", **options: Any) -> CallSession:
    made = CallSession(state, fork=fork, block=BLOCK, **options)
    made.set_code(TARGET, code)
    return made


def calls() -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(
        people,
        st.one_of(people, people, st.none()),
        raw_codes,
        st.sampled_from([0, 0, 1, 10**19]),
        st.sampled_from([21_000, 60_000, 200_000, 10**9]),
        st.sampled_from([0, 0, 7]),
    )


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("fork", FORKS)
@given(
    st.lists(raw_codes, min_size=4, max_size=4),
    st.lists(calls(), max_size=6),
    st.sampled_from(["native", "python"]),
)
def test_calls_come_to_what_a_block_of_them_does(
    fork: str, contracts: list[bytes], asked: list[tuple[Any, ...]], kind: str
) -> None:
    pairs = zip(PEOPLE, contracts, strict=True)
    state = AccountState({each: Account(10**18, 1, code) for each, code in pairs})
    steps = [
        Unsigned(
            Message(sender=sender, to=to, data=data, value=value, gas=gas, gas_price=price or None),
            keeps_changes=True,
        )
        for sender, to, data, value, gas, price in asked
    ]
    block = BLOCK
    expected = reference.execute_block(steps, state, Evm(fork, block), on_invalid="skip")
    made = CallSession(state if kind == "native" else Plain(state), fork=fork, block=block)
    for outcome, asked_one in zip(expected.outcomes, asked, strict=True):
        done, error = came_to(made, *asked_one)
        assert (done, error) == (outcome.value, None if done is not None else str(outcome.error))
    after = AccountState(dict(state.accounts()))
    after.apply(made.writes())
    del made  # it holds on to the state
    state.apply(expected.writes)
    assert dict(after.accounts()) == dict(state.accounts())


def came_to(
    made: CallSession, sender: Any, to: Any, data: Any, value: int, gas: int, price: int
) -> tuple[Any, str | None]:
    """What a call did, or why it could not begin."""
    try:
        return made.call(sender, to, data, value=value, gas=gas, gas_price=price), None
    except InvalidTransaction as error:
        return None, str(error)


class Plain:
    """The same accounts, behind Python."""

    def __init__(self, state: AccountState) -> None:
        self.accounts = dict(state.accounts())

    def account(self, address: Address) -> AccountInfo | None:
        found = self.accounts.get(address)
        if found is None:
            return None
        return AccountInfo(found.balance, found.nonce, found.code_hash)

    def storage(self, address: Address, slot: int) -> int:
        return self.accounts[address].storage.get(slot, 0)

    def code(self, code_hash: bytes) -> bytes | None:
        codes = {each.code_hash: each.code for each in self.accounts.values()}
        return codes.get(code_hash)


def test_a_session_goes_back_to_its_marks() -> None:
    made = session(COUNTER)
    outer = made.mark()
    outputs = []
    for _ in range(3):
        outputs.append(int.from_bytes(made.call(SENDER, TARGET).output, "big"))
    inner = made.mark()
    made.set_balance(SENDER, 5)
    made.set_storage(TARGET, 0, 40)
    assert int.from_bytes(made.call(SENDER, TARGET).output, "big") == 40
    made.revert(inner)
    assert outputs == [0, 1, 2]
    assert (made.storage(TARGET, 0), made.balance(SENDER), made.nonce(SENDER)) == (3, 0, 3)
    made.revert(outer)
    assert (made.storage(TARGET, 0), made.nonce(SENDER)) == (0, 0)
    with pytest.raises(InputError, match="no mark"):
        made.revert(inner)
    made.forget()
    with pytest.raises(InputError, match="no mark"):
        made.revert(outer)


def test_what_fails_leaves_nothing_but_the_senders_nonce() -> None:
    made = session(bytes.fromhex("60015f555f5ffd"))
    done = made.call(SENDER, TARGET, gas=100_000)
    assert (done.error, made.storage(TARGET, 0), made.nonce(SENDER)) == (Failure.REVERTED, 0, 1)
    with pytest.raises(InvalidTransaction, match="insufficient funds"):
        made.call(SENDER, TARGET, value=1)
    assert made.nonce(SENDER) == 1


def test_a_sender_may_be_spared() -> None:
    made = session(bytes.fromhex("3a5f5260205ff3"))  # gives the gas price
    made.set_balance(SENDER, 10**18)
    done = made.call(SENDER, TARGET, gas=10**5, gas_price=7, spares_sender=True)
    assert int.from_bytes(done.output, "big") == 7
    assert (made.balance(SENDER), made.nonce(SENDER)) == (10**18, 0)
    made.call(SENDER, TARGET, gas=10**5, gas_price=7)
    assert (made.balance(SENDER) < 10**18, made.nonce(SENDER)) == (True, 1)


@pytest.mark.parametrize("fork", ["byzantium", "prague", "amsterdam"])
def test_a_static_call_changes_nothing(fork: str) -> None:
    made = session(COUNTER, fork=fork)
    assert made.call(SENDER, TARGET, is_static=True).error == Failure.WRITE_PROTECTION
    assert made.storage(TARGET, 0) == 0
    assert made.call(SENDER, TARGET).succeeded


TRANSIENT = bytes.fromhex("5f5c5f5260015f5c015f5d60205ff3")  # COUNTER with TLOAD and TSTORE


def test_transient_storage_lasts_as_long_as_it_is_kept() -> None:
    made = session(TRANSIENT)
    count = lambda **options: int.from_bytes(made.call(SENDER, TARGET, **options).output, "big")  # noqa: E731  # short
    assert [count(), count()] == [0, 0]
    assert [count(keeps_transient=True) for _ in range(3)] == [0, 1, 2]
    mark = made.mark()
    assert [count(keeps_transient=True), count(), count(keeps_transient=True)] == [3, 0, 4]
    made.revert(mark)
    assert count(keeps_transient=True) == 3


def test_transient_storage_of_a_call_that_fails_is_as_before() -> None:
    code = (
        bytes.fromhex("5f5c600114600f57")
        + bytes.fromhex("60015f5d5f5ff3")
        + bytes.fromhex("5b60025f5d5f5ffd")
    )
    made = session(code)
    assert made.call(SENDER, TARGET, keeps_transient=True).succeeded
    for _ in range(2):
        assert made.call(SENDER, TARGET, keeps_transient=True).error == Failure.REVERTED


def test_hashes_of_blocks_are_asked_for() -> None:
    asked = []

    def block_hash(number: int) -> bytes:
        asked.append(number)
        return number.to_bytes(32, "big")

    code = bytes.fromhex("600740600640015f5260205ff3")
    made = session(code, block_hash=block_hash)
    for _ in range(2):
        assert int.from_bytes(made.call(SENDER, TARGET).output, "big") == 13
    assert sorted(asked) == [6, 7]
    with pytest.raises(LookupError, match="asks for block"):
        session(code).call(SENDER, TARGET)
    with pytest.raises(InputError, match="32 bytes"):
        session(code, block_hash=lambda number: b"").call(SENDER, TARGET)


def test_a_state_under_a_session_is_not_changed_meanwhile() -> None:
    state = AccountState({TARGET: Account(nonce=1, code=COUNTER)})
    made = CallSession(state, fork="cancun", block=BLOCK)
    assert made.call(SENDER, TARGET).succeeded
    with pytest.raises(UsageError):
        state.apply({(SENDER, "balance"): 1})
    assert dict(state.accounts())[TARGET].storage == {}
    writes = made.writes()
    del made
    state.apply(writes)
    assert dict(state.accounts())[TARGET].storage == {0: 1}


class Broken(Plain):
    def storage(self, address: Address, slot: int) -> int:
        raise OSError("the disk is gone")


def test_what_a_state_raises_ends_the_call_and_no_more() -> None:
    state = AccountState({TARGET: Account(nonce=1, code=COUNTER)})
    made = CallSession(Broken(state), fork="cancun", block=BLOCK)
    for _ in range(2):
        with pytest.raises(OSError, match="disk is gone"):
            made.call(SENDER, TARGET)
    assert (made.nonce(SENDER), made.nonce(TARGET)) == (0, 1)
    with pytest.raises(OSError, match="disk is gone"):
        made.storage(TARGET, 0)


class Nosy(Plain):
    made: CallSession

    def storage(self, address: Address, slot: int) -> int:
        return self.made.storage(address, slot)


def test_what_a_session_runs_cannot_use_it() -> None:
    state = Nosy(AccountState({TARGET: Account(nonce=1, code=COUNTER)}))
    state.made = CallSession(state, fork="cancun", block=BLOCK)
    with pytest.raises(UsageError, match="one thread at a time"):
        state.made.call(SENDER, TARGET)
    assert state.made.nonce(TARGET) == 1


def test_a_long_call_can_be_interrupted() -> None:
    made = session(bytes.fromhex("5b5f56"))
    timer = threading.Timer(0.2, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # wherever the signal comes
        timer.start()
        while True:
            made.call(SENDER, TARGET, gas=2**62)
    timer.join()
    made.set_code(TARGET, COUNTER)
    assert made.call(SENDER, TARGET).succeeded


def test_a_trace_has_a_line_for_each_instruction() -> None:
    made = session(COUNTER)
    lines: list[bytes] = []
    made.call(SENDER, TARGET, trace=lines.append)
    assert b"".join(lines).count(b'"pc"') == 13


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"sender": b"short"}, "a sender is 20 bytes"),
    ({"to": b"short"}, "a receiver is 20 bytes"),
    ({"data": 5}, "data is bytes"),
    ({"value": -1}, "a value"),
    ({"gas": 1.5}, "a gas limit"),
    ({"gas_price": 2**256}, "a gas price"),
    ({"blob_hashes": [b""]}, "a blob hash"),
    ({"access_list": [1]}, "an access list"),
]


@pytest.mark.parametrize(("given_", "message"), WRONG)
def test_wrong_arguments_are_named(given_: dict[str, Any], message: str) -> None:
    made = session(COUNTER)
    with pytest.raises(InputError, match=message):
        made.call(**{"sender": SENDER, "to": TARGET, **given_})
    assert made.call(SENDER, TARGET).succeeded


def test_a_slot_that_is_cleared_is_among_the_writes() -> None:
    state = AccountState({TARGET: Account(nonce=1, code=COUNTER, storage={0: 2**256 - 1})})
    made = CallSession(state, fork="cancun", block=BLOCK)
    assert made.call(SENDER, TARGET).succeeded
    assert made.writes()[(TARGET, "storage", 0, 0)] is DELETED
