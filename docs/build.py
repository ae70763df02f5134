"""Turn the Markdown pages of the project into HTML: ``python docs/build.py build/docs``.

CommonMark with tables, through markdown-it-py; code is coloured by Pygments. A page keeps its place
(README.md becomes README.html), so the links between pages are those that GitHub follows, with
another ending; files that pages link to are copied beside them. A site generator would bring a
theme, a configuration and a search index for some dozen pages.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.links import anchor, pages  # noqa: E402  # found through the line above

STYLE = Path(__file__).with_name("style.css")
LIGHT, DARK = (HtmlFormatter(style=style, nobackground=True) for style in ("friendly", "monokai"))

# What somebody looks for, in the order in which it is looked for. Pages that are in no group, such
# as the decisions, come behind them.
GROUPS = {
    "Start": ["README", "docs/index"],
    "Use": [
        *(
            "docs/semantics",
            "docs/api",
            "docs/ethereum",
            "docs/chain",
            "docs/rpc",
            "docs/testing",
            "docs/cli",
            "docs/formats",
            "docs/abi",
        ),
        "docs/guarantees",
    ],
    "Understand": [
        *("docs/engine", "docs/evm", "docs/amsterdam", "docs/layers", "docs/glossary"),
        "bench/README",
    ],
    "Change": ["CONTRIBUTING", "CHANGELOG", "tests/data/README"],
}
LABELS = {"README": "First steps", "docs/index": "All pages"}
DECISIONS = "docs/decisions/"
HOME = "README"


def build(target: Path) -> None:
    """Write every page below ``target``, and what they link to and show."""
    for page in pages():
        place = target / page.relative_to(ROOT).with_suffix(".html")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(render(page))
    for file in linked_files():
        place = target / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    (target / STYLE.name).write_text(
        f"{STYLE.read_text()}{LIGHT.get_style_defs('.code')}\n"
        f"@media (prefers-color-scheme: dark) {{ {DARK.get_style_defs('.code')} }}\n"
    )
    home = '<!doctype html><meta http-equiv="refresh" content="0; url=README.html">'
    (target / "index.html").write_text(f'{home}<a href="README.html">blockstm</a>\n')


def linked_files() -> set[Path]:
    """The files of the project that pages link to or show, and that are no pages."""
    found = set()
    for page in pages():
        for token in _all_tokens(_parser().parse(page.read_text())):
            for name in ("href", "src"):
                link = str(token.attrGet(name) or "").partition("#")[0]
                file = (page.parent / link).resolve()
                if link and ":" not in link and file.is_file() and file.suffix != ".md":
                    found.add(file)
    return found


def render(page: Path) -> str:
    """One page as HTML, with the navigation beside it."""
    parser = _parser()
    tokens = parser.parse(page.read_text())
    _name_headings(tokens)
    _point_to_html(tokens)
    body = parser.renderer.render(tokens, parser.options, {})
    body = body.replace("<table>", '<div class="wide"><table>')
    body = body.replace("</table>", "</table></div>")
    body = body.replace("</h1>", f"</h1>{_contents(tokens)}", 1)
    up = "../" * (len(page.relative_to(ROOT).parts) - 1)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title(page))} · blockstm</title>"
        f'<link rel="stylesheet" href="{up}{STYLE.name}"></head>\n<body>'
        '<p class="narrow"><a href="#pages">all pages</a></p>'
        f'<nav id="pages"><a class="home" href="{up}{HOME}.html">blockstm</a>'
        f"{_navigation(page, up)}</nav>\n<main>{body}</main></body></html>\n"
    )


def title(page: Path) -> str:
    """The first heading of a page."""
    heading = re.search(r"^# +(.+?)\s*$", page.read_text(), re.MULTILINE)
    return heading[1].replace("`", "") if heading else page.stem


def name_of(page: Path) -> str:
    """Where a page is, without its ending."""
    return page.relative_to(ROOT).with_suffix("").as_posix()


def groups() -> dict[str, list[str]]:
    """The pages by group; each is in one."""
    names = [name_of(page) for page in pages()]
    found = {group: [n for n in listed if n in names] for group, listed in GROUPS.items()}
    rest = [name for name in names if all(name not in listed for listed in found.values())]
    decisions = [name for name in rest if name.startswith(DECISIONS)]
    found["Why it is so"] = sorted(decisions, key=lambda name: not name.endswith("README"))
    found["More"] = [name for name in rest if name not in decisions]
    return {group: listed for group, listed in found.items() if listed}


def _navigation(page: Path, up: str) -> str:
    here = name_of(page)
    parts = []
    for group, names in groups().items():
        items = "".join(
            f'<li><a href="{up}{name}.html"{" class=here" if name == here else ""}>'
            f"{html.escape(LABELS.get(name) or title(ROOT / f'{name}.md'))}</a></li>"
            for name in names
        )
        shown = " open" if here in names or group in ("Start", "Use") else ""
        parts.append(f"<details{shown}><summary>{group}</summary><ul>{items}</ul></details>")
    return "".join(parts)


def _contents(tokens: Sequence[Token]) -> str:
    """Links to the sections of a page that has several."""
    sections = [
        (opening.attrGet("id"), text.content.replace("`", ""))
        for opening, text in pairwise(tokens)
        if opening.type == "heading_open" and opening.tag == "h2"
    ]
    if len(sections) < 3:
        return ""
    links = " · ".join(f'<a href="#{i}">{html.escape(words)}</a>' for i, words in sections)
    return f'<p class="contents">{links}</p>'


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "highlight": _colour}).enable("table")


def _colour(code: str, language: str, _attributes: str) -> str:
    """Coloured code in a ``pre`` of its own; nothing where no lexer knows the language."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    lines = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="code"><code>{lines}</code></pre>'


def _all_tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all_tokens(token.children or [])


def _name_headings(tokens: Sequence[Token]) -> None:
    """Give each heading the fragment that GitHub gives it; the second of a name gets a number."""
    seen: Counter[str] = Counter()
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            fragment = anchor(text.content)
            opening.attrSet("id", f"{fragment}-{seen[fragment]}" if seen[fragment] else fragment)
            seen[fragment] += 1


def _point_to_html(tokens: Sequence[Token]) -> None:
    """Links to pages get their new ending."""
    for token in _all_tokens(tokens):
        href = token.attrGet("href")
        if isinstance(href, str) and not re.match(r"[a-z]+:", href):
            token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", href))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    print(f"{len(pages())} pages in {sys.argv[1]}, from {sys.argv[1]}/index.html on")
