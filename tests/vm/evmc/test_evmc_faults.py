"""What EVMC libraries do wrong, when they are loaded and while they run: typed errors."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import state_test, write
from tests.evm.world_blocks import context, contract, transaction, world
from tests.vm.evmc.libraries import INCLUDE, tiny, tiny_library
from tests.vm.evmc.test_evmc_host import AT, EXECUTORS

from blockstm.cli import main
from blockstm.errors import ConfigError, EvmcError, InputError, TransactionError
from blockstm.ethereum import AccountState, fork_named
from blockstm.ethereum.execution.vms import check_fork, check_vm
from blockstm.vm import evmc
from blockstm.vm.evm import Evm, Inspector, Opcode


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(EvmcError, match="there is no such file"):
        evmc.load("nowhere/libnone.so")


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "libtext.so"
    path.write_text("text")
    with pytest.raises(EvmcError, match="no EVMC library can be loaded from"):
        evmc.load(path)


def test_a_library_without_the_function() -> None:
    path = tiny_library("stranger")
    with pytest.raises(EvmcError, match=r"exports none of evmc_create_stranger, evmc_create$"):
        evmc.load(path)


@pytest.mark.parametrize(
    ("definitions", "what"),
    [
        (["TINY_NULL"], "a null pointer"),
        (["TINY_ABI=11"], "no VM of EVMC's ABI 12"),
        (["TINY_EXECUTE=NULL"], "no VM of EVMC's ABI 12"),
        (["TINY_EWASM"], "does not run the EVM's code"),
    ],
)
def test_a_library_without_an_evm(definitions: list[str], what: str) -> None:
    name = "bad_" + definitions[0].replace("=", "_").lower()
    path = tiny_library(name, f"TINY_CREATE=evmc_create_{name}", *definitions)
    with pytest.raises(EvmcError, match=what):
        evmc.load(path)


def test_the_short_name_of_the_function_will_do() -> None:
    path = tiny_library("by-any-name", "TINY_CREATE=evmc_create")
    assert evmc.load(path).name == "tiny"


@pytest.mark.parametrize("option", [{"none": "1"}, {"gas": "much"}])
def test_an_option_that_it_does_not_take(option: dict[str, str]) -> None:
    with pytest.raises(EvmcError, match=f"does not take the option '{next(iter(option))}' with"):
        evmc.load(tiny_library(), option)


@pytest.mark.parametrize("options", [[("gas", "1")], {"gas": 1}, {"g\0": "1"}])
def test_options_that_are_none(options: Any) -> None:
    with pytest.raises(ConfigError, match="a mapping of strings"):
        evmc.load(tiny_library(), options)


@pytest.mark.parametrize("option", [{"\udc80": "1"}, {"gas": "\ud800"}])
def test_options_that_no_library_can_be_given(option: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="a mapping of strings"):
        evmc.load(tiny_library(), option)


@pytest.mark.parametrize("path", [5, None, b"libtiny.so", "lib\0.so"])
def test_a_path_that_is_none(path: Any) -> None:
    with pytest.raises(ConfigError, match="the path of an EVMC library is a str"):
        evmc.load(path)


@pytest.mark.parametrize("path", ["a" * 5000, "\ud800.so", "a/" * 5000])
def test_a_path_that_no_file_has(path: str) -> None:
    with pytest.raises(EvmcError, match="there is no such file"):
        evmc.load(path)


def test_a_library_by_a_name_that_no_text_has(tmp_path: Path) -> None:
    path = tmp_path / "lib\udc80.so"
    shutil.copy(tiny_library("by-any-name", "TINY_CREATE=evmc_create"), path)
    assert evmc.load(path).name == "tiny"


@pytest.mark.parametrize("configuration", [5, None, b"libtiny.so"])
def test_a_configuration_that_is_no_text(configuration: Any) -> None:
    with pytest.raises(ConfigError, match="PATH"):
        evmc.load_configured(configuration)


# ------------------------------------------------------------------------------ while it runs


@pytest.mark.parametrize("way", EXECUTORS)
@pytest.mark.parametrize(
    ("how", "what"),
    [
        (5, "internal error"),
        (6, "a status that EVMC does not have"),
        (7, "more gas than it was given"),
        (8, "gas after an exceptional halt"),
        (9, "a null pointer to an output"),
        (10, "a null pointer"),
        (12, "a call more gas than it has"),
        (13, "a refund"),
        (14, "more than four topics"),
        (15, "a kind of call"),
        (16, "less than none"),
        (17, "a null pointer"),
        (18, "a null pointer"),
        (19, "a null pointer"),
        (21, "a null pointer"),
        (22, "a size beyond all memory"),
        (23, "a size beyond all memory"),
    ],
)
def test_what_breaks_the_interface_ends_the_block(way: str, how: int, what: str) -> None:
    error = failure_of(way, b"M" + bytes([how]))
    assert isinstance(error, EvmcError)
    assert what in str(error)


def failure_of(way: str, code: bytes, vm: Any = None) -> BaseException | None:
    state = AccountState(world({AT: contract(code)}))
    steps = [transaction(1, AT, data=b""), transaction(0, AT, data=b"")]
    with pytest.raises(TransactionError) as caught:
        EXECUTORS[way](steps, state, Evm("cancun", context("cancun"), evmc=vm or tiny()))
    assert caught.value.index == 0
    return caught.value.__cause__


@pytest.mark.parametrize("code", [b"M\x0b", b"W", b"E", b"D"], ids=repr)
def test_a_change_in_a_static_call_ends_the_block(code: bytes) -> None:
    data = bytes([0, 1]) + b"\xbb" * 20 + bytes(32) + bytes(64)
    state = AccountState(world({AT: contract(b"C"), b"\xbb" * 20: contract(code)}))
    with pytest.raises(TransactionError) as caught:
        EXECUTORS["two workers"](
            [transaction(0, AT, data=data)], state, Evm("cancun", context("cancun"), evmc=tiny())
        )
    assert "in a static call" in str(caught.value.__cause__)


def test_memory_that_ran_out_is_a_memory_error() -> None:
    assert isinstance(failure_of("two workers", b"M\x14"), MemoryError)


THROWING = """
#include "blockstm/evmc.h"
#include <stdexcept>
static evmc_result execute(evmc_vm*, const evmc_host_interface*, evmc_host_context*, evmc_revision,
                           const evmc_message*, const uint8_t*, size_t) {
    throw std::runtime_error("no");
}
static void destroy(evmc_vm*) {}
static evmc_capabilities_flagset capabilities(evmc_vm*) { return EVMC_CAPABILITY_EVM1; }
extern "C" evmc_vm* evmc_create() {
    static bool has_begun = false;
    if (THROWS_EARLY && !has_begun) throw 1;
    static evmc_vm vm{EVMC_ABI_VERSION, "throws", "1", destroy, execute, capabilities, nullptr};
    return &vm;
}
"""


def throwing(folder: Path, early: int) -> Path:
    source, path = folder / "throwing.cpp", folder / "libthrowing.so"
    source.write_text(THROWING)
    defined = [f"-DTHROWS_EARLY={early}", f"-I{INCLUDE}"]
    command = ["c++", "-std=c++20", "-shared", "-fPIC", *defined, str(source), "-o", str(path)]
    subprocess.run(command, check=True)
    return path


def test_an_exception_ends_the_block(tmp_path: Path) -> None:
    error = failure_of("two workers", b"I", evmc.load(throwing(tmp_path, 0)))
    assert isinstance(error, EvmcError)
    assert "a C++ exception" in str(error)


def test_an_exception_while_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(EvmcError, match=r"a C\+\+ exception"):
        evmc.load(throwing(tmp_path, 1))


# ------------------------------------------------------------------------------ what it cannot do


@pytest.mark.parametrize("make", [lambda: evmc.load(tiny_library()).path, lambda: object()])
def test_what_is_no_evmc_vm_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InputError, match=r"evmc is what blockstm.vm.evmc.load gives"):
        Evm("cancun", context("cancun"), evmc=make())


def test_amsterdam_opcodes_inspectors_and_traces_are_refused() -> None:
    block = context("cancun")
    with pytest.raises(ConfigError, match="no fork 'amsterdam'"):
        Evm("amsterdam", block, evmc=tiny())
    with pytest.raises(ConfigError, match="no fork 'amsterdam'"):
        check_fork(tiny(), fork_named("amsterdam"))
    opcodes = {0x0C: Opcode(0, 1, 2, lambda operands, gas, memory: (1, 0))}
    with pytest.raises(ConfigError, match="opcodes of your own"):
        Evm("cancun", block, opcodes=opcodes, evmc=tiny())
    with pytest.raises(ConfigError, match="an inspector watches this package's EVM"):
        Evm("cancun", block, evmc=tiny()).inspected_by(Inspector())
    anything: Any = None
    with pytest.raises(ConfigError, match="can be traced"):
        Evm("cancun", block, evmc=tiny()).trace(anything, anything, print)


def test_a_vm_for_blocks_is_a_name_or_a_library() -> None:
    check_vm(tiny())
    with pytest.raises(ConfigError, match=r"'evm', 'py-evm' and what blockstm.vm.evmc.load gives"):
        check_vm("evmc")


@pytest.mark.parametrize("vm", ["evmc:nowhere.so", "evmc:", "evmc"])
def test_the_command_says_so(vm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"good": state_test()})
    try:
        status = main(["statetest", "--vm", vm, str(path)])
    except SystemExit as stopped:  # argparse's
        status = stopped.code  # type: ignore[assignment]  # a number
    assert status == 2
    said = capsys.readouterr().err
    assert "there is no such file" in said or "is none of evm, py-evm and evmc:PATH" in said


def test_the_command_shows_what_a_library_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evmc", "info", str(tiny_library())]) == 0
    assert capsys.readouterr().out == "tiny 1: evm1\n"
