"""JSON however deep: calls may be nested deeper than the standard library's parser recurses."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["parsed"]

_TOKEN: Final = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s\[\]{},:"]+')


def parsed(text: bytes) -> Any:
    """The value that a JSON text, which is well-formed, stands for."""
    try:
        return json.loads(text)
    except RecursionError:
        return _parsed_by_tokens(text.decode())


def _parsed_by_tokens(text: str) -> Any:
    """Each object and list that is open is a list of what it has so far."""
    opened: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text):
        if token in "[{":
            opened.append([])
        elif token == "]":
            opened[-2].append(opened.pop())
        elif token == "}":
            members = opened.pop()
            opened[-1].append(dict(zip(members[::2], members[1::2], strict=True)))
        else:
            opened[-1].append(json.loads(token))
    [[value]] = opened
    return value
