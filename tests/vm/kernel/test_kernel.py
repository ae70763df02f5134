"""Kernels over int64 keys and values: what they compute, return, raise and refuse."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from typing import Any

import numba
import numpy
import pytest
from tests.vm.kernel.scripts import error_of, run_plain

from blockstm._native.lab.plain_loop import PlainLoop
from blockstm.errors import InputError, Invalid, Revert
from blockstm.reference import ReferenceView, execute_block
from blockstm.state.memory import MemoryState
from blockstm.types import Status
from blockstm.vm.kernel import Kernel, kernel

ONE = numpy.dtype([("key", "i8"), ("number", "i8")])


def block(*pairs: tuple[int, int], dtype: Any = ONE) -> Any:
    return numpy.array(list(pairs), dtype)


def values(vm: Kernel, transactions: Any, state: dict[Any, Any] | None = None) -> list[Any]:
    """What the transactions return, compiled and in Python, which must agree."""
    outcomes, final = run_plain(vm, transactions, state or {})
    wanted = execute_block(transactions, state or {}, vm.python)
    assert [each[2] for each in outcomes] == [each.value for each in wanted.outcomes]
    assert [each[3] for each in outcomes] == [type(each.value) for each in wanted.outcomes]
    model = MemoryState(state or {}, keys=vm.keys, values=vm.values)  # type: ignore[arg-type]  # checked there
    model.apply(wanted.writes)
    assert final == dict(model)
    return [each[2] for each in outcomes]


def failure(vm: Kernel, transactions: Any, state: dict[Any, Any] | None = None) -> BaseException:
    """The exception that ends a block of one failing transaction."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  # the caller looks at it
        PlainLoop(MemoryState(state or {})).run(vm.__blockstm_bind__(transactions))
    return raised.value


# ---- what a kernel returns


def test_an_integer_is_the_value_of_the_outcome() -> None:
    @kernel
    def double(view: Any, tx: Any) -> Any:
        return 2 * tx.number

    assert values(double, block((1, 5), (1, -7), (1, 2**61))) == [10, -14, 2**62]


def test_none_is_none() -> None:
    @kernel
    def silent(view: Any, tx: Any) -> Any:
        view.put(tx.key, tx.number)

    @kernel
    def sometimes(view: Any, tx: Any) -> Any:
        if tx.number > 0:
            return tx.number
        return None

    assert values(silent, block((1, 5))) == [None]
    assert values(sometimes, block((1, 5), (1, 0))) == [5, None]


def test_truths_floats_and_unsigned_integers_keep_their_type() -> None:
    @kernel
    def truth(view: Any, tx: Any) -> Any:
        return tx.number > 2

    @kernel
    def half(view: Any, tx: Any) -> Any:
        return tx.number / 2

    @kernel
    def wide(view: Any, tx: Any) -> Any:
        return tx.number

    assert values(truth, block((1, 5), (1, 0))) == [True, False]
    assert values(half, block((1, 5))) == [2.5]
    unsigned = numpy.array([(1, 2**64 - 1)], [("key", "i4"), ("number", "u8")])
    assert values(wide, unsigned) == [2**64 - 1]


def test_another_return_type_is_refused() -> None:
    @kernel
    def pair(view: Any, tx: Any) -> Any:
        return (tx.key, tx.number)

    with pytest.raises(InputError, match="returns an int, bool, float or None, not"):
        pair.compile(ONE)


# ---- the view


def test_a_view_shows_its_own_writes_and_the_place_in_the_block() -> None:
    @kernel
    def write_and_look(view: Any, tx: Any) -> Any:
        view.put(tx.key, tx.number)
        view.add(tx.key, 2)
        view.delete(key=tx.key + 1)
        return 100 * view.index + view.get(tx.key, default=0) + view.get(tx.key + 1, -1)

    assert values(write_and_look, block((1, 5), (3, 6)), {2: 9}) == [6, 107]


def test_keyword_arguments_and_defaults_are_those_of_the_view() -> None:
    @kernel
    def named(view: Any, tx: Any) -> Any:
        first = view.try_add(key=tx.key, delta=tx.number, upper=10)
        second = view.try_add(tx.key, tx.number, None, None)
        third = view.at_least(bound=3, key=tx.key)
        return 100 * first + 10 * second + third

    assert values(named, block((1, 7), (1, 7))) == [111, 11]


