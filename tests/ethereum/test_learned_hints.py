"""Hints learnt from past blocks: right where traffic repeats, bounded, deterministic, kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.made import SENDERS, block_of, sealed, signed, world
from tests.fixtures import mainnet_block

import blockstm
from blockstm import Config, Executor
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum import Account, AccountState, Block, read_block_file
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.learned import ConflictModel, Learned
from blockstm.ethereum.learned.patterns import Call, Method, Pattern

COUNTER = bytes(19) + b"\xc7"
# Adds 1 to slot 0: PUSH1 0 SLOAD PUSH1 1 ADD PUSH1 0 SSTORE.
COUNT = bytes.fromhex("60005460010160005500")
LEDGER = bytes(19) + b"\xc8"
# Adds 1 to the entry of the argument in the mapping at place 3:
# PUSH1 4 CALLDATALOAD PUSH1 0 MSTORE PUSH1 3 PUSH1 32 MSTORE PUSH1 64 PUSH1 0 KECCAK256
# DUP1 SLOAD PUSH1 1 ADD SWAP1 SSTORE.
CREDIT = bytes.fromhex("60043560005260036020526040600020805460010190" + "5500")
WORKERS = (1, 2, 4)


def state() -> AccountState:
    return world({COUNTER: Account(0, 1, COUNT), LEDGER: Account(0, 1, CREDIT)})


def credit(holder: int) -> bytes:
    return b"\x11\x22\x33\x44" + holder.to_bytes(32, "big")


def entry(holder: int) -> tuple[bytes, int]:
    key = holder.to_bytes(32, "big") + (3).to_bytes(32, "big")
    return LEDGER, int.from_bytes(keccak(key), "big")


def block(holders: list[int | None], nonces: int = 0) -> Block:
    """A call for each: a credit to a holder, or for None one of the counter."""
    transactions = []
    for place, holder in enumerate(holders):
        to, data = (COUNTER, b"") if holder is None else (LEDGER, credit(holder))
        nonce = nonces + place // 4
        transactions.append(signed(place % 4, nonce=nonce, to=to, data=data, value=0, gas=200_000))
    return sealed(block_of(tuple(transactions), "shanghai"), state(), fork="shanghai")


def execute(given: Block, workers: int = 1, **options: Any) -> Any:
    with Executor(Config(gate=False, schedule="grouped"), workers=workers) as engine:
        return engine.execute_block(given, state(), "evm", fork="shanghai", **options)


def taught(*holders: list[int | None]) -> Learned:
    learned = Learned()
    for each in holders:
        given = block(each)
        learned.learn(given, execute(given, accesses=True))
    return learned


def test_conflicts_by_argument_are_foreseen_for_arguments_never_seen() -> None:
    learned = taught([1, 2, 3, 4], [5, 6, 7, 8])
    hints = learned.for_block(block([70, 71, 70, 72, 71, 70]))
    assert hints is not None
    assert hints.dependencies == [(), (), (0,), (), (1,), (2,)]
    assert hints.groups == [(0, 2, 5), (1, 4)]


def test_a_fixed_slot_is_foreseen() -> None:
    hints = taught([None, None]).for_block(block([None, None, None]))
    assert hints is not None
    assert hints.dependencies == [(), (0,), (1,)]


def test_nothing_is_foreseen_of_what_was_never_seen() -> None:
    assert Learned().for_block(block([1])) is None
    assert taught([None]).for_block(block([1, 2])) is None


def test_learnt_hints_never_change_a_block() -> None:
    learned = taught([1, 2, None, None], [1, 1, 2, 2])
    for holders in ([1, 2, 1, None, None, 3], [9, 9, 9, 9], [None] * 8):
        given = block(holders)
        expected = execute(given)
        for workers in WORKERS:
            assert execute(given, workers, hints=learned) == expected


def test_right_predictions_prove_right() -> None:
    learned = taught([1, 2, 3, 4])
    report = execute(block([7] * 8), 2, hints=learned).hints_report
    assert report.right >= 7
    assert report.wrong == 0


def test_what_fades_is_forgotten_and_sizes_are_bounded() -> None:
    model = ConflictModel(methods_max=3, patterns_max=4)
    for number in range(40):
        method = Method(bytes([number % 7]) * 20, b"")
        slots = [Pattern(COUNTER, None, 100 * number + n) for n in range(9)]
        model.note(method, slots, slots, 50_000)
        model.end_block()
        assert len(model) <= 3
    document = model.document()
    assert all(len(each["reads"]) <= 4 for each in document["methods"])
    kept = {each["to"][:2] for each in document["methods"]}
    assert kept == {f"{n % 7:02x}" for n in (37, 38, 39)}


def test_a_model_lasts_in_a_file(tmp_path: Path) -> None:
    learned = taught([1, 2, None], [3, None])
    path = tmp_path / "conflicts.json"
    learned.save(path)
    again = Learned.load(path)
    again.save(tmp_path / "again.json")
    assert path.read_bytes() == (tmp_path / "again.json").read_bytes()
    assert again.blocks == 2
    given = block([8, 8, None, None])
    before, after = learned.for_block(given), again.for_block(given)
    assert before is not None
    assert after is not None
    assert before.dependencies == after.dependencies
    assert {each.name for each in tmp_path.iterdir()} == {"conflicts.json", "again.json"}


def test_the_same_blocks_teach_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        taught([4, 3, 2, None], [None, 1]).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "5", '{"version": 2}', '{"version": 1, "blocks": 0}', "not json"]
)
def test_other_files_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "conflicts.json"
    path.write_text(text)
    with pytest.raises(DecodeError):
        Learned.load(path)
    with pytest.raises(FileNotFoundError):
        Learned.load(tmp_path / "none.json")


def test_a_model_with_broken_members_is_told() -> None:
    document = taught([1, None])._model.document()
    for name, wrong in (("to", 5), ("calls", [1]), ("reads", [[1]]), ("gas", None)):
        broken = json.loads(json.dumps(document))
        broken["methods"][0][name] = wrong
        with pytest.raises(DecodeError):
            ConflictModel.of_document(broken)


NAN, INFINITE = float("nan"), float("inf")
PATTERN = [COUNTER.hex(), 0, "0x3", True, 1.0, 0]


def pattern(**members: Any) -> list[list[Any]]:
    names = ("address", "source", "place", "key_first", "value", "at")
    return [[members.get(name, right) for name, right in zip(names, PATTERN, strict=True)]]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("blocks", INFINITE), ("blocks", NAN), ("blocks", -1), ("blocks", 1 << 64), ("blocks", 1.5),
        ("methods_max", -5), ("methods_max", 0), ("methods_max", INFINITE), ("patterns_max", True),
        ("patterns_max", -1), ("methods", 5), ("to", "aa"), ("to", None), ("selector", "11" * 5),
        ("calls", [1.0, 100_000]), ("calls", [1.0, -1]), ("calls", [NAN, 0]), ("calls", [-1.0, 0]),
        ("calls", [1.0, INFINITE]), ("calls", [1.0, 0, 0]), ("calls", ["1", 0]),
        ("gas", [NAN, 0]), ("gas", [INFINITE, 0]), ("gas", [1e300, 0]), ("gas", [10**400, 0]),
        ("reads", pattern(place="-0x1")), ("reads", pattern(place=hex(1 << 256))),
        ("writes", pattern(place=3)), ("writes", pattern(source=-2)),
        ("writes", pattern(source=4)), ("writes", pattern(source=INFINITE)),
        ("writes", pattern(key_first=1)), ("writes", pattern(address="aa")),
        ("reads", pattern(value=NAN)), ("reads", pattern(at=3)), ("reads", [[]]),
    ],
)  # fmt: skip
def test_a_number_that_no_model_has_is_told(tmp_path: Path, name: str, wrong: Any) -> None:
    """When it is loaded: not a block later, when a method is looked up."""
    document = taught([1, None])._model.document()
    members = document if name in document else document["methods"][0]
    members[name] = wrong
    path = tmp_path / "conflicts.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DecodeError):
        Learned.load(path)
    with pytest.raises(DecodeError):
        ConflictModel.of_document(document)


def test_what_is_right_at_its_bounds_is_loaded(tmp_path: Path) -> None:
    document = taught([1])._model.document()
    document["methods"][0] |= {
        "reads": pattern(place=hex((1 << 256) - 1), source=-1),
        "writes": pattern(source=3, at=1),
        "calls": [1e-300, 1],
        "gas": [1e18, 0],
    }
    path = tmp_path / "conflicts.json"
    path.write_text(json.dumps(document))
    assert Learned.load(path).for_block(block([1, 2])) is not None


def test_brackets_without_end_are_told(tmp_path: Path) -> None:
    path = tmp_path / "conflicts.json"
    path.write_text("[" * 200_000)
    with pytest.raises(DecodeError, match="model of conflicts"):
        Learned.load(path)


@pytest.mark.parametrize("wrong", [0, -1, None, 1.5])
def test_a_model_keeps_something(wrong: Any) -> None:
    for name in ("methods_max", "patterns_max"):
        with pytest.raises(InputError, match="1 or more of each"):
            ConflictModel(**{name: wrong})


def test_learning_takes_accesses() -> None:
    given = block([1])
    with pytest.raises(InputError, match="accesses=True"):
        Learned().learn(given, execute(given))


def test_patterns_say_where_a_slot_comes_from() -> None:
    call = Call(block([5]).transactions[0], SENDERS[0])
    assert call.pattern_of(entry(5)) == Pattern(LEDGER, 0, 3)
    assert call.slot_of(Pattern(LEDGER, 0, 3)) == entry(5)
    assert call.pattern_of((LEDGER, 17)) == Pattern(LEDGER, None, 17)
    assert call.slot_of(Pattern(LEDGER, 2, 3)) is None
    own = call.slot_of(Pattern(LEDGER, -1, 1, key_first=False))
    assert own is not None
    assert call.pattern_of(own) == Pattern(LEDGER, -1, 1, key_first=False)


def test_mainnet_blocks_teach_and_are_taught() -> None:
    learned = Learned()
    for number in (12_300_570, 13_287_210, 15_537_394):
        file = read_block_file(mainnet_block(number))
        options: dict[str, Any] = {"block_hashes": file.block_hashes}
        hints = learned.for_block(file.block)
        executed = blockstm.execute_block(
            file.block, file.state(), "evm", hints=hints, accesses=True, **options
        )
        plain = blockstm.execute_block(file.block, file.state(), "evm", **options)
        assert executed.receipts == plain.receipts
        learned.learn(file.block, executed)
    assert learned.blocks == 3
