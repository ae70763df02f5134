from collections.abc import Mapping
from typing import Any

from blockstm._native.base.packed import PackedWrites

def packed_locations(writes: Mapping[Any, Any] | PackedWrites) -> PackedWrites: ...
def codes_in(writes: PackedWrites) -> tuple[dict[bytes, bytes], list[bytes]]: ...
