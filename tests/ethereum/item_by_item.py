"""The decoder in Python in place of the native one. No test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from blockstm._native.wire.transaction_list import TransactionList
from blockstm.ethereum.blocks import block, transaction

__all__ = ["item_by_item"]


@contextmanager
def item_by_item() -> Iterator[None]:
    """Within it every transaction is decoded in Python, all of it at once."""
    with pytest.MonkeyPatch.context() as patch:
        none = TransactionList(())
        patch.setattr(block, "decode_listed", lambda kind, data, start, stop: (none, start))
        patch.setattr(transaction, "decode_one", lambda kind, encoding: None)
        yield
