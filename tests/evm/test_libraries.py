"""The libraries of the EVM are found once, and a missing one is told."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from blockstm._native.crypto import libraries as table
from blockstm.vm.evm import libraries
from blockstm.vm.evm.libraries import load_libraries, load_libraries_of
from blockstm.vm.forks import (
    BYZANTIUM,
    CANCUN,
    FORKS,
    FRONTIER,
    ISTANBUL,
    PRAGUE,
    Fork,
    fork_named,
)


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As in a fresh process; what is installed is only noted."""
    installed: list[str] = []

    def install(name: str, addresses: dict[str, int]) -> bool:
        assert set(addresses) == set(table.functions(name))
        assert all(addresses.values())
        installed.append(name)
        return True

    monkeypatch.setattr(libraries, "_LOADED", set())
    monkeypatch.setattr(table, "install", install)
    return installed


def test_all_are_loaded_and_once(nothing_loaded: list[str]) -> None:
    load_libraries("gmp")
    assert nothing_loaded == ["gmp"]
    load_libraries()
    load_libraries()
    assert sorted(nothing_loaded) == sorted(table.LIBRARIES)


@pytest.mark.parametrize(
    ("fork", "names"),
    [
        ("frontier", []),
        ("spurious_dragon", []),
        ("byzantium", ["gmp"]),
        ("shanghai", ["gmp"]),
        ("cancun", ["blst", "gmp"]),
        ("osaka", ["blst", "gmp"]),
    ],
)
def test_a_fork_loads_what_its_precompiles_call(
    fork: str, names: list[str], nothing_loaded: list[str]
) -> None:
    load_libraries_of(fork_named(fork))
    assert sorted(nothing_loaded) == names


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.name)
def test_no_precompile_of_a_fork_lacks_its_library(fork: Fork) -> None:
    """In a process that loads only what that fork loads."""
    script = (
        "from blockstm._native.evm.precompiles.calls import call\n"
        "from blockstm.vm.evm.libraries import load_libraries_of\n"
        "from blockstm.vm.forks import fork_named\n"
        f"load_libraries_of(fork_named({fork.name!r}))\n"
        f"for number in range(1, {_precompiles(fork)} + 1):\n"
        "    data = bytes(95) + b'\\1'\n"
        f"    print(call({fork.rules!r}, number, data, 10**9)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "unavailable" not in done.stdout


def _precompiles(fork: Fork) -> int:
    """How many there are, at the addresses from 1 on."""
    since = ((PRAGUE, 17), (CANCUN, 10), (ISTANBUL, 9), (BYZANTIUM, 8), (FRONTIER, 4))
    return next(count for first, count in since if fork >= first)


def test_threads_load_once(nothing_loaded: list[str]) -> None:
    barrier = Barrier(8)

    def load() -> None:
        barrier.wait()
        load_libraries()

    threads = [Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(nothing_loaded) == sorted(table.LIBRARIES)


@pytest.mark.parametrize("name", table.LIBRARIES)
def test_a_missing_package_is_named(
    name: str, nothing_loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = replace(libraries._SOURCES[name], module="no_such_package_anywhere")
    monkeypatch.setitem(libraries._SOURCES, name, missing)
    with pytest.raises(ImportError, match=rf"needs {name} .*; pip install '{missing.package}>="):
        load_libraries()
    assert name not in nothing_loaded


def test_a_library_without_a_function_is_refused(
    nothing_loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(libraries._SOURCES["gmp"], module="ckzg")
    monkeypatch.setitem(libraries._SOURCES, "gmp", wrong)
    with pytest.raises(ImportError, match="undefined symbol: __gmpz_"):
        load_libraries("gmp")
    assert nothing_loaded == []


def test_a_library_that_cannot_be_set_up_is_refused(
    nothing_loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "install", lambda name, addresses: False)
    with pytest.raises(ImportError, match="blst from the package ckzg refuses to be set up"):
        load_libraries("blst")
    with pytest.raises(ImportError, match="refuses to be set up"):
        load_libraries("blst")  # still not loaded


def test_an_extension_without_a_file_is_refused(
    nothing_loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sys", "xml"):  # built in; a package
        monkeypatch.setitem(
            libraries._SOURCES, "blst", replace(libraries._SOURCES["blst"], module=module)
        )
        with pytest.raises(ImportError, match="needs blst"):
            load_libraries("blst")


def test_no_package_is_imported() -> None:
    """Importing one of them takes longer than many a block."""
    script = (
        "import sys\n"
        "from blockstm.vm.evm.libraries import load_libraries\n"
        "load_libraries()\n"
        "print(sorted(sys.modules.keys() & {'gmpy2', 'ckzg'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_before_loading_nothing_runs() -> None:
    """Precompiles say so in a process that loaded nothing."""
    script = (
        "from blockstm._native.evm.precompiles.calls import call\n"
        "for number in (5, 11, 12, 13, 14, 15, 16, 17):\n"
        "    data = bytes(95) + b'\\1'\n"
        "    assert call('osaka', number, data, 10**9)[::2] == ('unavailable', b''), number\n"
        "print('nothing ran')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "nothing ran\n", done.stderr
