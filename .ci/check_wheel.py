"""Fail unless a wheel has all of the package, and what users build against: header, .pxd, .pyi."""

import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "blockstm"


def expected() -> set[str]:
    """The files of the source tree that must be in the wheel as they are."""
    shipped = {"blockstm/py.typed"}
    for pattern in (
        "**/*.py",
        "**/*.pyi",
        "**/*.pxd",
        "**/*.json",
        "**/*.h",
        "**/*.inc",
        "_native/guest/**/*pp",
    ):
        shipped |= {f"blockstm/{path.relative_to(PACKAGE)}" for path in PACKAGE.glob(pattern)}
    return shipped


def missing(wheel: str) -> list[str]:
    """What the wheel lacks, the compiled form of every ``.pyx`` included."""
    names = zipfile.ZipFile(wheel).namelist()
    lacking = sorted(expected() - set(names))
    for source in PACKAGE.glob("**/*.pyx"):
        module = f"blockstm/{source.relative_to(PACKAGE).with_suffix('')}."
        if not any(name.startswith(module) and name.endswith(".so") for name in names):
            lacking.append(f"{module}so")
    return lacking


if __name__ == "__main__":
    if lacking := missing(sys.argv[1]):
        sys.exit(f"{sys.argv[1]} lacks: " + ", ".join(lacking))
