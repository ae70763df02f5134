"""The senders of recent transactions: a signature is recovered once.

A transaction's hash commits to all of it, its signature included, so the sender that is known
under a hash is that of every transaction with this hash.
"""

from __future__ import annotations

from blockstm._native.wire.signers import KnownSenders

__all__ = ["KNOWN_SENDERS", "KnownSenders"]

KNOWN_SENDERS = KnownSenders(limit=1 << 17)
"""Of this process; up to 16 MB, when it is full, which takes some hundred blocks."""
