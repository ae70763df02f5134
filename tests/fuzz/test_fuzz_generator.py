"""The fuzzer's own parts: cases mean something, cover what there is, and shrink."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from eth.vm.message import Message
from tests.evm.precompile_inputs import call
from tests.fixtures import ROOT
from tests.fuzz import on_ours, on_pyevm
from tests.fuzz.case import Account, Case
from tests.fuzz.choices import SeededChoices
from tests.fuzz.inputs import INPUTS
from tests.fuzz.programs import precompiles_of
from tests.fuzz.reporting import described, disassembled
from tests.fuzz.result import Did, Log, Result, differences
from tests.fuzz.seeds import case_of
from tests.fuzz.shrinking import shrunk
from tests.fuzz.stack_headroom import with_headroom
from tests.fuzz.worlds import CONTRACTS, PEOPLE
from tests.fuzz.writing import EFFECTS, exists

from blockstm.bench.evm.assembly import OPCODES, assemble
from blockstm.bench.evm.instructions import counting
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.vm.forks import CANCUN, FORKS, OSAKA, PRAGUE


def test_a_seed_is_the_same_case_every_time() -> None:
    assert case_of(7, PRAGUE) == case_of(7, PRAGUE)
    assert case_of(7, PRAGUE) != case_of(8, PRAGUE)
    assert case_of(7, PRAGUE).transactions != case_of(7, CANCUN).transactions


@pytest.mark.parametrize("fork", FORKS[::4], ids=str)
def test_a_case_goes_through_json(fork: object) -> None:
    for seed in range(20):
        case = case_of(seed, fork)  # type: ignore[arg-type]  # a fork
        assert Case.from_json(json.dumps(case.as_json())) == case


def test_programs_run_every_opcode_that_there_is() -> None:
    counts: Counter[str] = Counter()
    with counting(counts):
        with_headroom(lambda: [on_pyevm.run(case_of(seed, CANCUN)) for seed in range(40)])
    there = {name for name in OPCODES if exists(name, CANCUN)} - {"INVALID"}
    rare = {name for name in there if name.startswith(("PUSH", "DUP", "SWAP"))}
    assert there - rare - counts.keys() == set()
    assert len(rare & counts.keys()) > len(rare) // 2


def test_most_transactions_do_something() -> None:
    statuses: Counter[str] = Counter()
    logs = created = stored = 0
    for seed in range(100):
        case = case_of(seed, OSAKA)
        result = on_ours.run(case)
        statuses.update(did.status for did in result.transactions)
        logs += sum(len(did.logs) for did in result.transactions)
        created += len(result.accounts.keys() - case.accounts.keys())
        stored += sum(
            account.storage != case.accounts.get(address, Account()).storage
            for address, account in result.accounts.items()
        )
    total = statuses.total()
    assert statuses["succeeded"] > 0.4 * total
    assert 0.1 * total < statuses["failed"] < 0.45 * total
    assert 0.02 * total < statuses["invalid"] < 0.35 * total
    assert min(logs, created, stored) > 20


def test_types_that_only_call_come_without_a_receiver_too() -> None:
    """They are invalid, which ours and EELS find out by themselves."""
    seen: Counter[int] = Counter()
    for seed in range(100):
        case = case_of(seed, OSAKA)
        for sent, did in zip(case.transactions, on_ours.run(case).transactions, strict=True):
            if sent.transaction.to is None and sent.transaction.type >= TransactionType.BLOB:
                seen[sent.transaction.type] += 1
                assert did.status == "invalid"
    assert seen.keys() == {TransactionType.BLOB, TransactionType.SET_CODE}


@pytest.mark.parametrize("address", precompiles_of(OSAKA), ids=hex)
def test_precompiles_get_inputs_that_are_right_and_ones_that_are_not(address: int) -> None:
    choices = SeededChoices(f"precompile {address}")
    answers = [call(address, INPUTS[address](choices)) for _ in range(40)]
    right = sum(answer.output != b"" for answer in answers)
    assert right >= 10
    if address not in (0x02, 0x03, 0x04):  # which take anything
        assert right < 40


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")
def test_the_stack_effects_are_pyevms() -> None:
    """Each opcode is run with as many words as it is said to take, and with one fewer."""
    for name, (taken, put) in EFFECTS.items():
        if not exists(name, CANCUN) or name in ("JUMP", "JUMPI", "INVALID"):
            continue
        code = bytes([OPCODES["PUSH0"]] * taken + [OPCODES[name]] + [OPCODES["POP"]] * put)
        ends = name in ("STOP", "RETURN", "REVERT", "SELFDESTRUCT")
        assert _error_of(code) in (None, *(["Revert"] if name == "REVERT" else [])), name
        assert ends or _error_of(code + bytes([OPCODES["POP"]])) == "InsufficientStack", name
        if taken:
            assert _error_of(code[1:]) == "InsufficientStack", name


def _error_of(code: bytes) -> str | None:
    case = case_of(1, CANCUN).changed(accounts={}, transactions=())
    state = on_pyevm._state_of(case, on_pyevm.FORKS["cancun"])
    computation = state.computation_class.apply_message(
        state,
        Message(gas=10**6, to=CONTRACTS[0], sender=PEOPLE[0], value=0, data=b"", code=code),
        state.transaction_context_class(gas_price=1, origin=PEOPLE[0]),
    )
    return type(computation.error).__name__ if computation.is_error else None


def test_differences_are_told_wherever_they_are() -> None:
    log = Log(b"\x01" * 20, (), b"")
    one = Result((Did("succeeded", 5, b"", (log,)),), {b"\x01" * 20: Account(1, 2, b"", {3: 4})})
    assert list(differences(one, one)) == []
    for changed, words in (
        (Result((Did("failed", 5, b"", (log,)),), one.accounts), "transaction 0, status"),
        (Result((Did("succeeded", 6, b"", (log,)),), one.accounts), "transaction 0, gas_used"),
        (Result((Did("succeeded", 5, b"\0", (log,)),), one.accounts), "transaction 0, output"),
        (Result((Did("succeeded", 5, b"", ()),), one.accounts), "transaction 0, logs"),
        (Result(one.transactions, {}), "exists for the first only"),
        (Result(one.transactions, {b"\x01" * 20: Account(2, 2, b"", {3: 4})}), "nonce: 1 and 2"),
        (Result(one.transactions, {b"\x01" * 20: Account(1, 3, b"", {3: 4})}), "balance: 2 and 3"),
        (Result(one.transactions, {b"\x01" * 20: Account(1, 2, b"\0", {3: 4})}), "code"),
        (Result(one.transactions, {b"\x01" * 20: Account(1, 2, b"", {})}), "slot 0x3: 0x4 and 0x0"),
    ):
        [line] = differences(one, changed)
        assert words in line


def test_a_case_is_shrunk_to_what_shows_it() -> None:
    case = case_of(3, CANCUN)
    program = assemble("1 2 ADD POP GAS 5 SSTORE CALLER POP")
    account = case.accounts[CONTRACTS[0]]._replace(code=program)
    case = case.changed(accounts={**case.accounts, CONTRACTS[0]: account})

    def shows(each: Case) -> bool:
        code = each.accounts.get(CONTRACTS[0], Account()).code
        return bytes([OPCODES["SSTORE"]]) in code and len(each.transactions) >= 1

    small = shrunk(case, shows)
    assert len(small.transactions) == 1
    assert small.accounts.keys() == {CONTRACTS[0]}
    code = small.accounts[CONTRACTS[0]].code
    assert [byte for byte in code if byte != OPCODES["JUMPDEST"]] == [OPCODES["SSTORE"]]
    assert any("SSTORE" in line for line in described(small))


def test_code_is_shown_as_the_assembler_reads_it() -> None:
    source = "PUSH2 0x0102 ADD JUMPDEST STOP"
    words = list(disassembled(assemble(source.replace("JUMPDEST", "here:"))))
    assert " ".join(words) == source
    assert list(disassembled(b"\x5b" * 5 + b"\x0c\x60")) == ["JUMPDEST*5", "'0c'", "PUSH1 0x"]


def test_the_command_fuzzes_and_says_what_came_of_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seed", "5", "--seconds", "2"]
    command += ["--forks", "berlin,cancun", "--eels", str(tmp_path / "no-eels")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    first, last = done.stdout.splitlines()
    assert first == "oracle: py-evm only; seed 5"
    assert " 0 differ; the next seed is " in last


@pytest.mark.parametrize(
    "change", [{"coinbase": b"\xbb" * 20}, {"base_fee": 6}, {"fork_name": "shanghai"}], ids=str
)
def test_an_oracle_of_another_block_disagrees(change: dict[str, object]) -> None:
    cases = [case_of(seed, CANCUN) for seed in range(20)]
    assert any(
        list(differences(on_ours.run(case.changed(**change)), on_pyevm.run(case))) for case in cases
    )
