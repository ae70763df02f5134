"""What an act leaves to the garbage collector. No test of its own."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable


def garbage_of(act: Callable[[], object]) -> Counter[str]:
    """The kinds of objects that only the garbage collector frees after an act."""
    act()  # what is made once
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        act()
        gc.collect()
        return Counter(type(each).__qualname__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
