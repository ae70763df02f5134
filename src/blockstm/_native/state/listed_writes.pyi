from collections.abc import Iterable
from typing import Any

def listed_writes(accounts: Iterable[Any]) -> tuple[bytes, bytes, bytes]: ...
