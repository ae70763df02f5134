"""Other packages' own test suites, on the drop-ins: `python .ci/peers [NAME...] [-- PYTEST...]`.

A suite comes from its package's source distribution, which pip fetches into a cache folder; nothing
of it is in this repository. Which of its tests are left out, and why, stands beside this file: one
line for each, a reason above them. Where a distribution cannot be fetched, the suite is skipped,
which is said and is no failure; with `--required` it is one.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NO_SETTINGS = ("-c", str(HERE / "pytest.ini"))


@dataclass(frozen=True)
class Suite:
    """One package's tests.

    Attributes:
        package, version: on the package index.
        plugin: the pytest plugin that puts the drop-in there.
        tests: what is run, below the package's folder.
        options: of pytest.
        needs: what its tests import besides; it goes into the cache folder, too.
    """

    package: str
    version: str
    plugin: str
    tests: tuple[str, ...] = ("tests",)
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}"


SUITES = {
    "pyrevm": Suite(
        *("pyrevm", "0.3.7", "blockstm.compat.plugins.pyrevm"),
        options=(*NO_SETTINGS, "--rootdir", "."),
    ),
    "eth-tester": Suite(
        "eth-tester",
        "0.14.0b1",
        "blockstm.compat.plugins.eth_tester",
        needs=("eth-tester[py-evm]==0.14.0b1",),
    ),
    "py-evm": Suite(
        *("py-evm", "0.12.1b1", "blockstm.compat.plugins.pyevm", ("tests/core/chain-object",)),
        options=("-W", "ignore"),
        needs=("factory-boy",),
    ),
    "web3": Suite(
        *("web3", "8.0.0", "blockstm.compat.plugins.eth_tester"),
        tests=("tests/core", "tests/integration/test_ethereum_tester.py"),
        options=("-p", "pytest_asyncio.plugin", "-p", "pytest_mock", "-W", "ignore"),
        # Its ENS asks for what newer versions of pyunormalize do not take.
        needs=(
            "web3==8.0.0",
            "eth-tester[py-evm]==0.14.0b1",
            "pyunormalize==16.0.0",
            "pytest-asyncio",
            "pytest-mock",
        ),
    ),
    # Its distribution has no tests: these are ours.
    "titanoboa": Suite(
        *("titanoboa", "0.2.8", "blockstm.compat.plugins.boa"),
        tests=(str(HERE / "titanoboa"),),
        options=(*NO_SETTINGS, "-W", "ignore"),
        needs=("titanoboa==0.2.8", "vyper==0.4.3"),
    ),
    "vyper": Suite(
        *("vyper", "0.4.3", "blockstm.compat.plugins.pyrevm", ("tests/functional",)),
        # Some of its tests want warnings; those marked `fuzzing` run for hours by themselves.
        options=("-o", "addopts=", "-m", "not fuzzing"),
        needs=("vyper==0.4.3", "hypothesis[lark]", "eth-stdlib", "eth-account==0.12.2"),
    ),
}


def main() -> int:
    ours, theirs = split(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="python .ci/peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUITES)}; all")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "peers", metavar="FOLDER")
    parser.add_argument("--required", action="store_true", help="fail where one cannot be had")
    given = parser.parse_args(ours)
    unknown = set(given.names) - set(SUITES)
    if unknown:
        parser.error(f"there is no suite {sorted(unknown)[0]!r}, only {', '.join(SUITES)}")
    ended = [run(SUITES[name], given, theirs) for name in given.names or SUITES]
    return max(ended, default=0)


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Those before `--`, and those after it."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def run(suite: Suite, given: argparse.Namespace, more: list[str]) -> int:
    """The exit status of pytest; 0 or 1 where the suite could not be had."""
    folder = fetched(suite, given.cache)
    if folder is None:
        print(f"SKIPPED: the tests of {suite.package}, which cannot be fetched", file=sys.stderr)
        return int(given.required)
    print(f"== {suite.folder}", flush=True)
    left_out = [f"--deselect={test}" for test in known_differences(suite)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", suite.plugin, "-p", "no:cacheprovider"]
    chosen = [each for each in more if not each.startswith("-")] or suite.tests
    options = [each for each in more if each.startswith("-")]
    places = [str(packages(suite, given.cache)), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # others' plugins import the installed package
    }
    done = subprocess.run(
        [*command, *suite.options, *left_out, *options, *chosen], cwd=folder, env=environment
    )
    return done.returncode


def fetched(suite: Suite, cache: Path) -> Path | None:
    """The folder of its source distribution; None where it cannot be had."""
    folder = cache / suite.folder
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    asked = [f"{suite.package}=={suite.version}", "--no-deps", "--no-binary", suite.package]
    pip = [sys.executable, "-m", "pip"]
    got = subprocess.run([*pip, "download", "--quiet", *asked, "--dest", cache])
    archive = cache / f"{suite.folder}.tar.gz"
    if got.returncode or not archive.is_file() or not installed(suite, cache, pip):
        return None
    with tarfile.open(archive) as opened:
        opened.extractall(cache, filter="data")
    return folder


def installed(suite: Suite, cache: Path, pip: list[str]) -> bool:
    """Whether what its tests import is there, now: beside them, not among our own packages."""
    if not suite.needs:
        return True
    place = packages(suite, cache)
    install = [*pip, "install", "--quiet", "--target", place]
    if subprocess.run([*install, *suite.needs]).returncode:
        return False
    join_namespaces(place)
    return True


def join_namespaces(place: Path) -> None:
    """Have packages without an ``__init__`` found where ours have one of the same name: `eth` is
    py-evm's, and a part of it eth-stdlib's, which Python would not look for any more."""
    for folder in place.iterdir():
        page = folder / "__init__.py"
        if not folder.name.isidentifier() or not folder.is_dir() or page.exists():
            continue
        if getattr(importlib.util.find_spec(folder.name), "origin", None):
            page.write_text("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")


def packages(suite: Suite, cache: Path) -> Path:
    """Where what its tests import besides lies."""
    return cache / "packages" / suite.package


def known_differences(suite: Suite) -> list[str]:
    """The tests that are left out."""
    lines = (HERE / f"{suite.package}.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


if __name__ == "__main__":
    sys.exit(main())
