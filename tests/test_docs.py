"""The pages are true: their examples run, their links lead somewhere, they build."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from tests.links import ROOT, Link, broken, links, pages
from tests.readme import examples, run

HERE = frozenset({"numba", "hypothesis", "pyevm"})  # what the development environment has


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if examples(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_the_examples_of_a_page_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(page, has=HERE) == len(examples(page))


def test_the_readme_has_examples_that_need_nothing_else() -> None:
    assert [example for example in examples(ROOT / "README.md") if not example.needs]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [problem for link in links(page) if (problem := broken(link))] == []


@pytest.mark.parametrize("target", ["nowhere.md", "README.md#no-such-heading", "#no-such-heading"])
def test_a_broken_link_is_found(target: str) -> None:
    assert broken(Link(ROOT / "README.md", target))


def test_the_pages_build(tmp_path: Path) -> None:
    build = runpy.run_path(str(ROOT / "docs" / "build.py"))
    build["build"](tmp_path)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.html")} == {
        page.relative_to(ROOT).with_suffix(".html") for page in pages()
    }
    assert 'href="docs/index.html"' in (tmp_path / "README.html").read_text()