def test_small_integers_of_any_width_are_keys_and_values() -> None:
    @kernel
    def mixed(view: Any, tx: Any) -> Any:
        view.put(tx.key, tx.number)
        view.add(tx.key, tx.small)
        return view.get(tx.key, tx.small)

    dtype = [("key", "u1"), ("number", "i4"), ("small", "i2")]
    assert values(mixed, numpy.array([(255, -5, -2)], dtype)) == [-7]


def test_gas_is_charged() -> None:
    @kernel
    def charging(view: Any, tx: Any) -> Any:
        view.charge(tx.number)
        view.charge(1)
        if tx.key:
            raise Revert("after all")

    outcomes, _ = run_plain(charging, block((0, 4), (1, 5)), {})
    assert [each[5] for each in outcomes] == [5, 6]
    error = failure(charging, block((0, -1)))
    assert isinstance(error, ValueError)
    assert error.args == ("gas must be 0 or more",)


# ---- what a kernel raises


class Poor(Revert):
    """A revert of the user's own."""


class Broken(Exception):
    """An error of the user's own."""


@kernel
def raising(view: Any, tx: Any) -> Any:
    view.put(tx.key, 1)
    if tx.number == 1:
        raise Revert("constant")
    if tx.number == 2:
        raise Poor("by", tx.key)
    if tx.number == 3:
        raise Invalid
    if tx.number == 4:
        raise Broken("broken", tx.key)
    if tx.number == 5:
        raise Broken
    return tx.key


def test_reverts_and_invalids_are_outcomes_with_class_and_arguments() -> None:
    outcomes, state = run_plain(raising, block((7, 1), (8, 2), (9, 3), (10, 0)), {})
    assert [each[1] for each in outcomes] == ["reverted", "reverted", "skipped", "success"]
    errors = [(Revert, ("constant",)), (Poor, ("by", 8)), (Invalid, ()), None]
    assert [each[4] for each in outcomes] == errors
    assert state == {10: 1}


@pytest.mark.parametrize(("number", "args"), [(4, ("broken", 7)), (5, ())])
def test_any_other_exception_is_this_transactions_error(number: int, args: Any) -> None:
    error = failure(raising, block((6, 0), (7, number)))
    assert type(error) is Broken
    assert error.args == args


def test_every_outcome_has_an_exception_of_its_own() -> None:
    bound = raising.__blockstm_bind__(block((7, 1), (8, 1)))
    first, second = PlainLoop(MemoryState()).outcomes(bound)
    assert first.error is not second.error
    assert first.error.args == second.error.args


def test_more_kinds_of_errors_than_are_remembered() -> None:
    """Every constant exception has an address of its own; past the cache they still work."""
    lines = [f"    if tx.number == {each}: raise Revert('number {each}')" for each in range(300)]
    names: dict[str, Any] = {"Revert": Revert}
    exec("def many(view, tx):\n" + "\n".join(lines), names)
    many = kernel(names["many"])
    for _ in range(2):
        outcomes, _ = run_plain(many, block(*((0, each) for each in range(300))), {})
        assert [each[4] for each in outcomes] == [(Revert, (f"number {n}",)) for n in range(300)]


def test_errors_of_compiled_code_have_their_classes() -> None:
    @kernel
    def divide(view: Any, tx: Any) -> Any:
        return tx.key // tx.number

    @kernel
    def beyond(view: Any, tx: Any) -> Any:
        return tx.row[tx.number]

    @kernel
    def tuple_index(view: Any, tx: Any) -> Any:
        return (1, 2)[tx.number]

    assert type(failure(divide, block((1, 0)))) is ZeroDivisionError
    row = numpy.zeros(1, [("row", "i8", 3), ("number", "i8")])
    row["number"] = 3
    assert type(failure(beyond, row)) is IndexError
    assert type(failure(tuple_index, block((0, 2)))) is IndexError


def test_a_sum_out_of_range_is_an_overflow_error() -> None:
    @kernel
    def add(view: Any, tx: Any) -> Any:
        view.add(tx.key, tx.number)

    @kernel
    def try_add(view: Any, tx: Any) -> Any:
        return view.try_add(tx.key, tx.number)

    assert type(failure(add, block((0, 1)), {0: 2**63 - 1})) is OverflowError
    outcomes, state = run_plain(try_add, block((0, 1)), {0: 2**63 - 1})  # the range is a bound
    assert [each[2] for each in outcomes] == [False]
    assert state == {0: 2**63 - 1}
    assert run_plain(add, block((0, -1)), {0: 2**63 - 1})[1] == {0: 2**63 - 2}


