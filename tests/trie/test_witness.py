"""Witnesses: the state that a block starts from, of which only what the block needs is at hand."""

from __future__ import annotations

import ctypes
import json
import lzma
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_typing import Address, Hash32
from tests.fixtures import mainnet_block, mainnet_index, needed_witness

from blockstm import execute_block
from blockstm._native.state.locations import LOCATIONS
from blockstm.errors import DecodeError, InputError, MissingNode
from blockstm.ethereum import prepare
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.tries.state_trie import StateTrie, state_root
from blockstm.ethereum.witnesses import Witness, WitnessState, parse_witness, read_witness
from blockstm.state.accounts import (
    EMPTY_CODE_HASH,
    Account,
    AccountState,
    balance_of,
    code_hash_of,
    code_with,
    epoch_of,
    nonce_of,
    recorded_of,
    slot_of,
    stored_of,
)

ALICE, BOB, CAROL, DAVE = (Address(bytes([i]) * 20) for i in (1, 2, 3, 4))
CODE = b"code"
CODE_HASH = Hash32(keccak(CODE))
STATE = {
    ALICE: Account(5, 6, CODE, CODE_HASH, {1: 2}),
    BOB: Account(),
    CAROL: Account(storage={1: 2}),
}
WITNESSED = sorted(number for number, block in mainnet_index().items() if block["witness"])


def witness_of(state: dict[Address, Account], **arguments: Any) -> Witness:
    trie = StateTrie.of(state)
    proofs = [trie.prove(address, account.storage) for address, account in state.items()]
    lists = [proof.nodes for proof in proofs]
    lists += [nodes for proof in proofs for _, nodes in proof.storage.values()]
    return Witness(trie.root, tuple(node for nodes in lists for node in nodes), **arguments)


def test_there_are_witnesses() -> None:
    assert len(WITNESSED) >= 10


@pytest.mark.parametrize("number", WITNESSED)
def test_a_witness_tells_what_its_block_finds(number: int) -> None:
    """Two sources: accounts that another node gave, and tries that lead to the parent's root."""
    witness = read_witness(needed_witness(number))
    state = WitnessState(witness)
    assert state.trie.root == witness.parent_state_root
    accounts = read_block_file(mainnet_block(number)).accounts
    given = AccountState(
        {
            a: Account(x.balance, x.nonce, x.code, x.code_hash, x.storage)
            for a, x in accounts.items()
        }
    )
    for address, account in accounts.items():
        for location in (
            *(field(address) for field in (balance_of, nonce_of, code_hash_of, recorded_of)),
            *(slot_of(address, 0, slot) for slot in account.storage),
        ):
            assert state.get(location) == given.get(location), location
    assert state.trie.root == witness.parent_state_root


def test_a_state_of_a_witness_has_the_locations_of_a_state_of_accounts() -> None:
    state = WitnessState(witness_of(STATE, codes=(CODE,)))
    accounts = AccountState(STATE)
    for address in (*STATE, DAVE):
        for field in (balance_of, nonce_of, code_hash_of, recorded_of, epoch_of, stored_of):
            expected = accounts.get(field(address))
            if address == CAROL and field is recorded_of:
                expected = (
                    True  # an account with storage alone is empty, so it is there as recorded
                )
            assert state.get(field(address)) == expected, (address, field)
        assert state.get(slot_of(address, 0, 1)) == accounts.get(slot_of(address, 0, 1))
        assert state.get(slot_of(address, 1, 1)) is None
    assert state.get(balance_of(DAVE), 7) == 7
    assert state.get(code_with(CODE_HASH)) == CODE
    assert state.get(code_with(Hash32(bytes(32)))) is None


def test_a_code_that_an_account_has_is_missing_and_no_other_is() -> None:
    state = WitnessState(witness_of(STATE))
    assert state.get(code_with(CODE_HASH)) is None
    assert state.get(code_hash_of(ALICE)) == CODE_HASH
    with pytest.raises(LookupError, match=CODE_HASH.hex()):
        state.get(code_with(CODE_HASH))
    assert WitnessState(witness_of(STATE), [CODE]).get(code_with(CODE_HASH)) == CODE


