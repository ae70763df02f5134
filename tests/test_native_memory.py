"""What the native core may not use, as it ends the process where memory is short.

The memory of a ``thread_local`` in an extension module is allocated at its first use in a thread,
and `std::call_once` has such memory in the standard library: where there is none for it, the loader
calls ``_exit``. `PerThread` gives null instead. And what throws ends the process unless Cython
knows that it may: ``new`` of a class whose constructor is not declared ``except +``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.layers import sources

THREAD_LOCAL = re.compile(r"\bthread_local\b|\b__thread\b|\bcall_once\b")
COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
NEW = re.compile(r"\bnew (\w+)\(")

NATIVE = [path for path in sources() if "_native" in path.parts]
CYTHON = [path for path in NATIVE if path.suffix in {".pyx", ".pxd"}]


def used(text: str) -> Iterator[str]:
    """What has memory in each thread that a source uses, comments left out."""
    return iter(THREAD_LOCAL.findall(COMMENT.sub("", text)))


def unguarded(texts: list[str]) -> set[str]:
    """The classes that Cython code makes without knowing that it may fail."""
    made = {name for text in texts for name in NEW.findall(COMMENT.sub("", text))}
    declared = re.compile(r"^\s+(\w+)\(.*\) except \+", re.MULTILINE)
    return made - {name for text in texts for name in declared.findall(text)}


def test_nothing_has_memory_of_the_loader_in_each_thread() -> None:
    assert len(NATIVE) > 100
    assert [f"{path}: {each}" for path in NATIVE for each in used(path.read_text())] == []


def test_what_is_made_may_fail() -> None:
    texts = [path.read_text() for path in CYTHON]
    assert any(NEW.search(text) for text in texts)
    assert unguarded(texts) == set()


def test_each_would_be_found() -> None:
    text = "// a thread_local\nthread_local int x;\nstd::call_once(flag, f);\n"
    assert [*used(text)] == ["thread_local", "call_once"]
    assert unguarded(["a = new Block()\n", "b = new Known(1)\n    Known(int) except +\n"]) == {
        "Block"
    }
