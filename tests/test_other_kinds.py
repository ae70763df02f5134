"""Whatever a public function is given in place of what it takes, the error says so.

`InputError` is a `TypeError`; what is missing, or has no place, is a `ValueError` or an error of
the package. An `AttributeError` or a `KeyError` from within would tell a user about our code.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from blockstm.errors import BlockstmError

MODULES = (
    "blockstm",
    "blockstm.ai",
    "blockstm.chain",
    "blockstm.chain.files",
    "blockstm.compat.pyrevm",
    "blockstm.ethereum",
    "blockstm.ethereum.genesis",
    "blockstm.hints",
    "blockstm.insight",
    "blockstm.replay",
    "blockstm.rpc",
    "blockstm.shards",
    "blockstm.testing",
    "blockstm.vm.evm",
    "blockstm.vm.evmc",
)
GIVEN_BY_US = {
    ("blockstm.chain", "Chain"): "`in_memory` and `open` make one",
    ("blockstm.vm.evm", "Execution"): "the native core makes one",
    ("blockstm.testing", "assert_same_result"): "an assertion fails as one",
    ("blockstm.testing", "schedule_story"): "of an exploration",
    ("blockstm.testing", "scripted_vm"): "a VM whose scripts the test writes",
    ("blockstm.testing", "shrink_schedule"): "of an exploration",
}


class Other:
    """What nobody takes."""


OTHERS = (None, 5, "x", b"\x07", [Other()], {"a": 1}, Other())


def _public() -> Iterator[Any]:
    seen = set()
    for module in MODULES:
        names = getattr(importlib.import_module(module), "__all__", ())
        for name in names:
            what = getattr(importlib.import_module(module), name)
            is_error = inspect.isclass(what) and issubclass(what, BaseException)
            if not callable(what) or is_error or (module, name) in GIVEN_BY_US or id(what) in seen:
                continue
            seen.add(id(what))
            yield pytest.param(what, id=f"{module}.{name}")


def _needed(what: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        listed = inspect.signature(what).parameters.values()
    except (TypeError, ValueError):
        return []
    varying = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return [each for each in listed if each.default is each.empty and each.kind not in varying]


@pytest.mark.parametrize("what", list(_public()))
def test_what_is_of_another_kind_is_said_to_be(
    what: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = _needed(what)
    by_place = [each for each in needed if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    by_name = [each.name for each in needed if each.kind is inspect.Parameter.KEYWORD_ONLY]
    for other in OTHERS:
        try:
            found = what(*[other] * len(by_place), **dict.fromkeys(by_name, other))
            if inspect.isgenerator(found):
                list(islice(found, 5))
        except (TypeError, ValueError, OSError, BlockstmError):
            continue
