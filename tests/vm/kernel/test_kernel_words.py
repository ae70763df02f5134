"""Kernels over 32-byte keys and values, and over numbers of 256 bits."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from tests.vm.kernel.scripts import error_of, run_plain

from blockstm._native.lab.plain_loop import PlainLoop
from blockstm.errors import InputError, Revert
from blockstm.reference import execute_block
from blockstm.state.memory import MemoryState
from blockstm.vm.kernel import Kernel, kernel, minus
from blockstm.vm.kernel.words import bytes_of_words, number_of_words, words_of_bytes

ALICE, BOB = bytes(range(32)), bytes(31) + b"\x01"
BIG = 1 << 200
PAYMENT = numpy.dtype([("source", "u1", 32), ("target", "u8", 4), ("amount", "u8", 4)])


def payments(*rows: tuple[bytes, bytes, int]) -> Any:
    made = numpy.zeros(len(rows), PAYMENT)
    for place, (source, target, amount) in enumerate(rows):
        made["source"][place] = numpy.frombuffer(source, "u1")
        made["target"][place] = words_of_bytes(target)
        made["amount"][place] = words_of_bytes(amount.to_bytes(32, "little"))
    return made


def agree(vm: Kernel, block: Any, state: dict[bytes, Any]) -> tuple[list[Any], dict[Any, Any]]:
    """Values and state after the block, the same compiled and in Python."""
    outcomes, final = run_plain(vm, block, state)
    wanted = execute_block(block, state, vm.python)
    assert [each[2] for each in outcomes] == [each.value for each in wanted.outcomes]
    assert [each[4] for each in outcomes] == [error_of(each.error) for each in wanted.outcomes]
    model = MemoryState(state, keys=vm.keys, values=vm.values)  # type: ignore[arg-type]  # checked there
    model.apply(wanted.writes)
    assert final == dict(model)
    return [each[2] for each in outcomes], final


@kernel(keys="bytes32", values="uint256")
def pay(view: Any, tx: Any) -> None:
    if not view.at_least(tx.source, tx.amount):
        raise Revert("insufficient funds")
    view.add(tx.source, minus(tx.amount))
    view.add(tx.target, tx.amount)


@kernel(keys="bytes32", values="uint256")
def pay_bounded(view: Any, tx: Any) -> bool:
    done = view.try_add(tx.source, minus(tx.amount), 0)
    if done:
        view.add(tx.target, tx.amount)
    return done


def test_amounts_of_256_bits_are_paid_between_accounts_of_32_bytes() -> None:
    block = payments((ALICE, BOB, BIG), (BOB, ALICE, BIG + 1), (ALICE, BOB, 1))
    _, final = agree(pay, block, {ALICE: BIG + 5, BOB: 0})
    assert final == {ALICE: 4, BOB: BIG + 1}
    seen, final = agree(pay_bounded, block, {ALICE: BIG + 5, BOB: 1})
    assert seen == [True, True, True]
    assert final == {ALICE: 5 + BIG, BOB: 1}


def test_integers_are_deltas_and_bounds_too() -> None:
    @kernel(keys="bytes32", values="uint256")
    def step(view: Any, tx: Any) -> Any:
        view.add(tx.source, -3)
        view.add(tx.source, tx.amount[0])
        first = view.try_add(tx.source, -4, lower=-1, upper=tx.amount)
        return 10 * first + view.at_least(tx.source, -(2**62))

    seen, final = agree(step, payments((ALICE, BOB, 7), (ALICE, BOB, 2**64 - 1)), {ALICE: 3})
    assert seen == [11, 11]
    assert final == {ALICE: 2**64 - 5}


def test_values_are_four_words_the_least_significant_first() -> None:
    @kernel(keys="bytes32", values="uint256")
    def look(view: Any, tx: Any) -> Any:
        words = view.get(tx.source, (1, 2, 3, 4))
        view.put(tx.target, (words[3], words[2], words[1], words[0]))
        there = view.get((0, 0, 0, tx.target[3])) is not None
        return view.get((0, 0, 0, tx.target[3]), words)[0] + 100 * there

    number = sum(word << 64 * place for place, word in enumerate((5, 6, 7, 8)))
    turned = sum(word << 64 * place for place, word in enumerate((8, 7, 6, 5)))
    seen, final = agree(look, payments((ALICE, BOB, 0)), {ALICE: number})
    assert final == {ALICE: number, BOB: turned}
    assert seen == [108]  # BOB is the key (0, 0, 0, its last word)


def test_bytes32_values_are_opaque() -> None:
    @kernel(keys="int64", values="bytes32")
    def swap(view: Any, tx: Any) -> None:
        first, second = view.get(1, tx.words), view.get(2, tx.raw)
        view.put(1, second)
        view.put(2, first)
        view.delete(3)

    block = numpy.zeros(1, [("words", "u8", 4), ("raw", "u1", 32)])
    block["words"], block["raw"] = (1, 2, 3, 4), 7
    _, final = agree(swap, block, {3: BOB})
    assert final == {1: b"\x07" * 32, 2: bytes_of_words((1, 2, 3, 4))}
    _, final = agree(swap, block, {1: ALICE, 2: BOB})
    assert final == {1: BOB, 2: ALICE}


@pytest.mark.parametrize("call", ["add(1, 2)", "at_least(1, 2)", "try_add(1, 2)"])
def test_bytes32_values_are_no_numbers(call: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def wrong(view, tx):\n    view.{call}", names)
    with pytest.raises(InputError, match="bytes32 values are no numbers; use uint256"):
        kernel(values="bytes32")(names["wrong"]).compile(PAYMENT)


@pytest.mark.parametrize(
    "body",
    [
        "view.get(1, 0)",
        "view.get((1, 2, 3), (0, 0, 0, 0))",
        "view.put(tx.source, 5)",
        "view.put(tx.source, (1.0, 0.0, 0.0, 0.0))",
        "view.add(tx.short, 5)",
        "view.add(tx.source, (1, 2))",
    ],
)
def test_what_is_not_32_bytes_does_not_compile(body: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def wrong(view, tx):\n    {body}", names)
    dtype = [("source", "u1", 32), ("short", "u4", 8)]
    with pytest.raises(InputError, match="is 32 bytes"):
        kernel(keys="bytes32", values="uint256")(names["wrong"]).compile(dtype)


def test_a_field_of_another_length_is_an_error_when_it_is_used() -> None:
    @kernel(keys="bytes32", values="uint256")
    def add(view: Any, tx: Any) -> None:
        view.add(tx.key, 1)

    block = numpy.zeros(1, [("key", "u1", 31)])
    with pytest.raises(ValueError, match="32 bytes are"):
        PlainLoop(MemoryState(keys="bytes32", values="uint256")).run(add.__blockstm_bind__(block))
    with pytest.raises(ValueError, match="32 bytes are"):
        bytes_of_words(numpy.zeros(31, "u1"))


@pytest.mark.parametrize(
    ("start", "amount"), [(0, -1), ((1 << 256) - 1, 1), (5, -6)], ids=["below", "above", "under"]
)
def test_a_sum_out_of_256_bits_is_an_overflow_error(start: int, amount: int) -> None:
    @kernel(values="uint256")
    def add(view: Any, tx: Any) -> None:
        view.add(0, tx.amount)

    @kernel(values="uint256")
    def try_add(view: Any, tx: Any) -> bool:
        return view.try_add(0, tx.amount)

    @kernel(values="uint256")
    def try_add_within(view: Any, tx: Any) -> bool:
        return view.try_add(0, tx.amount, 0, (2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1))

    block = numpy.array([(amount,)], [("amount", "i8")])
    loop = PlainLoop(MemoryState({0: start}, values="uint256"))
    with pytest.raises(OverflowError):
        loop.run(add.__blockstm_bind__(block))
    assert dict(loop.state()) == {0: start}
    loop = PlainLoop(MemoryState({0: start}, values="uint256"))
    assert loop.outcomes(try_add.__blockstm_bind__(block))[0].value is False  # a bound by itself
    assert dict(loop.state()) == {0: start}
    assert agree(try_add_within, block, {0: start})[0] == [False]


def test_a_value_of_another_size_is_a_type_error() -> None:
    @kernel(values="uint256")
    def look(view: Any, tx: Any) -> Any:
        return view.get(1, (0, 0, 0, 0))[0]

    block = numpy.zeros(1, [("amount", "i8")])
    with pytest.raises(TypeError, match="not of the kind uint256"):
        PlainLoop(MemoryState({1: 5})).run(look.__blockstm_bind__(block))


def test_words_bytes_and_numbers_are_one() -> None:
    words = words_of_bytes(ALICE)
    assert bytes_of_words(words) == ALICE
    assert bytes_of_words(numpy.frombuffer(ALICE, "u1")) == ALICE
    assert bytes_of_words(numpy.frombuffer(ALICE, "u8")) == ALICE
    assert number_of_words(words) == int.from_bytes(ALICE, "little")
    assert number_of_words(minus(words)) == -int.from_bytes(ALICE, "little")
    assert number_of_words(numpy.int64(-5)) == -5
