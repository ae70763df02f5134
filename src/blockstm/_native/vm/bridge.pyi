from typing import Any

from blockstm.types import View

def run_on_view(block: Any, index: int, view: View) -> Any: ...
