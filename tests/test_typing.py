"""What a type checker says of a user's project: the examples of the pages, and the public names.

mypy sees the package as it is installed, by its `py.typed`, in its strictest mode.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.links import ROOT, pages
from tests.readme import examples

CACHE = str(ROOT / ".mypy_cache")

RIGHT = """
from collections.abc import Callable
from typing import Any, assert_type

import numpy

import blockstm
from blockstm.ethereum import (
    Account, AccountState, Authorization, Block, Chain, ExecutedBlock, Header, Receipt, Transaction,
    Withdrawal,
)
from blockstm.vm.forks import BlobSchedule
from blockstm.ethereum.genesis import Genesis, read_genesis
from blockstm.vm.evm import BlockContext, Evm, Signed


def vm(view: blockstm.View, tx: str) -> int:
    return 1


@blockstm.kernel
def native(view: blockstm.View, tx: Any) -> None:
    view.add(tx.a, 1)


@blockstm.kernel(keys="bytes32", values="uint256")
def wide(view: blockstm.View, tx: Any) -> None:
    view.add(tx.a, 1)


address, root = bytes(20), bytes(32)
state = AccountState({address: Account(balance=1, storage={1: 2}, code=b"")}, partial=True)
to_a_contract = Transaction(
    type=4, nonce=0, gas=21_000, to=address, value=0, data=b"", v=0, r=1, s=1, chain_id=1,
    access_list=((address, (1, 2)),), blob_hashes=(root,),
    authorizations=(Authorization(1, address, 0, 0, 1, 1),),
)
evm = Evm("osaka", BlockContext(number=1, timestamp=0, coinbase=address, gas_limit=1,
                                mix_hash=root, parent_hash=root, block_hashes={0: root}))
withdrawal = Withdrawal(1, 2, address, 3)
receipt = Receipt(0, True, 21_000, ((address, (root,), b""),))
records = numpy.zeros(3, dtype=[("a", "i8")])


def on_any_vm(executor: blockstm.Executor) -> None:
    assert_type(blockstm.execute_block(["a"], {}, vm), blockstm.BlockResult)
    assert_type(executor.execute_block(["a"], {}, vm, limit=5), blockstm.BlockResult)
    assert_type(blockstm.execute_block(range(3), {}, vm, workers=2), blockstm.BlockResult)
    assert_type(blockstm.execute_block(records, {}, native), blockstm.BlockResult)
    assert_type(blockstm.execute_block(records, {}, wide), blockstm.BlockResult)
    assert_type(blockstm.execute_block([Signed(to_a_contract, address)], state, evm),
                blockstm.BlockResult)
    assert_type(executor.stream(["a"], {}, vm), blockstm.Stream)


def on_ethereum(
    executor: blockstm.Executor, block: Block, parent: Header, chain: Chain, path: str
) -> None:
    assert_type(blockstm.execute_block(block, state, vm="evm", parent=parent), ExecutedBlock)
    assert_type(executor.execute_block(block, state, "py-evm", chain=chain), ExecutedBlock)
    assert_type(blockstm.execute_block(block, state, "evm", fork="osaka", workers=1,
                                       ancestors=[block], block_hashes={1: root}), ExecutedBlock)
    assert_type(read_genesis(path), Genesis)
    assert_type(state.account(address), Account | None)
    assert_type(parent.coinbase, bytes)
    assert_type(block.transactions[0].to, bytes | None)
    assert_type(BlobSchedule(1, 2, 3).max, int)
    parent.hash.hex()


callback: Callable[[blockstm.Outcome], bool] = lambda outcome: outcome.gas_used > 5
"""

WRONG = [
    "blockstm.kernal",
    "blockstm.execute_block(5, {}, vm)",
    "blockstm.execute_block([], {}, vm, limits=5)",
    "blockstm.execute_block([], {}, vm='EVM')",
    "blockstm.execute_block(block, state, vm='evm', on_invalid='skip')",
    "blockstm.execute_block([], {}, vm, parent=header)",
    "blockstm.Config(worker=1)",
    "blockstm.Config(workers='many')",
    "AccountState({'0x00': Account()})",
    "AccountState({bytes(20): Account(balance='1')})",
    "replace_coinbase(header, 'x')",
    "header.timestap",
]
SCAFFOLD = """
import blockstm
from blockstm.ethereum import Account, AccountState, Block, Header


def replace_coinbase(header: Header, coinbase: bytes) -> None: ...


def vm(view: blockstm.View, tx: int) -> None: ...


def mistake(block: Block, header: Header, state: AccountState) -> None:
"""


# Packages that examples import and that come without types.
UNTYPED = "[mypy]\n[mypy-boa.*,eth.*,eth_tester.*,pyrevm.*]\nignore_missing_imports = True\n"


def checked(folder: Path, files: dict[str, str]) -> list[str]:
    """What mypy says of a project of these files, line by line; nothing where all is well."""
    for name, code in files.items():
        (folder / name).write_text(code)
    (folder / "mypy.ini").write_text(UNTYPED)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--no-pretty",
        "--cache-dir",
        CACHE,
    ]
    ran = subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    return [line for line in ran.stdout.splitlines() if ": note:" not in line]


def test_the_examples_of_the_pages_pass(tmp_path: Path) -> None:
    files = {
        f"{page.stem.lower().replace('-', '_')}_{example.line}.py": example.code
        for page in pages()
        for example in examples(page)
    }
    assert len(files) > 8
    assert checked(tmp_path, files) == []


def test_the_example_programs_pass(tmp_path: Path) -> None:
    files = {path.name: path.read_text() for path in (ROOT / "examples").glob("*.py")}
    assert checked(tmp_path, files) == []


def test_the_public_names_have_types_and_plain_bytes_are_addresses(tmp_path: Path) -> None:
    assert checked(tmp_path, {"right.py": RIGHT}) == []


def test_a_mistake_is_found_before_it_runs(tmp_path: Path) -> None:
    files = {f"wrong_{n}.py": f"{SCAFFOLD}    {code}\n" for n, code in enumerate(WRONG)}
    found = {line.partition(":")[0] for line in checked(tmp_path, files)}
    assert [code for n, code in enumerate(WRONG) if f"wrong_{n}.py" not in found] == []


@pytest.mark.parametrize("name", ["Address", "Hash32", "BlockNumber"])
def test_the_words_for_bytes_and_numbers_are_bytes_and_numbers(name: str) -> None:
    import blockstm.types

    assert getattr(blockstm.types, name) in (bytes, int)
