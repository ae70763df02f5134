"""What is imported, and what is said where something is not installed.

Each case is a process of its own in which some packages cannot be imported.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.fixtures import DATA, ROOT

HEAVY = ("rlp", "pydantic", "eth_utils", "numpy", "numba", "hypothesis", "matplotlib", "eth")


def run(code: str, *hidden: str) -> subprocess.CompletedProcess[str]:
    """Run code where the ``hidden`` packages are not installed."""
    hide = f"import sys; sys.modules |= dict.fromkeys({hidden!r})"
    return subprocess.run(
        [sys.executable, "-c", f"{hide}\n{code}"], cwd=ROOT, capture_output=True, text=True
    )


BLOCK = f"""
import blockstm
from blockstm.ethereum import prepare_file, read_block_file
file = read_block_file({str(DATA / "mainnet" / "13287210.json.xz")!r})
"""
RUN = BLOCK + "done = prepare_file(file).run(blockstm.execute_block)\n"
KERNEL = """
import blockstm
@blockstm.kernel
def bump(view, tx):
    view.add(tx.key, 1)
bump.__blockstm_bind__([])
"""
ARCHIVE = """
from blockstm.chain.archives.frames import compress
compress(b"part")
"""
BENCH = "import sys; from blockstm.cli import main; sys.exit(main({!r}))"


@pytest.mark.parametrize("module", ["blockstm", "blockstm.ethereum", "blockstm.testing"])
def test_what_is_not_needed_is_not_imported(module: str) -> None:
    loaded = run(f"import {module}; print(*sorted(set(sys.modules) & set({HEAVY})))")
    assert (loaded.returncode, loaded.stdout.split()) == (0, []), loaded.stderr


def test_a_block_runs_without_any_extra() -> None:
    done = run(RUN + "assert done.gas_used == file.block.header.gas_used", *HEAVY)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "hidden", "extra"),
    [
        (KERNEL, "numba", "numba"),
        (KERNEL, "numpy", "numba"),
        (BLOCK + "prepare_file(file, 'py-evm')", "eth", "pyevm"),
        (BLOCK + "prepare_file(file, 'py-evm')", "rlp", "pyevm"),
        ("import blockstm.vm.pyevm", "eth", "pyevm"),
        ("import blockstm.compat.pyevm", "eth", "pyevm"),
        ("import blockstm.testing.strategies", "hypothesis", "testing"),
        ("import blockstm.compat.eth_tester", "eth_tester", "eth-tester"),
        ("import blockstm.compat.boa", "boa", "boa"),
        ("import blockstm.compat.plugins.boa", "boa", "boa"),
        ("import blockstm.compat.plugins.eth_tester", "eth_tester", "eth-tester"),
        ("import blockstm.compat.plugins.pyevm", "eth", "pyevm"),
        (ARCHIVE, "cramjam", "archives"),
        ("from blockstm.cluster import cluster\ncluster().__enter__()", "ray", "ray"),
        (
            "from blockstm.replay import write_metrics\nwrite_metrics([], 'blocks.parquet')",
            "pyarrow",
            "replay",
        ),
    ],
)
def test_a_missing_extra_names_itself(code: str, hidden: str, extra: str) -> None:
    done = run(code, hidden)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("blockstm.errors.MissingExtra: ")
    assert f"pip install 'blockstm[{extra}]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "hidden", "extra"),
    [
        (["bench", "payments"], "numba", "numba"),
        (["bench", "payments"], "numpy", "numba"),
        (["bench", "evm", "fibonacci", "--percent", "1"], "pyrevm", "pyrevm"),
        (["bench", "evm", "fibonacci", "--percent", "1", "--against", "py-evm"], "eth", "pyevm"),
        (
            ["bench", "loads", "transfers", "--gas", "1e6", "--against", "pyrevm"],
            "pyrevm",
            "pyrevm",
        ),
        (["bench", "loads", "transfers", "--gas", "1e6", "--against", "py-evm"], "eth", "pyevm"),
        (["bench", "loads", "transfers", "--plot", "x.png"], "matplotlib", "insight"),
        (["rpc", "--genesis", "genesis.json"], "uvicorn", "rpc"),
        (["rpc", "--genesis", "genesis.json"], "websockets", "rpc"),
        (["replay", f"{DATA}/mainnet/46147.json.xz", "--ray"], "ray", "ray"),
        (
            ["replay", f"{DATA}/mainnet/46147.json.xz", "--metrics", "t.parquet"],
            "pyarrow",
            "replay",
        ),
        (["run", "--vm", "py-evm", f"{DATA}/mainnet/46147.json.xz"], "eth", "pyevm"),
        (["run", "--vm", "py-evm", f"{DATA}/mainnet/46147.json.xz"], "rlp", "pyevm"),
    ],
)
def test_a_command_says_which_extra_is_missing(
    arguments: list[str], hidden: str, extra: str
) -> None:
    """In a line, before anything is measured, with status 2."""
    done = run(BENCH.format(arguments), hidden)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"blockstm {arguments[0]}: "), done.stderr
    assert f"pip install 'blockstm[{extra}]'" in last
    assert done.returncode == 2


@pytest.mark.parametrize(("library", "block"), [("gmpy2", 13287210), ("ckzg", 19426587)])
def test_a_missing_library_names_itself(library: str, block: int) -> None:
    """Where the block's fork has precompiles that call it."""
    done = run(RUN.replace("13287210", f"{block}"), library)
    assert done.returncode == 1
    assert f"pip install '{library}" in done.stderr.splitlines()[-1]
