"""While a block runs on a state, changing the state is refused, whatever kind it is of."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from blockstm import Executor, UsageError
from blockstm.ethereum import Witness, WitnessState
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.state.accounts import Account, AccountState, balance_of, code_hash_of, code_with
from blockstm.state.changes import AccountChange
from blockstm.state.located import located
from blockstm.state.overlay import overlay
from blockstm.types import Address

ALICE = Address(bytes(19) + b"\1")
RICHER = {balance_of(ALICE): 2}
ACCOUNTS = {ALICE: Account(balance=1)}


def witness_state() -> WitnessState:
    trie = StateTrie.of(ACCOUNTS)
    return WitnessState(Witness(trie.root, tuple(trie.prove(ALICE).nodes)))


def disk_state(folder: Path) -> Any:
    pytest.importorskip("mdbx")
    from blockstm.chain.disk_state import DiskState
    from blockstm.chain.mdbx_store import MdbxStore

    state = DiskState(MdbxStore.open(folder), EMPTY_TRIE_ROOT)
    state.apply({balance_of(ALICE): 1})
    return state


def in_memory(folder: Path) -> tuple[Any, list[Callable[[], Any]]]:
    state = AccountState(ACCOUNTS)
    return state, [lambda: state.apply(RICHER)]


def behind_a_witness(folder: Path) -> tuple[Any, list[Callable[[], Any]]]:
    state = witness_state()
    return state, [
        lambda: state.apply(RICHER),
        lambda: state.trie.update({ALICE: AccountChange(balance=2)}),
    ]


def on_disk(folder: Path) -> tuple[Any, list[Callable[[], Any]]]:
    state = disk_state(folder)
    return state, [lambda: state.apply(RICHER)]


def on_top(folder: Path) -> tuple[Any, list[Callable[[], Any]]]:
    below = AccountState(ACCOUNTS)
    state = overlay(below)
    return state, [lambda: state.apply(RICHER), lambda: below.apply(RICHER)]


def on_top_of_a_witness(folder: Path) -> tuple[Any, list[Callable[[], Any]]]:
    below = witness_state()
    state = overlay(overlay(below))
    return state, [
        lambda: state.apply(RICHER),
        lambda: state.below.apply(RICHER),  # type: ignore[attr-defined]  # another overlay
        lambda: below.apply(RICHER),
    ]


@pytest.mark.parametrize(
    "made", [in_memory, behind_a_witness, on_disk, on_top, on_top_of_a_witness]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_change_beside_a_running_block_is_refused(
    made: Callable[[Path], tuple[Any, list[Callable[[], Any]]]], workers: int, tmp_path: Path
) -> None:
    state, changes = made(tmp_path / "data")
    refusals: list[BaseException | None] = []

    def change() -> None:
        for each in changes:
            try:
                each()
                refusals.append(None)
            except Exception as error:
                refusals.append(error)

    def vm(view: Any, transaction: int) -> None:
        before = view.get(balance_of(ALICE))
        if transaction == 0:
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()
        assert view.get(balance_of(ALICE)) == before == 1

    with Executor(workers=workers) as executor:
        executor.execute_block(range(3), located(state), vm)
    assert refusals
    assert all(type(each) is UsageError for each in refusals)
    assert state.account(ALICE).balance == 1
    for each in changes[:1]:
        each()
    assert state.account(ALICE).balance == 2


def test_a_refused_change_leaves_no_codes() -> None:
    state, code = witness_state(), b"\x60\x00"
    with state._pin(), pytest.raises(UsageError, match="while a block is running on it"):
        state.apply({code_hash_of(ALICE): keccak(code), code_with(keccak(code)): code})
    with pytest.raises(LookupError):
        state.code(keccak(code))


def test_a_change_that_is_refused_takes_no_reads_from_a_block_that_begins() -> None:
    state, begins = witness_state(), WitnessState.__blockstm_state__.__code__
    refused = 0

    def at_each_line(frame: FrameType, event: str, _: object) -> Any:
        nonlocal refused
        if frame.f_code is begins and event == "line":  # as if another thread came between
            with pytest.raises(UsageError):
                state.apply(RICHER)
            refused += 1
        return at_each_line if frame.f_code is begins else None

    before = sys.gettrace()
    with state._pin():
        sys.settrace(at_each_line)
        try:
            shown = state.__blockstm_state__()
        finally:
            sys.settrace(before)
    assert refused > 1
    assert shown is not None


def test_copies_of_tries_change_beside_a_block() -> None:
    state = witness_state()
    with state._pin():
        after = state.trie.copy()
        after.update({ALICE: AccountChange(balance=2)})
        assert state.root_after(RICHER) == after.root
    assert state.account(ALICE) != after.account(ALICE)


@pytest.mark.parametrize(
    "state", [AccountState(ACCOUNTS), witness_state(), overlay(witness_state())]
)
def test_a_forked_child_has_no_block_of_its_parent(state: Any) -> None:
    pin = state._pin()
    child = os.fork()
    if child == 0:
        try:
            state.apply(RICHER)
            os._exit(0 if state.account(ALICE).balance == 2 else 2)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with pytest.raises(UsageError):
        state.apply(RICHER)
    del pin
    state.apply(RICHER)
