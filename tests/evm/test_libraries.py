"""The libraries of the EVM are found once, and a missing one is told."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from blockstm._native.crypto import libraries as table
from blockstm.vm.evm import libraries
from blockstm.vm.evm.libraries import find_libraries_of, load_libraries
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


def printed(script: str) -> str:
    """What a Python of its own prints; its error where it prints nothing."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return done.stdout or done.stderr


@pytest.fixture
def nothing_found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As in a fresh process; what is found and loaded is only noted: the names of what is found."""
    found: list[str] = []

    def promise(name: str, file: bytes) -> None:
        assert Path(os.fsdecode(file)).is_file()
        found.append(name)

    monkeypatch.setattr(libraries, "_FOUND", set())
    monkeypatch.setattr(table, "promise", promise)
    monkeypatch.setattr(table, "load", lambda name: "")
    return found


def test_all_are_found_and_once(nothing_found: list[str]) -> None:
    load_libraries("gmp")
    assert nothing_found == ["gmp"]
    load_libraries()
    load_libraries()
    assert sorted(nothing_found) == sorted(table.LIBRARIES)


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
def test_of_a_fork_is_found_what_its_precompiles_call(
    fork: str, names: list[str], nothing_found: list[str]
) -> None:
    find_libraries_of(fork_named(fork))
    assert sorted(nothing_found) == names


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="tells what is loaded")
def test_only_what_is_called_is_loaded() -> None:
    """Each by its first call, in a thread without the GIL; the others never."""
    calls = {  # number of a precompile, its input
        "": (4, b""),
        "gmp": (5, bytes(31) + b"\1" + bytes(31) + b"\1" + bytes(31) + b"\2" + b"\5\3\1\0"),
        "ckzg": (11, bytes(256)),
    }
    script = (
        "import sys\n"
        "from blockstm._native.evm.precompiles.calls import call\n"
        "from blockstm.vm.evm.libraries import find_libraries_of\n"
        "from blockstm.vm.forks import fork_named\n"
        "def loaded():\n"
        "    maps = open('/proc/self/maps').read()\n"
        "    return [name for name in ('libgmp', 'ckzg') if name in maps]\n"
        "find_libraries_of(fork_named('osaka'))\n"
        f"for number, data in {list(calls.values())}:\n"
        "    assert call('osaka', number, data, 10**9)[0] == 'success'\n"
        "    print(loaded())\n"
    )
    assert printed(script) == "[]\n['libgmp']\n['libgmp', 'ckzg']\n"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="tells what is loaded")
def test_a_block_of_transfers_loads_nothing() -> None:
    script = (
        "from blockstm import execute_block\n"
        "from tests.evm.world_blocks import run, transaction, world\n"
        "run('osaka', world(), [transaction(n, bytes(20)) for n in range(4)], execute_block)\n"
        "maps = open('/proc/self/maps').read()\n"
        "print('libgmp' in maps, 'ckzg' in maps)\n"
    )
    assert printed(script) == "False False\n"


def told_of_sources(change: str, fork: str) -> str:
    """What a block that calls MODEXP says, in a process of its own, once sources are changed."""
    script = (
        "from dataclasses import replace\n"
        "from blockstm import execute_block\n"
        "from blockstm.vm.evm import libraries\n"
        "from tests.evm.world_blocks import run, transaction, world\n"
        "sources = libraries._SOURCES\n"
        f"{change}\n"
        "data = bytes(31) + b'\\1' + bytes(31) + b'\\1' + bytes(31) + b'\\2' + b'\\5\\3\\1\\0'\n"
        "step = transaction(0, (5).to_bytes(20, 'big'), data=data)\n"
        "try:\n"
        f"    run({fork!r}, world(), [step], execute_block)\n"
        "except Exception as error:\n"
        "    print(type(error.__cause__).__name__, error.__cause__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return done.stdout + done.stderr


WRONG_GMP = "sources['gmp'] = replace(sources['gmp'], module='ckzg', bundled='')"
NO_BLST = "sources['blst'] = replace(sources['blst'], module='no_such_package_anywhere')"


def test_what_cannot_be_loaded_is_told_by_the_block_that_calls_it() -> None:
    told = told_of_sources(WRONG_GMP, "osaka")
    assert told.startswith("ImportError the EVM needs gmp from the package"), told
    assert "undefined symbol: __gmpz_" in told


def test_a_library_that_the_fork_does_not_need_is_not_blamed() -> None:
    told = told_of_sources(f"{WRONG_GMP}\n{NO_BLST}", "byzantium")
    assert told.startswith("ImportError the EVM needs gmp from the package"), told


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.name)
def test_no_precompile_of_a_fork_lacks_its_library(fork: Fork) -> None:
    """In a process that loads only what that fork loads."""
    script = (
        "from blockstm._native.evm.precompiles.calls import call\n"
        "from blockstm.vm.evm.libraries import find_libraries_of\n"
        "from blockstm.vm.forks import fork_named\n"
        f"find_libraries_of(fork_named({fork.name!r}))\n"
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


def test_threads_load_once() -> None:
    """All at once, in a process that has loaded nothing."""
    script = (
        "from threading import Barrier, Thread\n"
        "from blockstm._native.evm.precompiles.calls import call\n"
        "from blockstm.vm.evm.libraries import find_libraries_of\n"
        "from blockstm.vm.forks import fork_named\n"
        "find_libraries_of(fork_named('osaka'))\n"
        "barrier, found = Barrier(8), []\n"
        "def run(number, data):\n"
        "    barrier.wait()\n"
        "    found.append(call('osaka', number, data, 10**9)[0])\n"
        "calls = [(5, bytes(95) + b'\\1'), (11, bytes(256))] * 4\n"
        "threads = [Thread(target=run, args=each) for each in calls]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(found.count('success'))\n"
    )
    assert printed(script) == "8\n"


@pytest.mark.parametrize("name", table.LIBRARIES)
def test_a_missing_package_is_named(
    name: str, nothing_found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = replace(libraries._SOURCES[name], module="no_such_package_anywhere")
    monkeypatch.setitem(libraries._SOURCES, name, missing)
    with pytest.raises(ImportError, match=rf"needs {name} .*; pip install '{missing.package}>="):
        load_libraries()
    assert name not in nothing_found


def test_a_library_without_a_function_is_refused() -> None:
    """In a process of its own, as what is loaded stays."""
    script = (
        "from dataclasses import replace\n"
        "from blockstm.vm.evm import libraries\n"
        "wrong = replace(libraries._SOURCES['gmp'], module='ckzg', bundled='')\n"
        "libraries._SOURCES['gmp'] = wrong\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        libraries.load_libraries('gmp')\n"
        "    except ImportError as error:\n"
        "        print('undefined symbol: __gmpz_' in str(error))\n"
    )
    assert printed(script) == "True\nTrue\n"


def test_a_library_that_cannot_be_set_up_is_refused(
    nothing_found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "load", lambda name: "it refuses to be set up")
    with pytest.raises(ImportError, match=r"blst from the package ckzg, .* refuses to be set up"):
        load_libraries("blst")
    with pytest.raises(ImportError, match="refuses to be set up"):
        load_libraries("blst")  # still not loaded


def test_an_extension_without_a_file_is_refused(
    nothing_found: list[str], monkeypatch: pytest.MonkeyPatch
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
    assert printed(script) == "[]\n"


def test_before_loading_nothing_runs() -> None:
    """Precompiles say so in a process that loaded nothing."""
    script = (
        "from blockstm._native.evm.precompiles.calls import call\n"
        "for number in (5, 11, 12, 13, 14, 15, 16, 17):\n"
        "    data = bytes(95) + b'\\1'\n"
        "    assert call('osaka', number, data, 10**9)[::2] == ('unavailable', b''), number\n"
        "print('nothing ran')\n"
    )
    assert printed(script) == "nothing ran\n"
