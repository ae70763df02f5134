"""Builds the native core. Every compiler directive and switch of the project stands here.

Environment:
    BLOCKSTM_DEBUG=1                             no optimisation, C assertions on
    BLOCKSTM_SANITIZE=thread|address|undefined   instrumented build
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler import Errors
from setuptools import Extension, setup

ROOT = Path(__file__).parent
NATIVE = Path("src/blockstm/_native")
INCLUDE = "src/blockstm/include"
GENERATED = "build/cython"
# A module that is made of all the C++ in these folders; others name their sources in their `.pyx`.
FOLDERS_OF = {"evm/bound.pyx": ("evm", "crypto")}

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


def compile_flags() -> list[str]:
    flags = ["-std=c++20", "-fvisibility=hidden"]
    flags += ["-O0", "-g"] if DEBUG else ["-O3", "-g1", "-fno-plt", "-fno-tree-slp-vectorize"]
    if SANITIZE:
        flags += [f"-fsanitize={SANITIZE}", "-O1", "-g", "-fno-omit-frame-pointer"]
    return flags


def fail_on_performance_hints() -> None:
    """A hint in the core is a GIL taken or a check made where none is wanted: refuse it."""

    def refuse(position, message, env):
        Errors.error(position, f"performance hint: {message}")

    Errors.performance_hint = refuse
    from Cython.Compiler import ExprNodes, Nodes, ParseTreeTransforms

    for module in (ExprNodes, Nodes, ParseTreeTransforms):
        if hasattr(module, "performance_hint"):
            module.performance_hint = refuse


def sources_beside(path: Path) -> list[str]:
    """The hand-written C++ that belongs to a module by its folders."""
    folders = FOLDERS_OF.get(path.relative_to(NATIVE).as_posix(), ())
    return [str(each) for folder in folders for each in sorted((NATIVE / folder).rglob("*.cpp"))]


def extensions() -> list[Extension]:
    if SANITIZE not in ("", "thread", "address", "undefined"):
        raise SystemExit(f"BLOCKSTM_SANITIZE is thread, address or undefined, not {SANITIZE!r}")
    flags = compile_flags()
    link = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
    headers = [str(path) for path in sorted(NATIVE.rglob("*.hpp"))]
    return [
        Extension(
            ".".join(path.relative_to("src").with_suffix("").parts),
            [str(path), *sources_beside(path)],
            language="c++",
            include_dirs=[INCLUDE, str(NATIVE)],
            depends=headers if path.parent != NATIVE else [],
            extra_compile_args=flags,
            extra_link_args=link,
            define_macros=[] if DEBUG else [("NDEBUG", "1")],
        )
        for path in sorted(NATIVE.rglob("*.pyx"))
    ]


fail_on_performance_hints()
setup(
    ext_modules=cythonize(
        extensions(),
        compiler_directives=DIRECTIVES,
        include_path=["src"],
        build_dir=GENERATED,  # so that every .cpp beside the sources is one that somebody wrote
    )
)
