"""The pages are true: their examples run, their links lead somewhere, they build."""

from __future__ import annotations

import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.links import ROOT, Link, broken, links, pages
from tests.readme import Example, examples, run_alone

# What the development environment has; "clone": the example reads a file of the repository.
HERE = frozenset({"numba", "hypothesis", "pyevm", "chain", "clone"})
EXAMPLES = [(page, example) for page in pages() for example in examples(page)]


@pytest.mark.parametrize(
    ("page", "example"),
    EXAMPLES,
    ids=[f"{page.relative_to(ROOT)}:{example.line}" for page, example in EXAMPLES],
)
def test_an_example_runs_alone(
    page: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    if "boa" in example.needs:
        pytest.skip("titanoboa is not in the development environment: .ci/peers/titanoboa has it")
    if "chain" in example.needs:
        pytest.importorskip("mdbx")  # which has no wheels for Python 3.14
    assert example.needs <= HERE
    run_alone(page, example)


def test_the_readme_has_examples_that_need_nothing_else() -> None:
    assert [example for example in examples(ROOT / "README.md") if not example.needs]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [problem for link in links(page) if (problem := broken(link))] == []


@pytest.mark.parametrize("target", ["nowhere.md", "README.md#no-such-heading", "#no-such-heading"])
def test_a_broken_link_is_found(target: str) -> None:
    assert broken(Link(ROOT / "README.md", target))


def test_what_holds_a_promise_exists() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text()
    promises = [line for line in page.splitlines() if re.match(r"\| (?!promise)[^-]", line)]
    files = set(re.findall(r"`(tests/[\w/.]+)`", page))
    assert [name for name in files if not (ROOT / name).is_file()] == []
    defined = {
        name for each in files for name in re.findall(r"def (test_\w+)", (ROOT / each).read_text())
    }
    assert set(re.findall(r"`(test_\w+)`", page)) <= defined
    assert promises
    assert [line for line in promises if not re.search(r"`tests/", line)] == []


class Refs(HTMLParser):
    """What a built page refers to, and what can be referred to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.navigation: list[str] = []
        self.languages = 0
        self._in_navigation = False
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_navigation |= tag == "nav"
        self.links |= {given[name] for name in ("href", "src") if name in given}
        self.anchors |= {given["id"]} if "id" in given else set()
        if self._in_navigation and tag == "a":
            self.navigation.append(given["href"])
        self.languages += tag == "pre" and given.get("class") == "code"

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav":
            self._in_navigation = False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    runpy.run_path(str(ROOT / "docs" / "build.py"))["build"](target)
    return target


def test_every_page_is_built_and_in_the_navigation_of_every_other(site: Path) -> None:
    built = {page.relative_to(ROOT).with_suffix(".html") for page in pages()}
    assert {p.relative_to(site) for p in site.rglob("*.html")} == built | {Path("index.html")}
    for page in built:
        listed = Refs(site / page).navigation[1:]  # behind the name of the project
        found = {((site / page).parent / href).resolve().relative_to(site) for href in listed}
        assert len(listed) == len(found) == len(built)
        assert found == built


def test_no_link_of_the_built_pages_is_broken(site: Path) -> None:
    lost = []
    for page in site.rglob("*.html"):
        for link in Refs(page).links:
            name, _, fragment = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if ":" in link:
                continue
            if not target.exists() or (fragment and fragment not in Refs(target).anchors):
                lost.append(f"{page.relative_to(site)}: {link}")
    assert lost == []


def test_code_is_coloured(site: Path) -> None:
    assert Refs(site / "README.html").languages >= 8
    assert 'class="k' in (site / "README.html").read_text()
