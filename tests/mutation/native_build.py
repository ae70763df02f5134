"""A build of the library that has all mutants of some C++ sources in it. No test of its own.

It lies under ``build/mutation`` and leaves the working tree alone. One variable holds the number of
the mutant that is switched on, for all extension modules: the dynamic linker keeps one copy of an
inline variable, whichever modules have it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence, Set
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.native_constants import REFRESHER
from tests.mutation.native_source import NativeSource

__all__ = ["NativeBuild"]

ROOT = Path(__file__).parents[2]
TREE = ROOT / "build" / "mutation"
HEADER = "blockstm_mutants.hpp"
ERROR = re.compile(r"^(?P<path>\S+?):(?P<line>\d+):\d+: error: ", re.MULTILINE)
ROUNDS_MAX = 30

SWITCH = """\
#pragma once
#include <cstdlib>
#define MUTANT(number) (blockstm_mutants::is_on(number))
extern "C" {
[[gnu::visibility("default"), gnu::used]] inline int blockstm_mutant_on = -2;
[[gnu::visibility("default"), gnu::used]] inline unsigned char blockstm_mutants_met[%d] = {};
}
namespace blockstm_mutants {
inline bool is_on(int number) {
    if (blockstm_mutant_on == -2) {
        const char* wanted = std::getenv("BLOCKSTM_MUTANT");
        blockstm_mutant_on = wanted == nullptr ? -1 : std::atoi(wanted);
    }
    blockstm_mutants_met[number] = 1;
    return blockstm_mutant_on == number;
}
}
"""
REFUSED = TREE / "refused.json"
"""What the compiler refused before, so that the next build need not ask again."""


class NativeBuild:
    """Builds the sources with their mutants; what the compiler refuses is left out.

    Args:
        sources: the sources, with which lines of them may change.
    """

    def __init__(self, sources: Sequence[NativeSource]) -> None:
        self.sources = sources
        self.mutants: list[Mutant] = []
        known = json.loads(REFUSED.read_text()) if REFUSED.exists() else []
        for source in sources:
            source.refused |= {tuple(key) for key in known if key[0] == source.path}

    def make(self) -> list[Mutant]:
        """Build; the mutants that are in it."""
        _copy_tree({source.path for source in self.sources})
        for _ in range(ROUNDS_MAX):
            self._write()
            said = _compile()
            if said is None:
                return self.mutants
            if not self._refuse(said):
                raise SystemExit(f"{said}\nThe compiler refuses what is no mutant.")
        raise SystemExit(f"The compiler still refuses mutants after {ROUNDS_MAX} rounds.")

    def _write(self) -> None:
        self.mutants, places = [], 0
        for source in self.sources:
            text, mutants = source.with_switches(places)
            places += source.places
            self.mutants += mutants
            _put(TREE / source.path, f'#include "{HEADER}"\n#line 1\n{text}')
        _put(TREE / "src/blockstm/_native" / HEADER, SWITCH % max(places, 1) + REFRESHER)

    def _refuse(self, said: str) -> bool:
        """Leave out what stands on lines that the compiler names; whether there was any."""
        named = {(found["path"], int(found["line"])) for found in ERROR.finditer(said)}
        refused = [mutant for mutant in self.mutants if (mutant.path, mutant.line) in named]
        for source in self.sources:
            source.refused |= {mutant.key for mutant in refused if mutant.path == source.path}
        if refused:
            everything = [key for source in self.sources for key in source.refused]
            REFUSED.write_text(json.dumps(everything))
            print(f"left out {len(refused)} mutants that do not compile", file=sys.stderr)
        return bool(refused)


def _copy_tree(mutated: Set[str]) -> None:
    """The files of the project, and what was built of them: only what changes is compiled again."""
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    built = [
        str(path.relative_to(ROOT))
        for folder in ("build/native", "build/cython")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not (TREE / path.relative_to(ROOT)).exists()
    ]
    for name in (*filter(None, known), *built):
        is_needed = name.startswith(("src/", "build/")) or "/" not in name
        if is_needed and name not in mutated and (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    for path in (TREE / "src").rglob("*"):
        if path.is_file() and path.name != HEADER and not (ROOT / path.relative_to(TREE)).exists():
            path.unlink()


def _put(path: Path, text: str) -> None:
    """Write, but leave alone what is the same: it need not be compiled again."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)


def _compile() -> str | None:
    """What the compiler says where it fails; None where it does not."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=TREE, env={**os.environ, "LC_ALL": "C"}, stderr=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    return done.stderr if done.returncode else None
