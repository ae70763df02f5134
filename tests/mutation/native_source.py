"""All mutants of a C++ source in one text, each behind a switch. No test of its own.

Where mutants 3 and 4 change an expression, it becomes
``(MUTANT(3) ? (a <= b) : MUTANT(4) ? (a < b + 1) : (a < b))``; a statement that mutant 5 leaves out
becomes ``if (MUTANT(5)) {} else statement``. So one build holds them all, and lines keep their
numbers. The reader knows no types: it takes the source as `clang-format` lays it out (blanks around
binary operators, none after unary ones). What the compiler refuses is left out; see `native_build`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.mutation.mutant import Key, Mutant, Site
from tests.mutation.native_constants import evaluated_late
from tests.mutation.native_tokens import CLOSING, KEYWORDS, partners, replacements, tokens

__all__ = ["NativeSource"]


@dataclass
class NativeSource:
    """A C++ source and its mutants.

    Attributes:
        path: below the root of the repository.
        text: the source.
        refused: mutants that the compiler does not take, by `Mutant.key`.
        places: how many mutants there could be; those that are refused have numbers, too, so that
            the others keep theirs.
    """

    path: str
    text: str
    refused: set[Key] = field(default_factory=set)
    places: int = 0

    def __post_init__(self) -> None:
        self._tokens = tokens(self.text)
        self._partner = partners(self._tokens)

    def with_switches(self, first: int) -> tuple[str, list[Mutant]]:
        """The source with all mutants in it, numbered from ``first``, and what they are."""
        mutants: list[Mutant] = []
        edits: list[Site] = []
        alike: Counter[tuple[str, str]] = Counter()
        self.places = 0
        for region in self._regions(0, len(self._tokens)):
            start, end = self._tokens[region.first].start, self._tokens[region.last - 1].end
            arms = ""
            for site in region.sites:
                mutant = self._mutant(first + self.places, site, alike)
                self.places += 1
                if mutant.key in self.refused:
                    continue
                mutants.append(mutant)
                arms += region.arm(mutant.number, self.text, start, end, site)
            if arms:
                edits.append(Site(start, end, region.whole(arms, self.text[start:end])))
        text = _edited(self.text, edits)
        return (evaluated_late(text) if mutants else text), mutants

    def _mutant(self, number: int, site: Site, alike: Counter[tuple[str, str]]) -> Mutant:
        line = self.text.count("\n", 0, site.start) + 1
        begin = self.text.rfind("\n", 0, site.start) + 1
        end = self.text.find("\n", site.end)
        before = self.text[begin:end]
        after = self.text[begin : site.start] + site.new + self.text[site.end : end]
        old, new = (" ".join(each.split()) for each in (before, after))
        alike[old, new] += 1
        return Mutant(number, self.path, line, old, new, alike[old, new])

    # ---- what may change

    def _regions(self, first: int, last: int) -> Iterator[Region]:
        """The expressions and statements between two tokens, from the first to the last."""
        place = first
        while place < last:
            text = self._tokens[place].text
            after = place + 1
            if text in ("if", "while", "for", "switch") and after < last:
                opening = after + (self._tokens[after].text == "constexpr")
                close = self._partner.get(opening, opening)
                if opening == after:
                    yield from self._heading(text, opening + 1, close)
                place = close + 1
            elif text == "return":
                end = self._statement_end(after, last)
                yield from self._value(after, end)
                place = end + 1
            elif text in ("else", "do", "{", "}", ";", "case", "default") or text in KEYWORDS:
                place = self._behind_keyword(place, last)
            else:
                end = self._statement_end(place, last)
                if end < last and self._tokens[end].text == ";":
                    yield from self._statement(place, end)
                place = end + 1

    def _behind_keyword(self, place: int, last: int) -> int:
        """Behind a label, a heading without an expression, or a bracket."""
        text = self._tokens[place].text
        if text in ("else", "do", "{", "}", ";", "extern"):
            return place + 1
        while place < last and self._tokens[place].text not in (";", "{", "}"):
            if text in ("case", "default", "public", "private", "protected"):
                if self._tokens[place].text == ":":
                    break
            elif self._tokens[place].text in ("(", "["):
                place = self._partner[place]
            place += 1
        # What is inside an enumeration is a list of names.
        if text == "enum" and place < last and self._tokens[place].text == "{":
            return self._partner[place] + 1
        return place + 1

    def _statement_end(self, place: int, last: int) -> int:
        """The semicolon, or the bracket that opens a body."""
        before = ""
        while place < last:
            text = self._tokens[place].text
            if text == ";" or text == "}":
                return place
            if text == "{" and before in (")", "noexcept", "const", "override"):
                return place
            place = self._partner[place] + 1 if text in CLOSING else place + 1
            before = self._tokens[place - 1].text
        return last

    def _heading(self, keyword: str, first: int, last: int) -> Iterator[Region]:
        parts = list(self._split(first, last, ";"))
        if keyword == "for" and len(parts) == 1:  # over a range
            return
        for number, (begin, end) in enumerate(parts):
            is_condition = number == (1 if keyword == "for" else len(parts) - 1)
            if is_condition and keyword != "switch":
                assigned = self._find(begin, end, "=")
                begin = begin if assigned is None else assigned + 1
                yield self._region(begin, end, self._forced(begin, end, keyword))
            elif keyword != "switch":
                yield from self._statement(begin, end, removable=False)

    def _forced(self, begin: int, end: int, keyword: str) -> Iterable[Site]:
        if keyword != "if" or begin >= end:
            return ()
        start, stop = self._tokens[begin].start, self._tokens[end - 1].end
        return Site(start, stop, "true"), Site(start, stop, "false")

    def _statement(self, first: int, last: int, removable: bool = True) -> Iterator[Region]:
        if first >= last:
            return
        words = {token.text for token in self._tokens[first:last] if token.kind == "name"}
        if self._declares(first) or words & {"constexpr", "constinit"}:
            is_constant = bool(words & {"constexpr", "constinit"})
            for begin, end in self._split(first, last, ","):
                assigned = self._find(begin, end, "=")
                # A single word is what a variable holds until a function fills it.
                if assigned is not None and (is_constant or end - assigned > 2):
                    yield from self._value(assigned + 1, end)
        elif removable:
            whole = Site(self._tokens[first].start, self._tokens[last].end, "")
            yield Removal(first, last + 1, [whole, *self._sites(first, last)])
        else:
            yield Region(first, last, list(self._sites(first, last)))

    def _declares(self, first: int) -> bool:
        """Whether a statement begins with a type and a name."""
        depth = 0
        kinds = []
        for token in self._tokens[first : first + 24]:
            if token.text == "<" and kinds:
                depth += 1
            elif depth:
                depth -= token.text == ">"
            elif token.kind == "name" or token.text in ("*", "&"):
                kinds.append(token.kind)
                if len(kinds) > 1 and kinds[-1] == "name":
                    return True
            elif token.text == "::":
                if kinds:
                    kinds.pop()
            else:
                return False
        return False

    def _value(self, first: int, last: int) -> Iterator[Region]:
        """An expression, or each one of a list in braces."""
        if first >= last:
            return
        if self._tokens[first].text != "{":
            yield self._region(first, last)
            return
        for begin, end in self._split(first + 1, self._partner[first], ","):
            yield from self._value(begin, end)

    def _region(self, first: int, last: int, more: Iterable[Site] = ()) -> Region:
        return Region(first, last, [*more, *self._sites(first, last)])

    def _sites(self, first: int, last: int) -> Iterator[Site]:
        for place in range(first, last):
            token = self._tokens[place]
            for new in replacements(self.text, self._tokens[place - 1], token):
                yield Site(token.start, token.end, new)

    def _find(self, first: int, last: int, text: str) -> int | None:
        place = first
        while place < last:
            if self._tokens[place].text == text:
                return place
            place = self._partner.get(place, place) + 1
        return None

    def _split(self, first: int, last: int, text: str) -> Iterator[tuple[int, int]]:
        place = first
        while (found := self._find(place, last, text)) is not None:
            yield place, found
            place = found + 1
        if place < last:
            yield place, last


@dataclass
class Region:
    """An expression of which several mutants stand beside each other."""

    first: int
    last: int
    sites: list[Site]

    def arm(self, number: int, text: str, start: int, end: int, site: Site) -> str:
        return f"MUTANT({number}) ? ({_one_line(_changed(text, start, end, site))}) : "

    def whole(self, arms: str, text: str) -> str:
        return f"({arms}({text}))"


class Removal(Region):
    """A statement that a mutant leaves out, or changes."""

    def arm(self, number: int, text: str, start: int, end: int, site: Site) -> str:
        return f"if (MUTANT({number})) {{ {_one_line(_changed(text, start, end, site))} }} else "

    def whole(self, arms: str, text: str) -> str:
        return f"{{ {arms}{text} }}"


def _changed(text: str, start: int, end: int, site: Site) -> str:
    return text[start : site.start] + site.new + text[site.end : end]


def _one_line(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text).replace("\n", " ")


def _edited(text: str, edits: Iterable[Site]) -> str:
    for edit in sorted(edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text
