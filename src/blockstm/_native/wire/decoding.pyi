from typing import Any, TypeVar

T = TypeVar("T")

def decode_plain(kind: type[T], encoding: Any) -> T | None: ...
