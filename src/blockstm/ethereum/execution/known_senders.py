"""The senders of recent transactions: a signature is recovered once.

A transaction's hash commits to all of it, its signature included, so the sender that is known
under a hash is that of every transaction with this hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import cast

from blockstm.types import Address

__all__ = ["KNOWN_SENDERS", "KnownSenders"]

_Addresses = dict[bytes, Address]


class KnownSenders:
    """Senders by the hash of their transaction; what was met last stays.

    They are kept in two generations: where the younger is full, it becomes the elder, and what was
    the elder is forgotten. So at least half of the limit is always kept, at most all of it.

    Thread-safety: any thread may ask and add, and no lock is held meanwhile that a fork could
    leave behind: each step is one operation of a dict. Of what two threads add at the same moment,
    one part may be forgotten at once, which costs a recovery.

    Args:
        limit: how many are kept at most.

    >>> known = KnownSenders(limit=4)
    >>> known.add([b"hash"], [Address(bytes(20))])
    >>> known.find([b"hash", b"another"]) == [bytes(20), None]
    True
    """

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        # Replaced as a pair, so that a reader sees two generations that belong together.
        self._generations: tuple[_Addresses, _Addresses] = ({}, {})

    def find(self, hashes: Sequence[bytes]) -> list[Address | None]:
        """The sender of the transaction with each hash, None where it is not known."""
        younger, elder = self._generations
        if not younger and not elder:
            return [None] * len(hashes)
        return [None if each is None else younger.get(each) or elder.get(each) for each in hashes]

    def add(self, hashes: Sequence[bytes], senders: Sequence[Address | None]) -> None:
        """Remember the senders of transactions; those of nobody are left out."""
        more = dict(zip(hashes, senders, strict=True))
        if None in senders:
            more = {each: sender for each, sender in more.items() if sender is not None}
        pairs = iter(cast(_Addresses, more).items())
        while part := dict(islice(pairs, self._half)):
            self._add(part)

    def _add(self, more: _Addresses) -> None:
        younger = self._generations[0]
        if len(younger) + len(more) > self._half:
            self._generations = (more, younger)
        else:
            younger.update(more)

    def clear(self) -> None:
        """Forget all senders."""
        self._generations = ({}, {})

    def __len__(self) -> int:
        return sum(map(len, self._generations))


KNOWN_SENDERS = KnownSenders(limit=1 << 17)
"""Of this process; about 30 MB when it is full, which takes some hundred blocks."""
