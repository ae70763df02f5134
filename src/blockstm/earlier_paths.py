"""Modules that have moved answer under the paths that they had before, too.

What programs import goes on working: the path that a module had before is one more name of the
very same module. New programs import from `blockstm.ethereum` or from the folders that its
contents page lists.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

__all__ = ["MOVED", "answer"]

# Package → where its modules are now: folder → names, ``earlier:now`` where a name changed too.
_PACKAGES: Final = {
    "ethereum": {
        "ethereum.blocks": "access_list block header receipt transaction withdrawal",
        "ethereum.chains": "amsterdam dao forks",
        "ethereum.codecs": "fields hashing jsonfile:json_files loosefields:loose_fields members "
        "rlp",
        "ethereum.execution": "arguments checks known_senders on_evm on_pyevm roots:state_roots "
        "senders verification",
        "ethereum.files": "access_list_files blockfile:block_files payloads prestate:pre_state",
        "ethereum.genesis": "chainconfig:geth chainspec:nethermind",
        "ethereum.results": "access_list_differences accesses outcomes receipts:flat_receipts",
        "ethereum.rules": "difficulty fees header_rules intrinsic:intrinsic_gas ommers "
        "proof_of_work reasons requests rewards transaction_rules validity:block_rules",
        "ethereum.tries": "stateroot:state_trie trie:list_root",
        "ethereum": "witness:witnesses",
    },
    "ethereum.tries": {"ethereum": "witness:witnesses"},
    "insight": {
        "bench": "ethereum:blocks evm machine race:benchmark",
        "bench.engine": "contenders:candidates kernels measurement programs workloads",
        "bench.evm": "assembly",
    },
    "insight.ethereum": {
        "bench.blocks": "loads:workloads measurement plots rivals:baselines setting:fixture",
    },
    "insight.evm": {
        "bench.blocks": "blocks:real_blocks stock_pyevm:upstream_pyevm",
        "bench.evm": "artefacts contenders:candidates instructions loads:workloads measurement "
        "statetests:state_tests",
    },
    "testing": {"testing": "mixer:conflicts packed:merged_state_tests"},
    "vm.evm": {"vm.evm": "invalidity:validation"},
    "vm.kernel": {"vm.kernel": "twin:python_reference"},
    "vm.pyevm": {"vm.pyevm": "room:stack_headroom"},
}

MOVED: Final = {
    f"blockstm.{package}.{earlier}": f"blockstm.{folder}.{now or earlier}"
    for package, folders in _PACKAGES.items()
    for folder, modules in folders.items()
    for earlier, _, now in (module.partition(":") for module in modules.split())
}
"""The path that a module had before → where it is."""


class _Earlier:
    """Finds a module that has moved: it is loaded where it is, once.

    A finder and a loader by its methods: to import their base classes takes longer than the rest.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader: Any = self
        return ModuleSpec(fullname, loader) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It ran where it is; give it back its own spec, which the import system replaced."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def answer() -> None:
    """Let what has moved be imported by its earlier path."""
    if not any(isinstance(each, _Earlier) for each in sys.meta_path):
        # Before the finder of files: a package that moved has others of the same name in it.
        sys.meta_path.insert(0, _Earlier())