def test_an_overflow_can_be_caught() -> None:
    @kernel
    def careful(view: Any, tx: Any) -> Any:
        try:
            view.add(tx.key, tx.number)
        except Exception:
            return -1
        return 1

    outcomes, state = run_plain(careful, block((0, 1), (0, -1)), {0: 2**63 - 1})
    assert [each[2] for each in outcomes] == [-1, 1]
    assert state == {0: 2**63 - 2}


def test_exceptions_of_helpers_come_through() -> None:
    @numba.njit
    def helper(view: Any, number: Any) -> Any:
        if number > 3:
            raise Poor("from the helper")
        view.add(0, number)
        return view.get(0, 0)

    @kernel
    def caller(view: Any, tx: Any) -> Any:
        return helper(view, tx.number) + 1

    outcomes, _ = run_plain(caller, block((0, 3), (0, 4)), {})
    assert [each[2] for each in outcomes] == [4, None]
    assert outcomes[1][4] == (Poor, ("from the helper",))


def test_python_code_called_from_a_kernel_may_raise() -> None:
    @kernel
    def calls_back(view: Any, tx: Any) -> Any:
        number = tx.number
        with numba.objmode(found="int64"):
            found = {1: 10}[number]
        return found + 0

    outcomes, _ = run_plain(calls_back, block((0, 1)), {})
    assert outcomes[0][2] == 10
    error = failure(calls_back, block((0, 2)))
    assert type(error) is KeyError
    assert error.args == (2,)


# ---- records


def test_a_record_is_a_copy() -> None:
    @kernel
    def scribble(view: Any, tx: Any) -> Any:
        tx.number += 1
        return tx.number

    transactions = block((0, 1), (0, 5))
    for _ in range(2):
        outcomes, _ = run_plain(scribble, transactions, {})
        assert [each[2] for each in outcomes] == [2, 6]
    assert transactions.tolist() == [(0, 1), (0, 5)]
    assert values(scribble, transactions) == [2, 6]


def test_arrays_with_strides_and_unaligned_fields_work() -> None:
    @kernel
    def number(view: Any, tx: Any) -> Any:
        return tx.number

    packed = numpy.zeros(10, [("flag", "u1"), ("number", "i8"), ("more", "u2")])
    packed["number"] = range(10)
    assert values(number, packed[::-3]) == [9, 6, 3, 0]
    assert values(number, packed[:0]) == []
    packed.flags.writeable = False
    assert values(number, packed[4:5]) == [4]


@pytest.mark.parametrize(
    "transactions",
    [
        [(1, 2)],
        (1, 2),
        numpy.zeros(3, "i8"),
        numpy.zeros((2, 2), ONE),
        numpy.zeros(2, [("key", object)]),
        numpy.zeros(2, [("key", ">i8"), ("number", "i8")]),
        None,
    ],
    ids=["list", "tuple", "no records", "two dimensions", "objects", "other byte order", "None"],
)
def test_other_transactions_are_refused(transactions: Any) -> None:
    @kernel
    def nothing(view: Any, tx: Any) -> Any:
        return None

    with pytest.raises(InputError):
        nothing.__blockstm_bind__(transactions)


def test_a_list_of_records_is_a_block() -> None:
    transactions = block((1, 0), (1, 1))
    for records in (list(transactions), tuple(transactions)):
        bound = raising.__blockstm_bind__(records)
        statuses = [each.status for each in PlainLoop(MemoryState()).outcomes(bound)]
        assert statuses == [Status.SUCCESS, Status.REVERTED]
    assert raising.__blockstm_bind__([]).count == 0
    with pytest.raises(InputError, match="records of one dtype"):
        raising.__blockstm_bind__([*transactions, numpy.zeros(1, [("key", "i8")])[0]])


def test_a_block_keeps_its_array_alive_and_in_place() -> None:
    transactions = block((0, 1), (0, 2))
    bound = raising.__blockstm_bind__(transactions)
    assert bound.count == 2
    with pytest.raises(ValueError, match="resize"):
        transactions.resize(1000)
    del transactions
    outcomes = PlainLoop(MemoryState()).outcomes(bound)
    assert [error_of(each.error) for each in outcomes] == [
        (Revert, ("constant",)),
        (Poor, ("by", 0)),
    ]


# ---- compiling


