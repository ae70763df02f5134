"""Names of a package that are imported when they are asked for.

A process that needs few of a package's names, such as a tool that is started for every block, does
not pay for the modules of the others. A package has its imports twice: for type checkers and
editors, and as a table for what runs::

    if TYPE_CHECKING:
        from blockstm.ethereum.blocks.block import Block
    else:  # to a type checker, a module with this function has every name there could be
        __getattr__, __dir__ = lazy_names.of(__name__, {"blocks.block": "Block"})
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

__all__ = ["of"]

_NOTHING: Final[Mapping[str, str]] = {}


def of(
    package: str, modules: Mapping[str, str], beside: Mapping[str, str] = _NOTHING
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, by PEP 562.

    A name is looked up once and stays in the package; threads may ask for it at the same time, as
    an import waits for another of the same module. A folder of the package that a module of the
    table stands in is found, too, with all of the table's modules in it, as if the package had
    imported them.

    Args:
        package: its ``__name__``.
        modules: a module → the names that come from it, with blanks between them. A module of the
            package is named from the package on; any other starts with ``blockstm.``.
        beside: a name → a module that is imported with it, because what is done with the name
            needs it and is not to wait for it then.
    """
    paths = {_path(package, module): names.split() for module, names in modules.items()}
    origins = {name: path for path, names in paths.items() for name in names}
    inside = f"{package}."
    folders = {
        path.removeprefix(inside).partition(".")[0] for path in paths if path.startswith(inside)
    }

    def get(name: str) -> Any:
        there = vars(sys.modules[package])
        if name in origins:
            if name in beside:
                import_module(_path(package, beside[name]))
            there[name] = value = getattr(import_module(origins[name]), name)
            return value
        if name in folders:
            for path in paths:
                import_module(path)
            return there[name]
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *origins, *folders})

    return get, names


def _path(package: str, module: str) -> str:
    return module if module.startswith("blockstm.") else f"{package}.{module}"
