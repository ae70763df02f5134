"""Runs the Python examples of a page: ``python tests/readme.py README.md``.

Each block fenced as ``python`` runs alone, in a namespace of its own, as it does for who copies it;
what follows the word (as in ``python numba``) names what it needs beyond blockstm itself.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```python([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One block: its first line in the page, what it needs, its code."""

    line: int
    needs: frozenset[str]
    code: str


def examples(page: Path) -> list[Example]:
    """The Python blocks of a page, in order."""
    text = page.read_text()
    return [
        Example(text.count("\n", 0, match.start(2)) + 1, frozenset(match[1].split()), match[2])
        for match in FENCE.finditer(text)
    ]


def run(page: Path, has: frozenset[str] = frozenset()) -> int:
    """Run the blocks whose needs are all in ``has``; the number of blocks that ran."""
    chosen = [example for example in examples(page) if example.needs <= has]
    for example in chosen:
        run_alone(page, example)
    return len(chosen)


def run_alone(page: Path, example: Example) -> None:
    """Run a block; a traceback shows the page's lines. No module stays under another's name."""
    before = dict(sys.modules)
    namespace: dict[str, Any] = {"__name__": page.stem}
    code = "\n" * (example.line - 1) + example.code
    try:
        # Without what this file imports from the future: a copied example has none of it.
        exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
    finally:
        for name, module in list(sys.modules.items()):
            if before.get(name) is not module and getattr(module, "__name__", name) != name:
                if name in before:
                    sys.modules[name] = before[name]
                else:
                    del sys.modules[name]


if __name__ == "__main__":
    count = run(Path(sys.argv[1]), frozenset(sys.argv[2:]))
    if not count:
        sys.exit(f"{sys.argv[1]} has no Python examples")
    print(f"{sys.argv[1]}: {count} examples ran")
