"""The words that the glossary does not use, and how they are found; no test of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROW = re.compile(r"^\| (?P<words>[^|]+) \| (?P<instead>[^|]+) \|$", re.MULTILINE)
COMMENT = re.compile(r"\n[ \t]*(?:#:?|//+|\*|>)?[ \t]*")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
WHO = re.compile(r"(?<![\w\"'`(])Who [a-z][^.?!\"]{0,200}[.!\"]")
AROUND = 40  # characters shown on either side


def avoided() -> dict[str, str]:
    """Each word of the glossary's last table, with the word to use instead."""
    table = GLOSSARY.read_text().split("## Words not used")[1]
    rows = [row for row in ROW.finditer(table) if row["words"] not in {"not", "---"}]
    return {word: row["instead"] for row in rows for word in row["words"].split(", ")}


def plain(text: str) -> str:
    """A text as running words: names split into theirs, comments joined over their lines."""
    joined = COMMENT.sub(" ", text)
    return re.sub(r"[_\-\s]+", " ", CAMEL.sub(" ", joined)).lower()


def found(text: str, words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of these words that a text has, as often as it has it, with the words around it."""
    prose = plain(text)
    for hit in re.finditer(rf"\b(?:{'|'.join(map(re.escape, words))})\b", prose):
        yield hit[0], prose[max(hit.start() - AROUND, 0) : hit.end() + AROUND]


def riddles(text: str) -> list[str]:
    """The statements that begin with "Who": their subject is to be a noun of the glossary."""
    return WHO.findall(COMMENT.sub(" ", text))
