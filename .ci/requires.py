"""Print what has to be installed to build blockstm and to use an extra: ``requires.py dev``.

One requirement a line, from pyproject.toml. With ``--check`` nothing is printed: the exit status
says whether this Python will do, before anything is made with it.
"""

import re
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
OLDEST = (3, 11)


def requirements(extra: str) -> list[str]:
    """What the build, the package and this extra need; an extra may name others."""
    import tomllib  # which an older Python lacks

    project = tomllib.loads(PROJECT.read_text())
    wanted = list(project["build-system"]["requires"])
    wanted += project["project"]["dependencies"]
    return wanted + _of_extra(project["project"]["optional-dependencies"], extra)


def _of_extra(extras: dict, name: str) -> list[str]:
    found = []
    for requirement in extras[name]:
        if re.match(r"blockstm\b", requirement):
            # Of ourselves: no index has what is being built, so only the extras it names are left.
            inner = re.fullmatch(r"blockstm\s*\[([^\]]+)\]", requirement)
            if inner is None:
                sys.exit(f"{PROJECT.name}: the extra {name!r} names no extra in {requirement!r}")
            others = [other.strip() for other in inner[1].split(",")]
            found += [each for other in others for each in _of_extra(extras, other)]
        else:
            found.append(requirement)
    return found


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"blockstm needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and {sys.executable} is "
            f"{version}. Name another one: PYTHON=python3.11 make ..."
        )
    if sys.argv[1] != "--check":
        print(*requirements(sys.argv[1]), sep="\n")
