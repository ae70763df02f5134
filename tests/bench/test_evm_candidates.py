"""EVMs are compared on the same call, from the same start; a different result is an error."""

from __future__ import annotations

import pytest
from tests.baselines import needs_pyrevm

from blockstm.bench.evm.assembly import assemble
from blockstm.bench.evm.candidates import EVMS, Ran, candidate
from blockstm.bench.evm.measurement import Same, measure, overall
from blockstm.bench.evm.workloads import SENDER, Account, Workload, workload_named
from blockstm.errors import UsageError

COMPARED = [
    pytest.param(evm, marks=needs_pyrevm) if evm == "pyrevm" else pytest.param(evm) for evm in EVMS
]


def call(source: str, *, data: bytes = b"", gas: int = 1_000_000) -> Workload:
    """A workload from a source; 0xdd… is beside it, with code, storage and a balance."""
    accounts = {
        b"\xcc" * 20: Account(assemble(source), balance=7, nonce=1, storage={1: 2, 3: 4}),
        b"\xdd" * 20: Account(assemble("STOP"), balance=9, nonce=5),
    }
    return Workload("call", "", accounts, b"\xcc" * 20, data, gas)


def ran(evm: str, workload: Workload) -> Ran:
    measured = candidate(evm, workload, lambda ran: None)
    result: Ran = measured.run(measured.prepare())
    return result


@pytest.mark.parametrize("evm", COMPARED)
@pytest.mark.parametrize(
    ("source", "value", "gas"),
    [
        ("1 SLOAD", 2, 3 + 2100),  # what was there before is cold
        ("3 SLOAD POP 3 SLOAD", 4, 3 + 2100 + 2 + 3 + 100),
        ("ADDRESS BALANCE", 7, 2 + 100),
        ("0x" + "dd" * 20 + " BALANCE", 9, 3 + 2600),
        ("0x" + "dd" * 20 + " EXTCODESIZE", 1, 3 + 2600),
        ("CALLER", int.from_bytes(SENDER, "big"), 2),
        ("NUMBER TIMESTAMP ADD", 1_700_000_001, 7),
        ("COINBASE BALANCE", 0, 2 + 100),
        ("BASEFEE GASPRICE ADD", 0, 7),
        ("CHAINID", 1, 2),
        ("PREVRANDAO", 0, 2),
        ("0 1 SSTORE 1", 1, 6 + 5000 + 3 - 4800),  # the refund counts
    ],
)
def test_an_evm_starts_from_the_workloads_accounts(
    evm: str, source: str, value: int, gas: int
) -> None:
    answer = ran(evm, call(f"{source} PUSH0 MSTORE 32 PUSH0 RETURN"))
    assert int.from_bytes(answer.output, "big") == value
    assert answer.gas_used == 21_000 + gas + (2 + 3 + 3) + (3 + 2)


@pytest.mark.parametrize("evm", COMPARED)
@pytest.mark.parametrize("source", ["PUSH0 PUSH0 REVERT", "INVALID", "POP"])
def test_a_call_that_fails_is_no_iteration(evm: str, source: str) -> None:
    with pytest.raises(Exception, match=r".") as raised:
        ran(evm, call(source))
    names = {"RuntimeError", "AssertionError", "Revert", "InvalidInstruction", "InsufficientStack"}
    assert type(raised.value).__name__ in names


def test_another_gas_or_output_ends_the_benchmark() -> None:
    same = Same(workload_named("hashing", turns=1))
    same(Ran(21_000, b"one"))
    same(Ran(21_000, b"one"))
    assert same.gas == 21_000
    for other in (Ran(21_001, b"one"), Ran(21_000, b"two")):
        with pytest.raises(AssertionError, match="disagree on hashing"):
            same(other)


def test_an_unknown_evm_is_refused() -> None:
    with pytest.raises(UsageError, match="one of evm, pyrevm, py-evm, not 'geth'"):
        candidate("geth", workload_named("hashing"), lambda ran: None)


@needs_pyrevm
def test_a_row_says_who_was_how_much_faster() -> None:
    rows = [
        measure(
            workload_named(name, turns=2),
            evm="pyrevm",
            baselines=["py-evm", "pyrevm"],
            iterations=2,
        )
        for name in ("hashing", "calls")
    ]
    for row in rows:
        flat = row.as_dict()
        assert flat["against"] == "py-evm"
        assert flat["ratio"] == flat["py_evm_ratio"] == row.ratio("py-evm")
        assert flat["ratio"] == flat["py_evm_seconds"] / flat["seconds"]  # type: ignore[operator]  # both floats
        assert flat["pyrevm_ratio"] == 1
        assert flat["iterations"] == 2
        assert flat["gas"] == row.gas > 21_000
    summary = overall(rows)
    product = rows[0].ratio("py-evm") * rows[1].ratio("py-evm")
    assert summary["ratio"] == pytest.approx(product**0.5)
    assert summary["gas"] == rows[0].gas + rows[1].gas
