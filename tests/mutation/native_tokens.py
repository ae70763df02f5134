"""The words of a C++ source, and what may stand in place of one. No test of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CLOSING", "FORKS", "KEYWORDS", "Token", "partners", "replacements", "tokens"]

TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#[^\n]*)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<number>0[xX][0-9a-fA-F']+|\d[\d']*(?:\.\d+)?(?:[uUlL]*))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator><<=|>>=|<=>|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|::|\.\.\.|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
SWAPS = {
    "<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",), "==": ("!=",), "!=": ("==",),
    "&&": ("||",), "||": ("&&",), "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("/",),
    "<<": (">>",), ">>": ("<<",), "&": ("|",), "|": ("&",), "^": ("|",),
}  # fmt: skip
ASSIGNMENTS = {"+=": "-=", "-=": "+=", "*=": "/=", "|=": "&=", "&=": "|="}
NAMES = {"true": "false", "false": "true", "min": "max", "max": "min"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
KEYWORDS = frozenset({
    "if", "while", "for", "switch", "do", "else", "return", "case", "default", "break", "continue",
    "goto", "using", "namespace", "template", "struct", "class", "enum", "union", "extern",
    "public", "private", "protected", "static_assert", "typedef", "friend", "new",
})  # fmt: skip
FORKS = (
    "Frontier", "Homestead", "TangerineWhistle", "SpuriousDragon", "Byzantium", "Constantinople",
    "Petersburg", "Istanbul", "Berlin", "London", "Paris", "Shanghai", "Cancun", "Prague", "Osaka",
    "Amsterdam",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the source that is no blank."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokens(text: str) -> list[Token]:
    """What stands in a source beside blanks, comments and directives."""
    return [
        Token(str(found.lastgroup), found.group(), found.start())
        for found in TOKEN.finditer(text)
        if found.lastgroup != "blank"
    ]


def replacements(text: str, before: Token | None, token: Token) -> Sequence[str]:
    """What a mutant has in place of a token of ``text``; ``before`` is the one before it."""
    around = text[token.start - 1] + text[token.end : token.end + 1]
    if token.kind == "number":
        if token.text == "0" and before is not None and before.text in SWAPS:
            return ()  # the operator's own mutants do the same
        return _near(token.text)
    if token.text in FORKS and before is not None and before.text == "::":
        place = FORKS.index(token.text)
        return [*FORKS[max(place - 1, 0) : place], *FORKS[place + 1 : place + 2]]
    if token.kind == "name":
        return (NAMES[token.text],) if token.text in NAMES else ()
    if token.text == "!" and around[1] != "=":
        return ("",)
    if token.text in ASSIGNMENTS:
        return (ASSIGNMENTS[token.text],)
    return SWAPS.get(token.text, ()) if around.isspace() else ()


def partners(tokens: Sequence[Token]) -> dict[int, int]:
    """Each opening bracket's closing one, by their places."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for place, token in enumerate(tokens):
        if token.text in CLOSING:
            waiting.append(place)
        elif token.text in CLOSING.values() and waiting:
            partner[waiting.pop()] = place
    return partner


def _near(number: str) -> list[str]:
    """The numbers beside one, written as C++ writes them."""
    digits = number.replace("'", "").rstrip("uUlL")
    if "." in digits:
        return []
    value = int(digits, 0) if digits.lower().startswith("0x") else int(digits)
    return [str(value + 1)] + [str(value - 1)] * (value > 0)
