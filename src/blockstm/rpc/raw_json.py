"""A result that is JSON already, as the native core wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from blockstm.ethereum.tracing.nested_json import parsed

__all__ = ["RawJson", "encoded", "raw_size", "with_values"]


@dataclass(frozen=True, slots=True)
class RawJson:
    """The text of a JSON value, in UTF-8."""

    text: bytes


def encoded(response: Any) -> bytes:
    """A response, or a list of them, as JSON; their results may be `RawJson`."""
    if isinstance(response, list):
        return b"[%b]" % b",".join(map(encoded, response))
    result = response.get("result")
    if not isinstance(result, RawJson):
        return json.dumps(response, separators=(",", ":")).encode()
    around = json.dumps(response | {"result": None}, separators=(",", ":")).encode()
    before, null, after = around.rpartition(b"null")
    assert null, "the result stands last"
    return before + result.text + after


def raw_size(response: dict[str, Any]) -> int:
    """The bytes of a response's result, if it is `RawJson`; else 0."""
    result = response.get("result")
    return len(result.text) if isinstance(result, RawJson) else 0


def with_values(response: Any) -> Any:
    """A response, or a list of them, with values in place of their text."""
    if isinstance(response, list):
        return [*map(with_values, response)]
    result = response.get("result") if isinstance(response, dict) else None
    return response | {"result": parsed(result.text)} if isinstance(result, RawJson) else response
