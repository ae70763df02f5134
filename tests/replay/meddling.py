"""Rules of a chain that kill their process, or change a state that they should not. No test of its
own.

They stand at the top of a module, so that other processes can import them.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from blockstm.ethereum import Chain as Spec
from blockstm.ethereum import Rules, RuleView
from blockstm.types import Address

# As in `tests.chain.growing`, which takes long to import.
COUNTER = Address(b"\xc7" * 20)
RECIPIENT = Address(b"\xd3" * 20)


def with_step(spec: Spec, step: Any, **given: Any) -> Spec:
    """The same chain with something that each block does before its transactions."""
    return replace(spec, rules=Rules(before=(partial(step, **given),)))


def kill(view: RuleView, *, number: int, beside: Path | None = None) -> None:
    """Die in a block: always, or if nobody has died yet, which a file tells."""
    if view.number != number:
        return
    if beside is not None:
        if beside.exists():
            return
        beside.touch()
    os.kill(os.getpid(), signal.SIGKILL)


def give(view: RuleView, *, number: int) -> None:
    """Give somebody something that nobody has: gas and receipts do not tell."""
    if view.number == number:
        view.credit(RECIPIENT, 7)


def count(view: RuleView, *, number: int) -> None:
    """Store something where a contract will store later, which then costs other gas."""
    if view.number == number:
        for slot in range(6):
            view.set_storage(COUNTER, slot, 0x77)
