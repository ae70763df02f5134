"""A fork has one meaning by all its names, in every function that takes one."""

from __future__ import annotations

import pytest
from tests.evm.world_blocks import context, transaction, world

import blockstm
from blockstm.bench.evm.assembly import assemble
from blockstm.errors import ConfigError
from blockstm.ethereum import Fork, fork_named
from blockstm.ethereum.chains.mainnet import mainnet_fork
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account, AccountState
from blockstm.vm.evm import Evm
from blockstm.vm.forks import CONSTANTINOPLE, FORKS, PETERSBURG
from blockstm.vm.pyevm import FORKS as PYEVM_FORKS
from blockstm.vm.pyevm import PyEvm

OTHER_NAMES = {
    "EIP150": "tangerine_whistle",
    "EIP158": "spurious_dragon",
    "ConstantinopleFix": "petersburg",
    "constantinoplefix": "petersburg",
    "Merge": "paris",
    "MERGE": "paris",
    "MuirGlacier": "muir_glacier",
    "BPO2": "bpo2",
}
CONTRACT = b"\xcc" * 20


@pytest.mark.parametrize("fork", FORKS, ids=str)
def test_the_evm_knows_a_fork_by_all_its_names(fork: Fork) -> None:
    camel = "".join(part.capitalize() for part in fork.name.split("_"))
    block = context(fork.rules)
    for name in (fork.name, fork.name.upper(), camel, fork):
        evm = Evm(name, block)
        assert evm.fork == fork.rules
        assert evm.block.blobs_max == (fork.blobs and fork.blobs.max)
        if isinstance(name, str):
            assert fork_named(name) == fork
        if isinstance(name, str) and fork.name in PYEVM_FORKS:
            assert PyEvm(name, block).fork == fork.name


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_the_names_of_other_clients_and_of_the_official_tests(name: str) -> None:
    fork = fork_named(OTHER_NAMES[name])
    assert fork_named(name) == fork
    assert Evm(name, context(fork.rules)).fork == fork.rules


@pytest.mark.parametrize("name", ["", "Atlantis", "bpo9", None, 7, b"london"])
@pytest.mark.parametrize("vm", [Evm, PyEvm])
def test_any_other_name_is_refused_with_those_that_there_are(vm: type, name: object) -> None:
    with pytest.raises(ConfigError, match="petersburg"):
        vm(name, context("london"))


def test_constantinople_is_the_fork_as_planned_and_mainnet_got_petersburg() -> None:
    """They differ by EIP-1283: a slot that is written twice."""
    code = assemble("1 0 SSTORE 2 0 SSTORE")
    state = AccountState(world({CONTRACT: Account(0, 1, code, keccak(code))}))
    used = {}
    for name in ("constantinople", "Constantinople", CONSTANTINOPLE, "petersburg", PETERSBURG):
        evm = Evm(name, context("constantinople"))
        result = blockstm.execute_block([transaction(0, CONTRACT)], state, evm)
        used[str(name)] = result.gas_used
    assert used["constantinople"] == used["Constantinople"] < used["petersburg"]
    assert mainnet_fork(7_280_000, 0) == "petersburg"
