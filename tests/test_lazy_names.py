"""Packages that import their names when they are asked for: the same names, and nothing before."""

from __future__ import annotations

import ast
import copy
import importlib
import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from tests.cli.test_cli_t8n import STREAMS, given
from tests.layers import PACKAGE

from blockstm import lazy_names
from blockstm.ethereum import Reason

BLOCK = PACKAGE.parents[1] / "tests" / "data" / "mainnet" / "19426587.json.xz"
PACKAGES = ["blockstm.ethereum", "blockstm.ethereum.tracing", "blockstm.ethereum.witnesses"]


def names_for_type_checkers(package: str) -> dict[str, str]:
    """What a package imports under ``if TYPE_CHECKING``: a name → its module."""
    path = PACKAGE.joinpath(*package.split(".")[1:], "__init__.py")
    [guarded] = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.If)]
    assert ast.unparse(guarded.test) == "TYPE_CHECKING"
    found = [each for each in guarded.body if isinstance(each, ast.ImportFrom)]
    return {alias.name: each.module or "" for each in found for alias in each.names}


def python(code: str, *arguments: str, stdin: str = "") -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_what_runs_has_the_names_that_type_checkers_see(package: str) -> None:
    module = importlib.import_module(package)
    seen = names_for_type_checkers(package)
    assert sorted(seen) == sorted(module.__all__)
    for name, origin in seen.items():
        assert getattr(module, name) is getattr(importlib.import_module(origin), name)


@pytest.mark.parametrize(
    "begin",
    [
        "from blockstm.ethereum import read_block_file",
        "from blockstm.ethereum import Block\n"
        "from blockstm.ethereum.files.block_files import read_block_file",
    ],
    ids=["read_block_file", "Block"],
)
def test_the_first_block_of_a_process_waits_for_no_import(begin: str) -> None:
    printed = python(
        f"""{begin}
import sys
from blockstm import Executor
file = read_block_file({str(BLOCK)!r})
state = file.state()
with Executor(workers=2) as executor:
    before = set(sys.modules)
    executor.execute_block(file.block, state, "evm", block_hashes=file.block_hashes)
print([name for name in sys.modules if name not in before and "blockstm" in name])
"""
    )
    assert printed == "[]\n"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_way_to_a_name_gives_it_in_a_fresh_process(package: str) -> None:
    printed = python(
        f"""if True:
        import {package} as package
        assert {{*package.__all__}} <= {{*dir(package)}}
        assert not {{*package.__all__}} & {{*vars(package)}}, "imported before anybody asked"
        assert all(hasattr(package, name) for name in package.__all__)
        star = {{}}
        exec("from {package} import *", star)
        assert {{*package.__all__}} <= {{*star}} and {{*package.__all__}} <= {{*vars(package)}}
        assert all(star[name] is getattr(package, name) for name in package.__all__)
        print("as it should be")
        """
    )
    assert printed == "as it should be\n"


@pytest.mark.parametrize(
    "line",
    [
        "import blockstm.ethereum as e; e.blocks.block.Block.decode; e.calls.calling.call",
        "from blockstm.ethereum import calls; calls.call",
        "from blockstm.ethereum import tracing; tracing.CallTracer",
        "import blockstm.ethereum; blockstm.ethereum.witnesses.parts.verify_part",
        "from blockstm.ethereum import learned; learned.Learned",
        "from blockstm.ethereum.witnesses import unknown_codes",
    ],
)
def test_folders_and_modules_are_found_as_before(line: str) -> None:
    python(line)


def test_threads_that_ask_first_get_the_same() -> None:
    printed = python(
        """if True:
        import threading
        import blockstm.ethereum as package
        together, got = threading.Barrier(4), []
        def ask():
            together.wait(60)
            got.append([getattr(package, name) for name in package.__all__])
        threads = [threading.Thread(target=ask) for _ in range(4)]
        [each.start() for each in threads]
        [each.join() for each in threads]
        print(len(got), all(a is b for each in got for a, b in zip(got[0], each, strict=True)))
        """
    )
    assert printed == "4 True\n"


def test_what_is_loaded_late_is_pickled_and_copied() -> None:
    from blockstm.ethereum import Account, Withdrawal

    for value in (Account(balance=1), Withdrawal(1, 2, bytes(20), 3), Reason.SIGNATURE, Account):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value


def test_what_is_not_there_is_told_by_name() -> None:
    with pytest.raises(AttributeError, match=r"'blockstm\.ethereum' has no attribute 'Blocks'"):
        importlib.import_module("blockstm.ethereum").Blocks  # noqa: B018  # asking is the test
    with pytest.raises(ImportError, match="cannot import name 'Blocks'"):
        exec("from blockstm.ethereum import Blocks")


def test_a_name_is_looked_up_once() -> None:
    get, names = lazy_names.of(__name__, {"blockstm.state.located": "located"})
    there: dict[str, Any] = vars(sys.modules[__name__])
    assert "located" not in there
    assert "located" in names()
    try:
        assert get("located") is there["located"]
    finally:
        del there["located"]


NOT_FOR_A_TRANSFER = {
    *("blockstm.ai", "blockstm.bench", "blockstm.chain", "blockstm.insight", "blockstm.replay"),
    *("blockstm.rpc", "blockstm.shards", "blockstm.testing", "blockstm.vm.kernel"),
    *("blockstm.vm.pyevm", "blockstm.ethereum.building", "blockstm.ethereum.calls"),
    *("blockstm.ethereum.learned", "blockstm.ethereum.remote", "blockstm.ethereum.simulation"),
    *("blockstm.ethereum.witnesses", "blockstm.ethereum.tracing.nested_calls"),
    *("blockstm.ethereum.tracing.struct_logs", "blockstm.vm.evm.recording"),
    *("blockstm.executor.exploration", "_ssl", "asyncio", "concurrent.futures", "http"),
    *("importlib.abc", "logging", "numpy", "platform", "secrets", "socket", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "unittest", "urllib.request"),
}
"""What a process that runs one transfer does without: to load it takes longer than to run that."""


def test_a_transition_loads_what_it_needs() -> None:
    code = (
        "import json, sys; before = {*sys.modules}; from blockstm.cli import main;"
        "status = main(sys.argv[1:]);"
        "print(json.dumps([status, *sys.modules.keys() - before]), file=sys.stderr)"
    )

    def transition(document: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        done = subprocess.run(
            [sys.executable, "-c", code, "t8n", "--state.fork=Shanghai", *STREAMS],
            input=json.dumps(document),
            capture_output=True,
            text=True,
            check=True,
        )
        status, *loaded = json.loads(done.stderr)
        assert status == 0
        return json.loads(done.stdout), {*loaded}

    came, loaded = transition(given())  # a transaction to be signed
    signed, loaded_for_signed = transition(given(txsRlp=came["body"]))
    for each in (came, signed):
        [receipt] = each["result"]["receipts"]
        assert receipt["gasUsed"] == "0x5208"
    assert "blockstm.ethereum.transition.transition" in loaded
    assert sorted(NOT_FOR_A_TRANSFER & loaded) == []
    assert sorted((NOT_FOR_A_TRANSFER | {"_hashlib"}) & loaded_for_signed) == []
