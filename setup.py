"""Builds the native core. Every compiler directive and switch of the project stands here.

Environment:
    BLOCKSTM_DEBUG=1                             no optimisation, C assertions on
    BLOCKSTM_SANITIZE=thread|address|undefined   instrumented build
"""

import os
import re
import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Extension, setup

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # a builder such as pip runs this file from elsewhere

from parallel_build import ParallelBuild  # noqa: E402  # found through the line above

NATIVE = Path("src/blockstm/_native")
INCLUDE = "src/blockstm/include"
GENERATED = "build/cython"
# A module that is made of all the C++ in these folders; others name their sources in their `.pyx`.
FOLDERS_OF = {"evm/prepared.pyx": ("base", "evm", "crypto")}

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "freethreading_compatible": True,
    "show_performance_hints": True,
}

DEBUG = os.environ.get("BLOCKSTM_DEBUG") == "1"
SANITIZE = os.environ.get("BLOCKSTM_SANITIZE", "")


class NativeBuild(ParallelBuild):
    """Cython's part of the build; C++ that it writes stays apart from what somebody wrote."""

    variant = ("-debug" if DEBUG else "") + (f"-{SANITIZE}" if SANITIZE else "")
    cython_options: ClassVar = {
        "compiler_directives": DIRECTIVES,
        "include_path": ["src"],
        "build_dir": GENERATED,
    }

    def translate(self):
        fail_on_performance_hints()
        keep_items_that_are_not_appended()
        # What stands in this file is in all that was translated.
        self.cython_options["force"] = any(is_older(cpp_of(each)) for each in self.extensions)
        return super().translate()


def compile_flags() -> list[str]:
    flags = ["-std=c++20", "-fvisibility=hidden"]
    flags += ["-O0", "-g"] if DEBUG else ["-O3", "-g1", "-fno-plt", "-fno-tree-slp-vectorize"]
    if SANITIZE:
        flags += [f"-fsanitize={SANITIZE}", "-DBLOCKSTM_SANITIZED"]
        flags += ["-O1", "-g", "-fno-omit-frame-pointer"]
    return flags


def fail_on_performance_hints() -> None:
    """A hint in the core is a GIL taken or a check made where none is wanted: refuse it."""
    from Cython.Compiler import Errors, ExprNodes, Nodes, ParseTreeTransforms

    def refuse(position, message, env):
        Errors.error(position, f"performance hint: {message}")

    Errors.performance_hint = refuse
    for module in (ExprNodes, Nodes, ParseTreeTransforms):
        if hasattr(module, "performance_hint"):
            module.performance_hint = refuse


def keep_items_that_are_not_appended() -> None:
    """Where a list comprehension has no memory to grow, Cython 3.3 gives up the reference to the
    item twice: in what appends, and where the function ends. Have the first leave it to the second.
    """
    from Cython.Compiler.Code import UtilityCode

    code = UtilityCode.load_cached("ListCompAppendAndDecref", "Optimize.c")
    appended = "int result = PyList_Append(list, x);\n    "
    code.impl = code.impl.replace(
        f"{appended}Py_DECREF(x);", f"{appended}if (likely(result == 0)) Py_DECREF(x);"
    )


def cpp_of(extension: Extension) -> Path:
    """What Cython translates a module into."""
    return Path(GENERATED, extension.sources[0]).with_suffix(".cpp")


def is_older(path: Path) -> bool:
    """Whether a file is there from before the last change of this one."""
    return path.exists() and path.stat().st_mtime_ns < Path(__file__).stat().st_mtime_ns


def sources_beside(path: Path) -> list[str]:
    """The hand-written C++ that belongs to a module by its folders."""
    folders = FOLDERS_OF.get(path.relative_to(NATIVE).as_posix(), ())
    return [str(each) for folder in folders for each in sorted((NATIVE / folder).rglob("*.cpp"))]


def extensions() -> list[Extension]:
    if SANITIZE not in ("", "thread", "address", "undefined"):
        raise SystemExit(f"BLOCKSTM_SANITIZE is thread, address or undefined, not {SANITIZE!r}")
    return [
        Extension(
            ".".join(path.relative_to("src").with_suffix("").parts),
            [str(path), *sources_beside(path)],
            language="c++",
            include_dirs=[INCLUDE, str(NATIVE)],
            extra_compile_args=compile_flags(),
            extra_link_args=[f"-fsanitize={SANITIZE}"] if SANITIZE else [],
            define_macros=[] if DEBUG else [("NDEBUG", "1")],
        )
        for path in sorted(NATIVE.rglob("*.pyx"))
    ]


def missing_sources() -> set[str]:
    """The native modules that Python code imports and that have no source here."""
    imported = set()
    for path in Path("src").rglob("*.py"):
        imported |= set(re.findall(r"blockstm\._native\.([\w.]+) import", path.read_text()))
    bases = {name: NATIVE.joinpath(*name.split(".")) for name in imported}
    return {
        name
        for name, base in bases.items()
        if not base.with_suffix(".pyx").exists() and not base.is_dir()
    }


if lacking := missing_sources():
    raise SystemExit(
        f"These sources lack the native modules {', '.join(sorted(lacking))}: what would be built "
        "could not be imported. Build from a complete source distribution or from a clone."
    )
setup(ext_modules=extensions(), cmdclass={"build_ext": NativeBuild})
