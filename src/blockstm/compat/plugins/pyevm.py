"""``pytest -p blockstm.compat.plugins.pyevm``: every chain of py-evm imports blocks through us."""

from __future__ import annotations

from typing import Any

from eth.chains import base

from blockstm.compat.pyevm.chain import import_block

__all__: list[str] = []

_THEIRS = base.Chain.import_block


def _import(chain: Any, block: Any, perform_validation: bool = True) -> Any:
    return import_block(chain, block) if perform_validation else _THEIRS(chain, block, False)


base.Chain.import_block = _import
