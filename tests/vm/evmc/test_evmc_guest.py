"""The EVM of this package as a shared library: on a tiny host in C, and on our own."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.cli.fixture_files import block_test, write
from tests.evm.world_blocks import context, contract, number_of, transaction, world
from tests.fixtures import fixtures, mainnet_block
from tests.fuzz import on_ours
from tests.fuzz.result import differences
from tests.fuzz.seeds import case_of, long_case_of
from tests.vm.evmc.libraries import ours, tiny_library
from tests.vm.evmc.test_evmc_host import AT, EXECUTORS, OTHER

import blockstm
from blockstm.bench.evm.assembly import assemble
from blockstm.cli import main
from blockstm.errors import EvmcError
from blockstm.ethereum import AccountState, read_block_file
from blockstm.vm.evm import Evm
from blockstm.vm.evmc import build as building
from blockstm.vm.forks import AMSTERDAM, FORKS, Fork

EVMC_FORKS = [fork for fork in FORKS if fork < AMSTERDAM]
CANCUN = 12
SUCCESS, FAILURE, REVERT, OUT_OF_GAS = range(4)


class Ran(NamedTuple):
    """What code came to on the host in C."""

    status: int
    gas_used: int
    output: bytes
    slot: int
    calls: int
    callee: bytes


@cache
def host_run() -> Any:
    function = ctypes.CDLL(str(tiny_library())).host_run
    function.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_char_p]
    function.argtypes += [ctypes.c_size_t, *[ctypes.c_void_p] * 6]
    return function


@cache
def instance() -> int:
    create = ctypes.CDLL(ours().path).evmc_create
    create.restype = ctypes.c_void_p
    return int(create())


def on_host(source: str, gas: int = 100_000, revision: int = CANCUN) -> Ran:
    """Run code on our library under the host in C."""
    code = assemble(source)
    gas_left, calls = ctypes.c_int64(), ctypes.c_int32()
    size = ctypes.c_size_t()
    output, slot, callee = (ctypes.create_string_buffer(n) for n in (64, 32, 20))
    pointers = [ctypes.addressof(each) for each in (gas_left, output, size, slot, calls, callee)]
    status = host_run()(instance(), revision, gas, code, len(code), *pointers)
    number = int.from_bytes(slot.raw, "big")
    shown = output.raw[: size.value]
    return Ran(status, gas - gas_left.value, shown, number, calls.value, callee.raw)


def top(source: str, **options: Any) -> int:
    """What code leaves on the stack."""
    ran = on_host(f"{source} 0 MSTORE 32 0 RETURN", **options)
    assert ran.status == SUCCESS
    return int.from_bytes(ran.output, "big")


def test_code_runs_on_a_host_in_c() -> None:
    assert top("2 3 ADD") == 5
    assert on_host("INVALID").status not in (SUCCESS, REVERT)
    assert on_host("0 0 REVERT")[:2] == (REVERT, 6)
    assert on_host("5 5 ADD", gas=8).status == OUT_OF_GAS


def test_each_question_goes_to_the_host() -> None:
    assert top("0xbb BALANCE") == 0xBB
    assert top("SELFBALANCE") == 0xAA
    assert top("0xbb EXTCODESIZE") == 0xBB
    assert top("0xbb EXTCODEHASH") == 0xBB
    assert top("4 0 0 0xbb EXTCODECOPY 0 MLOAD") == 0x77 << 248
    assert top("999 BLOCKHASH") == 999 % 256
    assert top("1000 BLOCKHASH") == 0
    assert top("743 BLOCKHASH") == 0
    assert top("NUMBER") == 1000
    assert top("7 1 TSTORE 1 TLOAD") == 7
    stored = on_host("42 1 SSTORE 1 SLOAD 0 MSTORE 32 0 RETURN")
    assert (stored.slot, int.from_bytes(stored.output, "big")) == (42, 42)
    assert on_host("1 2 0 0 LOG2").calls == 300


def test_a_call_is_asked_of_the_host() -> None:
    ran = on_host("6 0 0 0 0 0xbb 1000 CALL POP RETURNDATASIZE 0 0 RETURNDATACOPY 6 0 RETURN")
    assert (ran.output, ran.calls, ran.callee[19]) == (b"called", 1, 0xBB)
    assert top("0 0 0 0 0 0xbb GAS CALL RETURNDATASIZE ADD") == 7
    assert top("0 0 0 0 171 0xbb GAS CALL") == 0  # more than there is, so the host is not asked
    assert on_host("0 0 0 0 171 0xbb GAS CALL").calls == 0


def test_a_revision_that_is_not_ours_is_rejected() -> None:
    assert on_host("STOP", revision=15).status == -2


# ------------------------------------------------------------------------------ on our own host


@pytest.mark.parametrize("fork", EVMC_FORKS, ids=str)
def test_random_blocks_are_the_interpreters(fork: Fork) -> None:
    for seed in range(1, 4):
        for case in (case_of(seed, fork), long_case_of(seed, fork)):
            native = on_ours.run(case)
            for workers in (1, 2):
                foreign = on_ours.run(case, workers, ours())
                assert list(differences(native, foreign)) == []


@pytest.mark.parametrize("number", [46147, 2675001, 4370000, 12300570, 15537394, 19426587])
@pytest.mark.parametrize("workers", [1, 2])
def test_mainnet_blocks_run_on_the_library(number: int, workers: int) -> None:
    file = read_block_file(mainnet_block(number))
    hashes = file.block_hashes
    native = blockstm.execute_block(file.block, file.state(), "evm", block_hashes=hashes)
    foreign = blockstm.execute_block(
        file.block, file.state(), ours(), workers=workers, block_hashes=hashes
    )
    assert foreign.receipts == native.receipts
    assert dict(foreign.writes) == dict(native.writes)


def test_official_state_tests_pass(capsys: pytest.CaptureFixture[str]) -> None:
    path = fixtures() / "ethereum-tests-state.tar.xz"
    options = [
        "--vm",
        f"evmc:{ours().path}",
        "--workers",
        "2",
        "--match",
        "stSStoreTest|stCreate2/",
    ]
    assert main(["statetest", *options, str(path)]) == 0
    assert int(capsys.readouterr().out.split()[0].replace(",", "")) > 400


@pytest.mark.slow
@pytest.mark.parametrize("archive", ["ethereum-tests-state", "eest-osaka", "eest-prague"])
def test_all_official_state_tests_pass(archive: str) -> None:
    path = fixtures() / f"{archive}.tar.xz"
    assert main(["statetest", "--vm", f"evmc:{ours().path}", str(path)]) == 0


def test_official_blocks_are_imported(tmp_path: Path) -> None:
    path = write(tmp_path, {"good": block_test()})
    assert main(["blocktest", "--vm", f"evmc:{ours().path}", str(path)]) == 0


DEEPER = "32 0 0 0 0 ADDRESS 2000 GAS SUB CALL POP 0 MLOAD 1 ADD 0 MSTORE 32 0 RETURN"


@pytest.mark.parametrize("way", EXECUTORS)
def test_calls_go_1024_deep_and_no_deeper(way: str) -> None:
    """Each frame counts itself, and keeps so little gas that only depth ends it."""
    state = AccountState(world({AT: contract(DEEPER)}))
    evm = Evm("homestead", context("homestead"), evmc=ours())
    [outcome] = EXECUTORS[way]([transaction(0, AT, gas=25_000_000)], state, evm).outcomes
    assert int.from_bytes(outcome.value.output, "big") == 1025


def test_a_static_call_below_is_static() -> None:
    writing = contract("1 1 SSTORE")
    asking = contract(f"0 0 0 0 {number_of(OTHER):#x} GAS STATICCALL 0 MSTORE 32 0 RETURN")
    state = AccountState(world({AT: asking, OTHER: writing}))
    [outcome] = EXECUTORS["reference"](
        [transaction(0, AT)], state, Evm("cancun", context("cancun"), evmc=ours())
    ).outcomes
    assert outcome.value.output == bytes(32)


# ------------------------------------------------------------------------------ building it


def test_what_the_compiler_says_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(EvmcError, match="'c\\+\\+' has failed with status"):
        building.build(tmp_path / "x.so", flags=["-no-such-flag"])
    with pytest.raises(EvmcError, match="name a C\\+\\+20 compiler"):
        building.build(tmp_path / "x.so", compiler="no-such-compiler")
    assert not (tmp_path / "x.so").exists()


def quick_compiler(folder: Path) -> str:
    """It writes what it was asked for, and nothing of use into it."""
    path = folder / "quick"
    path.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho new > "$2"\n')
    path.chmod(0o755)
    return str(path)


def test_a_library_that_is_loaded_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    compiler, path = quick_compiler(tmp_path), tmp_path / "built" / "x.so"
    path.parent.mkdir()
    path.write_text("older, and longer")
    with path.open() as loaded:
        assert building.build(path, compiler=compiler) == path
        assert loaded.read() == "older, and longer"
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o755
    assert list(path.parent.iterdir()) == [path]


def test_a_library_that_cannot_be_put_there_leaves_nothing(tmp_path: Path) -> None:
    compiler, path = quick_compiler(tmp_path), tmp_path / "built" / "x.so"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"x\.so"):
        building.build(path, compiler=compiler)
    assert list(path.parent.iterdir()) == [path]


def test_an_installation_without_a_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(building, "version", no_version)
    with pytest.raises(EvmcError, match="no metadata"):
        building.build(tmp_path / "x.so", compiler=quick_compiler(tmp_path))


def test_the_command_says_what_went_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["-o", str(tmp_path / "x.so"), "--compiler", "no-such-compiler"]
    assert building.main(arguments) == 2
    assert main(["evmc", "build", *arguments]) == 2
    assert capsys.readouterr().err.count("name a C++20 compiler") == 2