def test_a_kernel_is_compiled_once_per_dtype() -> None:
    @kernel
    def nothing(view: Any, tx: Any) -> Any:
        return None

    assert nothing.compile(ONE) is nothing.compile([("key", "i8"), ("number", "i8")])
    assert nothing.compile(ONE) is not nothing.compile([("key", "i8")])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("view.put(tx.key, 1.5)", "a value is an integer, not float64"),
        ("view.get('name', 0)", "a key is an integer"),
        ("view.add(tx.key)", "missing a required argument: 'delta'"),
        ("view.add(tx.key, 1, 2)", "too many positional arguments"),
        ("view.get(tx.key, fallback=1)", "unexpected keyword argument 'fallback'"),
        ("view.append(tx.key)", "append"),
        ("view.add(tx.nothing, 1)", "it reads the field 'nothing', and the records have key"),
        ("view.add(tx.kee, 1)", "did you mean 'key'?"),
        ("unknown(tx)", "unknown"),
    ],
)
def test_what_does_not_compile_is_an_input_error(body: str, message: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def wrong(view, tx):\n    {body}", names)
    with pytest.raises(InputError, match="kernel wrong does not compile") as raised:
        kernel(names["wrong"]).compile(ONE)
    assert message in str(raised.value)


def test_what_is_no_kernel_is_refused() -> None:
    for options in ({"keys": "float"}, {"values": "text"}, {"keys": "uint256"}):
        with pytest.raises(InputError, match="is one of"):
            kernel(**options)(lambda view, tx: None)  # type: ignore[call-overload]  # what is tested
    with pytest.raises(InputError, match="made from a function"):
        kernel(5)  # type: ignore[call-overload]  # what is tested
    with pytest.raises(InputError, match="no dtype"):
        raising.compile("no dtype at all")
    with pytest.raises(InputError, match="structured dtype"):
        raising.compile("i8")


def test_a_kernel_looks_like_its_function() -> None:
    @kernel(keys="int64")
    def documented(view: Any, tx: Any) -> Any:
        """Does nothing."""

    assert documented.__name__ == "documented"
    assert documented.__doc__ == documented.python.__doc__ == "Does nothing."
    assert "documented" in repr(documented)


def test_machine_code_can_be_kept_for_the_next_process(tmp_path: Any) -> None:
    (tmp_path / "kept.py").write_text(
        "import numpy\n"
        "from blockstm.errors import Revert\n"
        "from blockstm.state.memory import MemoryState\n"
        "from blockstm._native.lab.plain_loop import PlainLoop\n"
        "from blockstm.vm.kernel import kernel\n"
        "@kernel(cache=True)\n"
        "def pay(view, tx):\n"
        "    if not view.try_add(tx.key, -tx.number, 0):\n"
        "        raise Revert('poor')\n"
        "    return view.get(tx.key, 0)\n"
        "block = numpy.array([(1, 4), (1, 4)], [('key', 'i8'), ('number', 'i8')])\n"
        "bound = pay.__blockstm_bind__(block)\n"
        "loop = PlainLoop(MemoryState({1: 5}))\n"
        "print([(each.value, each.error) for each in loop.outcomes(bound)])\n"
        "print(sum(pay.compile(block.dtype).owner[0].stats.cache_hits.values()))\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, str(tmp_path / "kept.py")], capture_output=True, check=True, text=True
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert [lines[0] for lines in printed] == ["[(1, None), (None, Revert('poor'))]"] * 2
    assert [lines[1] for lines in printed] == ["0", "1"]


def test_importing_kernels_imports_neither_numba_nor_numpy() -> None:
    program = (
        "import sys, blockstm.vm.kernel\n"
        "kernel = blockstm.vm.kernel.kernel(lambda view, tx: None)\n"
        "print('numba' in sys.modules, 'numpy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout.split() == [b"False", b"False"]


def test_without_numba_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install 'blockstm\[numba\]'"):
        raising.compile(ONE)


# ---- the Python reference


def test_the_python_reference_takes_records_and_anything_with_the_same_attributes() -> None:
    pair = namedtuple("pair", "key number")
    for transaction in (block((3, 0))[0], pair(3, 0)):
        view = ReferenceView(0, {}.__getitem__)
        assert raising.python(view, transaction) == 3
        assert view.writes == {3: 1}
    with pytest.raises(Poor) as raised:
        raising.python(ReferenceView(0, {}.__getitem__), pair(8, 2))
    assert raised.value.args == ("by", 8)


def test_the_python_reference_refuses_what_is_no_int64() -> None:
    pair = namedtuple("pair", "key number")
    with pytest.raises(OverflowError):
        raising.python(ReferenceView(0, {}.get), pair(2**63, 0))


def test_statuses_are_those_of_outcomes() -> None:
    bound = raising.__blockstm_bind__(block((1, 0), (1, 1), (1, 3)))
    statuses = [each.status for each in PlainLoop(MemoryState()).outcomes(bound)]
    assert statuses == [Status.SUCCESS, Status.REVERTED, Status.SKIPPED]
