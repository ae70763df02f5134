"""The links and headings of the Markdown pages; no test of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/**/*.md", "bench/*.md", "examples/**/*.md", "tests/**/*.md")

CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Link:
    """A link of a page: where it stands and what it says, as written."""

    page: Path
    target: str


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    return sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})


def links(page: Path) -> list[Link]:
    """The links of a page, those in code left out."""
    return [Link(page, target) for target in LINK.findall(CODE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings can be reached by."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {anchor(heading) for heading in HEADING.findall(text)}


def anchor(heading: str) -> str:
    """The fragment of a heading, as GitHub makes it: lower case, hyphens, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(link: Link) -> str | None:
    """Why a link leads nowhere; None where it leads somewhere or out of the project."""
    if re.match(r"[a-z]+:", link.target):
        return None
    name, _, fragment = link.target.partition("#")
    target = (link.page.parent / name).resolve() if name else link.page
    if not target.exists():
        return f"{link.page.relative_to(ROOT)}: {link.target}: no such file"
    if fragment and fragment not in anchors(target):
        return f"{link.page.relative_to(ROOT)}: {link.target}: no such heading"
    return None