def test_the_root_after_writes_leaves_the_state_as_it_is() -> None:
    state = WitnessState(witness_of(STATE))
    before = state.trie.root
    new = Hash32(keccak(b"new"))
    writes = {
        balance_of(ALICE): 7,
        slot_of(ALICE, 0, 3): 4,
        code_hash_of(BOB): new,
        code_with(new): b"new",
    }
    after = {
        ALICE: Account(7, 6, CODE, CODE_HASH, {1: 2, 3: 4}),
        BOB: Account(0, 0, b"new", new),
        CAROL: STATE[CAROL],
    }
    assert state.root_after(writes) == state_root(after)
    assert state.trie.root == before
    assert state.get(balance_of(ALICE)) == 5
    state.apply(writes)
    assert state.trie.root == state_root(after)
    assert state.get(balance_of(ALICE)) == 7
    assert state.get(code_with(state.get(code_hash_of(BOB)))) == b"new"


def test_a_block_that_needs_more_leaves_the_state_as_it_is() -> None:
    full = witness_of(STATE)
    proof = StateTrie(full.parent_state_root, full.nodes).prove(ALICE)
    state = WitnessState(Witness(full.parent_state_root, tuple(proof.nodes)))
    assert state.get(balance_of(ALICE)) == 5
    writes = {balance_of(ALICE): 7, slot_of(ALICE, 0, 3): 4}
    for call in (state.root_after, state.apply):
        with pytest.raises(MissingNode):
            call(writes)
        assert state.get(balance_of(ALICE)) == 5
        assert state.trie.root == full.parent_state_root


def test_an_empty_state_needs_no_nodes() -> None:
    state = WitnessState(Witness(EMPTY_TRIE_ROOT, ()))
    assert state.get(balance_of(ALICE)) is None
    assert state.root_after({balance_of(ALICE): 1}) == state_root({ALICE: Account(1)})


# ---- files

DOCUMENT = {"parentStateRoot": "0x" + "07" * 32, "nodes": ["0xc0", "0x"], "codes": ["0x00"]}


