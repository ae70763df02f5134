"""Print what building the extension modules needs, one requirement a line."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"

print(*tomllib.loads(PROJECT.read_text())["build-system"]["requires"], sep="\n")
