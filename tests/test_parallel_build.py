"""The build compiles each source once, and again only where it has to.

A project of two modules is built with a compiler that notes what it is called for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SETUP = """
import os
from pathlib import Path
from setuptools import Extension, setup
from parallel_build import ParallelBuild

FLAGS = os.environ.get("FLAGS", "-O0").split()
setup(
    name="small",
    packages=[],
    cmdclass={"build_ext": ParallelBuild},
    ext_modules=[
        Extension("one", ["one.pyx", "own.cpp", "shared.cpp"], language="c++",
                  include_dirs=["."], extra_compile_args=FLAGS),
        Extension("two", ["two.pyx", "shared.cpp"], language="c++",
                  include_dirs=["."], extra_compile_args=FLAGS),
    ],
)
"""
FILES = {
    "setup.py": SETUP,
    "own.hpp": "int own();\n",
    "own.cpp": '#include "own.hpp"\nint own() { return 1; }\n',
    "shared.hpp": "int shared();\n",
    "shared.cpp": '#include "shared.hpp"\nint shared() { return 10; }\n',
    "one.pyx": 'cdef extern from "own.hpp":\n    int own()\n'
    'cdef extern from "shared.hpp":\n    int shared()\n'
    "def value():\n    return own() + shared()\n",
    "two.pyx": 'cdef extern from "shared.hpp":\n    int shared()\n'
    "def value():\n    return shared()\n",
}
ALL = ["one.cpp", "own.cpp", "shared.cpp", "two.cpp"]
COMPILER = '#!/bin/sh\necho "$@" >> {log}\nexec c++ "$@"\n'


class Project:
    """The project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        shutil.copy(ROOT / "parallel_build.py", folder)
        for name, text in FILES.items():
            (folder / name).write_text(text)
        (folder / "cxx").write_text(COMPILER.format(log=self.log))
        (folder / "cxx").chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=os.environ | {"CXX": str(self.folder / "cxx"), **environment},
            capture_output=True,
            text=True,
        )

    def build(self, **environment: str) -> list[str]:
        """Build in place; the sources that were compiled, by name."""
        self.log.write_text("")
        done = self.run("setup.py", "build_ext", "--inplace", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.compiled()

    def compiled(self) -> list[str]:
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return sorted(Path(words[words.index("-c") + 1]).name for words in lines if "-c" in words)

    def values(self) -> str:
        return self.run("-c", "import one, two; print(one.value(), two.value())").stdout.strip()

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built once; each test leaves it built."""
    project = Project(tmp_path_factory.mktemp("small"))
    assert project.build() == ALL, "each source once, the shared one too"
    assert project.values() == "11 10"
    return project


def test_what_is_up_to_date_is_not_compiled(built: Project) -> None:
    assert built.build() == []


def test_a_changed_source_is_compiled_alone(built: Project) -> None:
    built.edit("own.cpp", "return 1;", "return 2;")
    assert built.build() == ["own.cpp"]
    assert built.values() == "12 10"


def test_a_changed_header_compiles_what_reads_it(built: Project) -> None:
    (built.folder / "own.hpp").write_text("int own(); /* as it was */\n")
    assert built.build() == ["one.cpp", "own.cpp"]


def test_a_changed_module_is_translated_again(built: Project) -> None:
    built.edit("two.pyx", "return shared()", "return -shared()")
    assert built.build() == ["two.cpp"]
    assert built.values().endswith(" -10")


def test_other_flags_compile_everything(built: Project) -> None:
    assert built.build(FLAGS="-O1") == ALL
    assert built.build(FLAGS="-O1") == []
    assert built.build() == ALL


def test_a_failed_build_says_why_and_is_not_taken_for_done(built: Project) -> None:
    built.edit("shared.cpp", "int shared()", "int shared(")
    built.log.write_text("")
    done = built.run("setup.py", "build_ext", "--inplace")
    assert done.returncode != 0
    assert "shared.cpp" in done.stderr
    assert "error" in done.stderr
    assert built.run("setup.py", "build_ext", "--inplace").returncode != 0
    built.edit("shared.cpp", "int shared(", "int shared()")
    assert built.build() == ["shared.cpp"]


def test_a_wheel_after_a_build_compiles_nothing(built: Project) -> None:
    built.log.write_text("")
    done = built.run("setup.py", "bdist_wheel")
    assert done.returncode == 0, done.stderr
    assert built.compiled() == []


def test_sources_without_a_native_module_do_not_build(tmp_path: Path) -> None:
    """What would be an empty package, built without an error."""
    for name in ("setup.py", "parallel_build.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.so", "runner.pyx")
    )
    done = subprocess.run(
        [sys.executable, "setup.py", "build"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "lack the native modules engine.runner:" in done.stderr


def test_a_source_distribution_has_every_source(tmp_path: Path) -> None:
    """All that git knows below ``src``, and what builds it: from these alone a wheel is built."""
    command = [sys.executable, "setup.py", "--quiet", "egg_info", "--egg-base", tmp_path]
    command += ["sdist", "--dist-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    known = subprocess.run(
        ["git", "ls-files", "--", "src", "setup.py", "parallel_build.py", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(known) > 400
    assert [name for name in known if name not in names] == []
    assert [name for name in names if name.startswith("tests") or name.endswith(".so")] == []
