"""The compiled contracts of ``bench/contracts``: one JSON each, beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["runtime", "selector"]


@cache
def _artefact(name: str) -> Mapping[str, object]:
    path = files("blockstm.bench.evm").joinpath("contracts", f"{name}.json")
    found: Mapping[str, object] = json.loads(path.read_text())
    return found


@cache
def runtime(name: str) -> bytes:
    """The code of a contract."""
    return bytes.fromhex(str(_artefact(name)["runtime"])[2:])


@cache
def selector(name: str, method: str) -> bytes:
    """The selector of a method: 4 bytes; empty where the contract has no methods.

    Raises:
        LookupError: the contract has methods, but none of this name.
    """
    selectors = _artefact(name).get("selectors")
    if not isinstance(selectors, Mapping):
        return b""
    for signature, chosen in selectors.items():
        if signature.partition("(")[0] == method:
            return bytes.fromhex(str(chosen)[2:])
    raise LookupError(f"the contract {name} has no method {method}")
