"""What has moved answers under its earlier path, as the same module."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from blockstm.earlier_paths import MOVED


@pytest.mark.parametrize(("earlier", "now"), MOVED.items())
def test_an_earlier_path_is_the_same_module(earlier: str, now: str) -> None:
    module = import_module(earlier)
    assert module is import_module(now)
    assert module.__name__ == now
    assert module.__spec__ is not None
    assert module.__spec__.name == now


@pytest.mark.parametrize(
    "line",
    [
        "from blockstm.ethereum.hashing import keccak",
        "from blockstm.ethereum.blockfile import read_block_file",
        "import blockstm.ethereum.rlp; blockstm.ethereum.rlp.encode(b'')",
        "from blockstm.ethereum import fields; fields.Fields",
        "from blockstm.insight.evm.measurement import measure",
    ],
)
def test_an_earlier_path_is_enough_to_begin_with(line: str) -> None:
    subprocess.run([sys.executable, "-c", line], check=True)


def test_what_never_was_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"blockstm\.ethereum\.no_such"):
        import_module("blockstm.ethereum.no_such")


def test_forks_and_mainnet_s_schedule_are_under_one_path_too() -> None:
    earlier = import_module("blockstm.ethereum.chains.forks")
    for name in ("blockstm.vm.forks", "blockstm.ethereum.chains.mainnet"):
        module = import_module(name)
        assert all(getattr(earlier, each) is getattr(module, each) for each in module.__all__)
    assert earlier.CONSTANTINOPLE_UNCORRECTED is earlier.CONSTANTINOPLE
