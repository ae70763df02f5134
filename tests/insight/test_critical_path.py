"""The critical path of blocks made by hand, and that the two EVMs have the same."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from tests.fixtures import mainnet_block

from blockstm import Revert, TransactionError
from blockstm.errors import InputError
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.insight import critical_path as module
from blockstm.insight.critical_path import critical_path, critical_path_of
from blockstm.testing import NativeScripts, scripted_vm


def needs(block: list[Any], state: Any = None) -> list[tuple[int, ...]]:
    return list(critical_path(block, {} if state is None else state, scripted_vm).dependencies)


def test_independent_transactions_are_as_parallel_as_they_are_many() -> None:
    path = critical_path([[("bump", n, 1)] for n in range(10)], {}, scripted_vm)
    assert path.parallelism == 10
    assert path.dependencies == ((),) * 10
    assert len(path.longest.indices) == 1


def test_a_chain_is_not_parallel_at_all() -> None:
    path = critical_path([[("copy", n, n + 1)] for n in range(10)], {0: 5}, scripted_vm)
    assert path.parallelism == 1
    assert path.longest.indices == tuple(range(10))


def test_a_block_of_nothing() -> None:
    path = critical_path([], {}, scripted_vm)
    assert (path.transactions, path.parallelism, path.parallelism_by_gas) == (0, 1.0, None)


def test_gas_weighs() -> None:
    """Three cheap ones in a chain, one that costs more than they do together."""
    block = [[("bump", "a", 1), ("charge", 10)]] * 3 + [[("put", "b", 1), ("charge", 50)]]
    path = critical_path(block, {}, scripted_vm)
    assert (path.longest.indices, path.longest.gas) == ((0, 1, 2), 30)
    assert (path.heaviest.indices, path.heaviest.gas) == ((3,), 50)
    assert path.parallelism == pytest.approx(4 / 3)
    assert path.parallelism_by_gas == pytest.approx(80 / 50)


def test_deltas_commute() -> None:
    assert needs([[("add", "a", 1)]] * 5) == [()] * 5


def test_a_read_needs_every_delta_back_to_the_last_value() -> None:
    block = [[("add", "a", 1)], [("put", "a", 5)], [("add", "a", 2)], [("add", "a", 0)]]
    assert needs([*block, [("get", "a")]])[4] == (1, 2)


def test_a_write_of_the_same_value_is_no_change() -> None:
    assert needs([[("put", "a", 5)], [("get", "a")]], {"a": 5})[1] == ()
    assert needs([[("put", "a", 5)], [("put", "a", 5)], [("get", "a")]])[2] == (0,)


def test_writing_without_looking_needs_nobody() -> None:
    assert needs([[("put", "a", 1)], [("put", "a", 2)], [("delete", "a")], [("get", "a")]]) == [
        (),
        (),
        (),
        (2,),
    ]


def test_an_own_value_hides_what_is_below() -> None:
    assert (
        needs([[("put", "a", 1)], [("put", "a", 2), ("get", "a"), ("at_least", "a", 2)]])[1] == ()
    )


def test_an_own_delta_does_not() -> None:
    assert needs([[("put", "a", 1)], [("add", "a", 2), ("get", "a")]])[1] == (0,)


def test_an_answer_that_stays_the_same_needs_nobody() -> None:
    block = [[("add", "a", 5)], [("put", "a", 30)], [("add", "a", -5)]]
    assert needs([*block, [("at_least", "a", 3)]], {"a": 4})[3] == ()
    assert needs([*block, [("at_least", "a", 100)]], {"a": 4})[3] == ()
    assert needs([*block, [("try_add", "a", 1, 0, 99)]], {"a": 4})[3] == ()


def test_an_answer_needs_those_without_whom_it_would_differ() -> None:
    more = [[("add", "a", 5)], [("add", "a", -1)], [("add", "a", 1000)], [("add", "a", 1)]]
    assert needs([*more, [("at_least", "a", 900)]], {"a": 4})[4] == (2,)
    pair = [[("add", "a", 5)], [("add", "a", 5)], [("add", "a", 5)]]
    assert needs([*pair, [("at_least", "a", 10)]])[3] == (0, 1)
    assert needs([*pair, [("add", "a", 7), ("at_least", "a", 10)]])[3] == (0,)
    assert needs([*pair, [("try_add", "a", -7, 0, None)]])[3] == (0, 1)
    value = [[("add", "a", 5)], [("put", "a", 1)], [("add", "a", 9)], [("at_least", "a", 10)]]
    assert needs(value)[3] == (1, 2)


def test_what_was_reverted_read_but_did_not_write() -> None:
    block = [[("put", "a", 1)], [("get", "a"), ("put", "b", 1), ("revert", "")], [("get", "b")]]
    assert needs(block) == [(), (0,), ()]


def test_what_is_skipped_is_no_dependency_of_others() -> None:
    block = [[("put", "a", 1), ("invalid", "")], [("get", "a")]]
    path = critical_path(block, {}, scripted_vm, on_invalid="skip")
    assert path.dependencies == ((), ())


def test_what_is_rightly_expected_is_no_dependency() -> None:
    block = [[("put", "a", 1)], [("expect", "a", 1), ("get", "a")], [("expect", "a", 2)]]
    assert needs(block) == [(), (), (0,)]
    own = [[("put", "a", 1)], [("add", "a", 2), ("expect", "a", 3)]]
    assert needs(own) == [(), (0,)]


def test_a_value_that_was_no_number_gave_no_answer() -> None:
    assert needs([[("put", "a", 7)], [("at_least", "a", 3)]], {"a": "seven"})[1] == (0,)


def test_a_plain_function_and_a_native_vm_have_critical_paths() -> None:
    def vm(view: Any, tx: int) -> None:
        if view.get("hot", 0) > 1:
            raise Revert("enough")
        view.put("hot", tx)

    assert critical_path([1, 2, 3], {}, vm).dependencies == ((), (0,), (1,))
    assert critical_path([[("bump", 0, 1)]] * 4, {}, NativeScripts()).parallelism == 1


def test_a_native_vm_without_a_python_reference_is_refused() -> None:
    class Native:
        python = None

    with pytest.raises(InputError, match="no Python reference"):
        critical_path([1], {}, Native())


def test_a_block_that_ends_early_has_none() -> None:
    with pytest.raises(TransactionError):
        critical_path([[("add", "a", 1)], [("raise", "no")]], {"a": "text"}, scripted_vm)


def test_the_two_evms_agree() -> None:
    file = read_block_file(mainnet_block(19426587))
    native, other = (critical_path_of(prepare_file(file, vm)) for vm in ("evm", "py-evm"))
    assert native == other
    assert native.transactions == 37
    assert native.gas == file.block.header.gas_used
    assert native.parallelism > 5
    assert native.heaviest.gas >= max(native.gas // 37, native.longest.gas // 37)


def test_the_examples() -> None:
    ran = doctest.testmod(module)
    assert (ran.failed, ran.attempted > 0) == (0, True)
