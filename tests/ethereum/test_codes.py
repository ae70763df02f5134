"""Code and its hash: what runs is what the hash says, whatever a state, a reader or a user says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum import made
from tests.evm.world_blocks import SENDERS, context, transaction, world

import blockstm
from blockstm import reference
from blockstm.errors import BlockError, InputError
from blockstm.ethereum import Account, AccountChange, AccountState, StateTrie, prepare
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.witnesses import Witness, WitnessState
from blockstm.vm.evm import Evm

CALLED = Address(b"\xca" * 20)
NUMBER = iter(range(1, 1 << 30))  # each code of these tests is new to the process


def returning(value: int) -> bytes:
    """A code that returns a number, and that no other test has."""
    unique = next(NUMBER).to_bytes(4, "big")
    return bytes.fromhex(f"60{value:02x}5f5260205ff3") + unique


def output(state: Any, workers: int = 1, vm: Any = None) -> int:
    """What a call of `CALLED` returns."""
    evm = vm or Evm("cancun", context("cancun"))
    result = blockstm.execute_block([transaction(0, CALLED)], state, evm, workers=workers)
    return int.from_bytes(result.outcomes[0].value.output, "big")


def state_of(called: Account) -> AccountState:
    return AccountState(world({CALLED: called}))


# ---- accounts


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_code_alone_has_its_hash(kind: Any) -> None:
    code = returning(7)
    account = Account(code=kind(code))
    assert (account.code, account.code_hash) == (code, keccak(code))
    assert type(account.code) is bytes
    assert output(state_of(account)) == 7


def test_the_code_of_an_account_is_its_own_copy() -> None:
    code = bytearray(returning(1))
    account = Account(code=code)
    code[1] = 2
    assert output(state_of(account)) == 1


@pytest.mark.parametrize(
    ("code", "code_hash"),
    [
        (b"\x01", keccak(b"\x02")),
        (b"", keccak(b"\x02")),
        (b"\x01", keccak(b"")),
        (b"\x01", bytes(32)),
        (b"\x01", bytes(31)),
        (b"\x01", "0x" + "11" * 32),
        ("0x01", None),
        (1, None),
        ([1], None),
    ],
)
def test_a_code_beside_its_hash_is_refused(code: Any, code_hash: Any) -> None:
    record: Any = SimpleNamespace(balance=1, nonce=0, code=code, code_hash=code_hash, storage={})
    with pytest.raises(InputError, match="code"):
        Account(code=code, code_hash=code_hash)
    with pytest.raises(InputError, match=f"account 0x{CALLED.hex()}.*code"):
        AccountState({CALLED: record})
    with pytest.raises(InputError, match="code"):
        AccountChange(code=code, code_hash=code_hash)


def test_an_override_gives_the_hash_anew_or_is_refused() -> None:
    contract = Account(code=returning(1))
    patched = returning(2)
    with pytest.raises(InputError, match="leave that out to have it derived"):
        replace(contract, code=patched)
    override = replace(contract, code=patched, code_hash=None)
    for account, value in ((override, 2), (contract, 1), (override, 2)):
        assert output(state_of(account)) == value


def test_of_a_code_only_the_hash_may_be_known() -> None:
    code = returning(3)
    account = Account(code=None, code_hash=keccak(code))
    assert account.code is None
    with pytest.raises(BlockError, match="only the hash") as caught:
        output(state_of(account))
    assert isinstance(caught.value.__cause__, LookupError)
    assert Account(code=None).code_hash == Account().code_hash == keccak(b"")


# ---- writes


def test_writes_with_a_code_beside_its_hash_change_nothing() -> None:
    state = state_of(Account(5))
    wrong = {("code", keccak(b"\x01")): b"\x02", (CALLED, "balance"): 6}
    for workers_of in (wrong, list(wrong.items())):
        with pytest.raises(InputError, match=f"0x{keccak(bytes([2])).hex()}"):
            state.apply(workers_of)
    assert state.account(CALLED) == Account(5)
    assert state.get(("code", keccak(b"\x01"))) is None


def test_a_change_brings_the_code_with_it() -> None:
    code, other = returning(8), returning(9)
    state = state_of(Account(1, 1, other))
    undo = state.apply({CALLED: AccountChange(code=code)}, undo=True)
    assert state.account(CALLED) == Account(1, 1, code)
    assert output(state) == 8
    state.apply(undo)
    assert output(state) == 9
    state.apply({CALLED: AccountChange(code_hash=keccak(b"unknown"))})
    with pytest.raises(BlockError, match="only the hash"):
        output(state)
    with pytest.raises(LookupError, match="only the hash"):
        state.get(("code", keccak(b"unknown")))
    state.apply({CALLED: AccountChange(code=b"")})
    assert state.account(CALLED) == Account(1, 1)


# ---- readers that lie


class Reader:
    """A reader of locations that gives another code in place of one, from the n-th time on."""

    def __init__(self, state: AccountState, lies: dict[bytes, bytes], since: int = 0) -> None:
        self.state, self.lies, self.left = state, lies, since

    def get(self, key: Any) -> Any:
        if key[0] == "code" and key[1] in self.lies:
            self.left -= 1
            if self.left < 0:
                return self.lies[key[1]]
        return self.state.get(key)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("lie", [b"", b"\x60\x09\x5f\x52\x60\x20\x5f\xf3"])
def test_a_reader_that_gives_another_code_ends_the_block(workers: int, lie: bytes) -> None:
    code = returning(1)
    honest = state_of(Account(code=code))
    with pytest.raises(BlockError, match="another hash") as caught:
        output(Reader(honest, {keccak(code): lie}), workers)
    assert isinstance(caught.value.__cause__, InputError)
    assert caught.value.index == 0
    assert output(honest, workers) == 1  # nothing of it stayed in the process
    assert output(Reader(honest, {keccak(code): lie}), workers) == 1  # the hash is known by now


def test_the_reference_refuses_it_alike() -> None:
    code = returning(1)
    reader = Reader(state_of(Account(code=code)), {keccak(code): returning(2)})
    evm = Evm("cancun", context("cancun"))
    with pytest.raises(BlockError, match="another hash") as caught:
        reference.execute_block([transaction(0, CALLED)], reader, evm)
    assert isinstance(caught.value.__cause__, InputError)


def test_a_reader_that_changes_its_mind_is_not_believed() -> None:
    code = returning(4)
    reader = Reader(state_of(Account(code=code)), {keccak(code): returning(5)}, since=1)
    assert [output(reader) for _ in range(3)] == [4, 4, 4]


def test_codes_that_others_look_at_are_checked_too() -> None:
    """EXTCODECOPY, EXTCODESIZE: nothing of a wrong code is seen."""
    code = returning(1)
    for opcode in ("3b5f5260205ff3", "3f5f5260205ff3"):
        looks = bytes.fromhex("73") + CALLED + bytes.fromhex(opcode)
        looker = Address(b"\x1c" * 20)
        state = AccountState(world({CALLED: Account(code=code), looker: Account(code=looks)}))
        reader = Reader(state, {keccak(code): b"\x01"})
        evm = Evm("cancun", context("cancun"))
        step = [transaction(0, looker)]
        if opcode.startswith("3f"):  # EXTCODEHASH needs no code
            found = blockstm.execute_block(step, reader, evm).outcomes[0].value.output
            assert found == keccak(code)
        else:
            with pytest.raises(BlockError, match="another hash"):
                blockstm.execute_block(step, reader, evm)


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
def test_a_whole_block_on_a_reader_that_lies(vm: Any) -> None:
    code = returning(6)
    funded: dict[Address, Account] = {sender: Account(10**18) for sender in made.SENDERS}
    state = AccountState({**funded, CALLED: Account(code=code)})
    block = made.block_of((made.signed(0, nonce=0, to=CALLED),), "shanghai")
    for found, is_wrong in ((Reader(state, {keccak(code): returning(2)}), True), (state, False)):
        prepared = prepare(block, found, vm, fork="shanghai")
        if is_wrong:
            with pytest.raises(BlockError, match="another hash") as caught:
                prepared.run(blockstm.execute_block)
            assert isinstance(caught.value.__cause__, InputError)
            assert caught.value.index == 0
        else:
            assert prepared.run(blockstm.execute_block).receipts[0].succeeded


def test_a_witness_knows_codes_by_their_own_hashes() -> None:
    code = returning(2)
    accounts = world({CALLED: Account(code=code)})
    trie = StateTrie.of(accounts)
    nodes = {node for each in (*SENDERS, CALLED) for node in trie.prove(each).nodes}
    coinbase = trie.prove(context("cancun").coinbase).nodes
    state = WitnessState(Witness(trie.root, (*nodes, *coinbase), (returning(3),)))
    with pytest.raises(BlockError, match="only the hash"):
        output(state)
    assert output(WitnessState(Witness(trie.root, (*nodes, *coinbase)), [code])) == 2
