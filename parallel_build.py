"""Builds all extension modules at once: on every core, and only what changed.

setuptools builds one module after another, each of its sources in turn, and all of them again
when one header changes. Here Cython translates several modules at once, every source is compiled
once (modules that share a source share its object), and a file is made again only where something
it was made of is newer, or where its command is another.

Objects lie in ``build/native``, whichever command asks for them: an editable install or a wheel
after ``build_ext --inplace`` compiles nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError
from setuptools.extension import Extension

OBJECTS = Path("build/native")


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Product:
    """A file, what makes it, and the words of the command, which are noted beside the file."""

    path: Path
    command: str
    run: Callable[[], None]

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".command")

    def is_fresh(self, made_of: Iterable[Path]) -> bool:
        """Whether this command made it after the last change to any of these files."""
        try:
            made_at = self.path.stat().st_mtime_ns
            return self.note.read_text() == self.command and all(
                path.stat().st_mtime_ns <= made_at for path in made_of
            )
        except OSError:
            return False

    def make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.note.unlink(missing_ok=True)  # a build that was ended here is not taken for done
        began_at = time.time_ns()
        self.run()
        os.utime(self.path, ns=(began_at, began_at))  # so what changed meanwhile is newer
        self.note.write_text(self.command)


class ParallelBuild(build_ext):
    """The command ``build_ext``. A subclass says what Cython is told besides the modules."""

    cython_options: ClassVar[dict[str, object]] = {}
    variant: ClassVar[str] = ""  # of the flags: objects of one do not replace another's

    def build_extensions(self) -> None:
        self.check_extensions_list(self.extensions)
        self.jobs = int(self.parallel or usable_cores())
        self.folder = OBJECTS / f"{sysconfig.get_config_var('SOABI')}{self.variant}"
        modules = self.translate()
        objects = {
            source: self.object(module, source) for module in modules for source in module.sources
        }
        # Long ones first: at the end nothing waits for one that began late.
        stale = [source for source, each in objects.items() if not each.is_fresh(read_by(each))]
        stale.sort(key=lambda source: -os.path.getsize(source))
        self.at_once("compiling", [objects[source] for source in stale])
        self.link(modules, {source: each.path for source, each in objects.items()})

    def translate(self) -> list[Extension]:
        """The modules with C++ in place of Cython; what is up to date is not translated again."""
        from Cython.Build import cythonize

        # Forked processes share what `setup.py` changed in the compiler.
        multiprocessing.set_start_method("fork", force=True)
        return cythonize(
            self.extensions, nthreads=self.jobs, quiet=not self.verbose, **self.cython_options
        )

    def object(self, module: Extension, source: str) -> Product:
        """A compiled source. The compiler notes the headers that it read."""
        path = self.folder / Path(source).with_suffix(".o")
        command = [
            *self.compiler.compiler_so_cxx,
            *(f"-D{name}={value}" for name, value in module.define_macros),
            *(f"-I{folder}" for folder in (*module.include_dirs, *self.compiler.include_dirs)),
            *module.extra_compile_args,
            *("-MMD", "-MF", str(path.with_suffix(".d"))),
            *("-c", source, "-o", str(path)),
        ]
        return Product(path, shlex.join(command), lambda: run_compiler(command))

    def link(self, modules: Sequence[Extension], objects: dict[str, Path]) -> None:
        """Link each module and put it where it is imported or packed from."""
        stale, libraries = [], []
        for module in modules:
            parts = [objects[source] for source in sorted(module.sources)]
            libraries.append(self.library(module, [str(part) for part in parts]))
            if not libraries[-1].is_fresh(parts):
                stale.append(libraries[-1])
        self.at_once("linking", stale)
        for module, library in zip(modules, libraries, strict=True):
            put(library.path, Path(self.get_ext_fullpath(module.name)))

    def library(self, module: Extension, objects: list[str]) -> Product:
        """The shared object of a module."""
        path = self.folder / "modules" / self.get_ext_filename(module.name)
        linker = [*self.compiler.compiler_cxx, *self.compiler.linker_so_cxx]
        command = shlex.join([*linker, *objects, *module.extra_link_args])

        def run() -> None:
            path.unlink(missing_ok=True)  # a newer file would be left as it is
            self.compiler.link_shared_object(
                objects, str(path), extra_postargs=module.extra_link_args, target_lang="c++"
            )

        return Product(path, command, run)

    def at_once(self, what: str, products: Sequence[Product]) -> None:
        """Make them, as many at a time as there are cores. The first failure ends it."""
        started = time.monotonic()
        with ThreadPoolExecutor(self.jobs) as pool:
            pending = [pool.submit(each.make) for each in products]
            try:
                for number, done in enumerate(as_completed(pending), 1):
                    done.result()
                    self.tell(f"{what} {number}/{len(products)}")
            finally:
                for each in pending:
                    each.cancel()
        if products:
            seconds = time.monotonic() - started
            self.tell(f"{what} {len(products)} files, {self.jobs} at a time: {seconds:.0f} s", True)

    def tell(self, words: str, end: bool = False) -> None:
        """Show how far it is, on one line that is written over; only the end where none looks.

        Minutes without a word look like a fault, so ``--quiet`` does not silence it.
        """
        if end or sys.stderr.isatty():
            start = "\r" if sys.stderr.isatty() else ""
            print(f"{start}{words}", end="\n" if end else "", file=sys.stderr, flush=True)


def run_compiler(command: Sequence[str]) -> None:
    """Run it; what it says is shown in one piece.

    Raises:
        CompileError: it failed.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.stdout:
        print(done.stdout.decode(errors="replace"), end="", file=sys.stderr, flush=True)
    if done.returncode:
        raise CompileError(f"exit status {done.returncode} of {shlex.join(command)}")


def read_by(compiled: Product) -> list[Path]:
    """The files that the compiler noted for this object; where it noted none, one that is not.

    The note is a rule of make: ``object: file file``, where a space in a name is escaped.
    """
    note = compiled.path.with_suffix(".d")
    if not note.exists():
        return [note]
    names = note.read_text().replace("\\\n", " ").partition(": ")[2].replace("\\ ", "\0")
    return [Path(name.replace("\0", " ")) for name in names.split()]


def put(source: Path, target: Path) -> None:
    """Copy in one step, so that a process that has the old file loaded keeps it whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.new")
    shutil.copy2(source, beside)
    beside.replace(target)
