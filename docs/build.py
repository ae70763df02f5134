"""Turn the Markdown pages of the project into HTML: ``python docs/build.py build/docs``.

CommonMark with tables, through markdown-it-py; a page keeps its place (README.md becomes
README.html), so the links between pages are those that GitHub follows, with another ending.
That the links lead somewhere is checked by tests/test_docs.py. A site generator would bring a
theme, a configuration and a search index for a dozen pages that are read in the repository.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.links import anchor, pages  # noqa: E402  # found through the line above

STYLE = """
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
pre, code { font-family: ui-monospace, monospace; background: #f4f4f2 }
pre { padding: .8rem; overflow-x: auto; line-height: 1.3 }
table { border-collapse: collapse } th, td { border: 1px solid #ccc; padding: .2rem .6rem }
nav { font-size: .85rem; border-bottom: 1px solid #ccc } img { max-width: 100% }
"""


def build(target: Path) -> None:
    """Write every page, and the pictures beside them, below ``target``."""
    for page in pages():
        place = target / page.relative_to(ROOT).with_suffix(".html")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(render(page))
    for picture in ROOT.glob("bench/*.png"):
        shutil.copy(picture, target / picture.relative_to(ROOT))


def render(page: Path) -> str:
    """One page as HTML, with a row of links to all the others."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(page.read_text())
    _name_headings(tokens)
    _point_to_html(tokens)
    body = parser.renderer.render(tokens, parser.options, {})
    title = next((token.content for token in tokens if token.type == "inline"), page.stem)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><nav>{_navigation(page)}</nav>\n{body}</html>\n"
    )


def _navigation(page: Path) -> str:
    up = "../" * (len(page.relative_to(ROOT).parts) - 1)
    names = [other.relative_to(ROOT).with_suffix("") for other in pages()]
    return " · ".join(f'<a href="{up}{name}.html">{name}</a>' for name in names)


def _name_headings(tokens: Sequence[Token]) -> None:
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor(text.content))


def _point_to_html(tokens: Sequence[Token]) -> None:
    for token in tokens:
        _point_to_html(token.children or [])
        href = token.attrGet("href")
        if isinstance(href, str) and not re.match(r"[a-z]+:", href):
            token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", href))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    print(f"{len(pages())} pages in {sys.argv[1]}")