def test_a_witness_is_read_from_json_plain_or_compressed(tmp_path: Path) -> None:
    expected = Witness(Hash32(b"\x07" * 32), (b"\xc0", b""), (b"\0",))
    assert parse_witness(DOCUMENT) == expected
    (tmp_path / "w.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "w.json.xz").write_bytes(lzma.compress(json.dumps(DOCUMENT).encode()))
    assert read_witness(tmp_path / "w.json") == read_witness(tmp_path / "w.json.xz") == expected


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"parentStateRoot": None}, "parentStateRoot"),
        ({"parentStateRoot": "0x07"}, "parentStateRoot"),
        ({"nodes": None}, "nodes"),
        ({"nodes": "0xc0"}, "nodes"),
        ({"nodes": ["0xc0", "0xc"]}, "nodes[1]"),
        ({"nodes": ["0xc0", 7]}, "nodes[1]"),
        ({"codes": ["c0"]}, "codes[0]"),
    ],
)
def test_a_malformed_witness_is_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_witness(DOCUMENT | changes)
    assert caught.value.place == place


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_witness_is_refused(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_bytes(text)
    (tmp_path / "w.json.xz").write_bytes(text)
    for name in ("w.json", "w.json.xz"):
        with pytest.raises(DecodeError):
            read_witness(tmp_path / name)
    (tmp_path / "w.txt").write_bytes(b"{}")
    with pytest.raises(DecodeError):
        read_witness(tmp_path / "w.txt")


def test_what_no_account_has_is_the_empty_code() -> None:
    assert WitnessState(witness_of(STATE)).trie.account(CAROL).code_hash == EMPTY_CODE_HASH  # type: ignore[union-attr]  # it is there


# ---- read without Python


class Read(ctypes.Structure):
    """What a native state tells: where bytes are, and how many."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint64))


READ = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64, ctypes.POINTER(Read)
)


class Table(ctypes.Structure):
    """`blockstm_state` of ``vm_abi.h``."""

    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("read", READ),
        ("flags", ctypes.c_uint32),
    )


OK, ABSENT, STATE_ERROR = 0, 1, 4
HASHED, LONG_LASTS = 2, 4  # flags


def table_of(state: WitnessState) -> Table:
    """It is there as long as the state has its reader: until it is changed."""
    pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_in.restype, pointer_in.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return Table.from_address(pointer_in(state.__blockstm_state__(), b"blockstm.state"))


def read_natively(state: WitnessState, location: Any) -> tuple[int, bytes]:
    """The status, and the bytes that are told."""
    table = table_of(state)
    key, found = LOCATIONS.encode(location), Read()
    status = table.read(table.context, key, len(key), ctypes.byref(found))
    return status, ctypes.string_at(found.data, found.size) if status == OK else b""


def locations_of(address: Address) -> list[Any]:
    fields = balance_of, nonce_of, code_hash_of, recorded_of, stored_of, epoch_of
    slots = [slot_of(address, epoch, slot) for epoch in (0, 1) for slot in (0, 1, 2)]
    return [*(field(address) for field in fields), *slots]


def test_natively_a_witness_tells_the_same() -> None:
    state = WitnessState(witness_of(STATE, codes=(CODE,)))
    for address in (ALICE, BOB, CAROL, DAVE):
        for location in locations_of(address):
            value = state.get(location)
            expected = (ABSENT, b"")
            if value is not None:
                is_hash = isinstance(value, bytes)
                expected = OK, value if is_hash else int(value).to_bytes(32, "little")
            assert read_natively(state, location) == expected, location
    assert read_natively(state, code_with(CODE_HASH)) == (OK, CODE)


def test_natively_nothing_is_told_that_the_witness_does_not_hold() -> None:
    lacking = WitnessState(witness_of(STATE))
    assert read_natively(lacking, code_hash_of(ALICE)) == (STATE_ERROR, b"")
    assert read_natively(lacking, code_with(CODE_HASH)) == (STATE_ERROR, b"")
    nothing = WitnessState(Witness(lacking.trie.root, ()))
    for location in (*locations_of(ALICE)[:5], slot_of(ALICE, 0, 1)):
        assert read_natively(nothing, location) == (STATE_ERROR, b""), location


def test_natively_what_was_applied_is_told() -> None:
    state = WitnessState(witness_of(STATE, codes=(CODE,)))
    held = state.__blockstm_state__()
    state.apply({balance_of(BOB): 9, slot_of(ALICE, 0, 1): 3, code_with(keccak(b"x")): b"x"})
    assert read_natively(state, balance_of(BOB)) == (OK, (9).to_bytes(32, "little"))
    assert read_natively(state, slot_of(ALICE, 0, 1)) == (OK, (3).to_bytes(32, "little"))
    del state, held


def test_a_witness_vouches_for_its_codes() -> None:
    state = WitnessState(witness_of(STATE, codes=(CODE,)))
    assert table_of(state).flags == HASHED | LONG_LASTS
    state.apply({code_with(keccak(b"x")): b"x"})
    assert table_of(state).flags == HASHED | LONG_LASTS


def test_a_code_with_another_hash_is_not_applied() -> None:
    state = WitnessState(witness_of(STATE, codes=(CODE,)))
    root = state.trie.root
    with pytest.raises(InputError, match="of 1 bytes given for the hash 0x"):
        state.apply({code_with(keccak(b"y")): b"z", balance_of(ALICE): 9})
    assert state.trie.root == root
    assert state.get(code_with(keccak(b"y"))) is None


def test_a_state_that_may_tell_other_codes_does_not_vouch_for_them() -> None:
    class Another(WitnessState):
        pass

    assert table_of(Another(witness_of(STATE, codes=(CODE,)))).flags == LONG_LASTS


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [1150000, 2675001])
def test_a_block_on_a_witness_runs_without_python(number: int, workers: int) -> None:
    asked: list[Any] = []

    class Noted(WitnessState):
        def get(self, key: Any, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    file = read_block_file(mainnet_block(number))
    codes = [account.code for account in file.accounts.values() if account.code]
    state = Noted(read_witness(needed_witness(number)), codes)
    prepared = prepare(file.block, state, block_hashes=file.block_hashes)
    executed = prepared.run(partial(execute_block, workers=workers))
    # It asks for codes that nobody has, as those that the block creates.
    assert {key[0] if key[0] == "code" else key[1] for key in asked} <= {"code", "code_hash"}
    assert state.root_after(executed.writes) == file.block.header.state_root
