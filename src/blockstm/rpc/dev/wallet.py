"""`Wallet`: accounts whose keys a node has, and those that it is told to send as."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from blockstm.ethereum import Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.transition.signing import sign, sign_hash
from blockstm.rpc.dev.mnemonic import keys_of
from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.types import Address

__all__ = ["MNEMONIC", "Wallet"]

MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The words that developers' nodes begin with: everybody has the keys."""

_PREFIX: Final = b"\x19Ethereum Signed Message:\n"


class Wallet:
    """Keys, and addresses to send as without one. Any thread.

    Attributes:
        addresses: of the keys, in order.
        impersonated: addresses that transactions are sent as though nobody has their keys.
        impersonates_all: whether all others are.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {address_of_key(key): key for key in keys}
        self.impersonated: set[Address] = set()
        self.impersonates_all = False

    @classmethod
    def of(cls, mnemonic: str = MNEMONIC, accounts: int = 10) -> Wallet:
        """The first accounts of a mnemonic."""
        return cls(keys_of(mnemonic, accounts))

    @property
    def addresses(self) -> list[Address]:
        """Of the keys, in order."""
        return list(self._keys)

    def key(self, address: Address) -> bytes:
        """The secret key of an address.

        Raises:
            RpcError: there is none.
        """
        key = self._keys.get(address)
        if key is None:
            raise RpcError(SERVER_ERROR, f"unknown account 0x{address.hex()}")
        return key

    def signed(
        self, transaction: Transaction, sender: Address, chain_id: int, *, protected: bool
    ) -> Transaction:
        """A transaction that the sender has signed, or, if impersonated, that only looks so.

        Args:
            protected: whether a legacy one names the chain (EIP-155).

        Raises:
            RpcError: the node has no key, and is not told to send as this account.
        """
        is_known = sender in self.impersonated or self.impersonates_all
        if sender in self._keys or not is_known:
            return sign(transaction, self.key(sender), chain_id, protected=protected)
        # No two senders have a transaction of one hash, whatever they send.
        r = int.from_bytes(sender, "big") or 1
        named = None if transaction.type == 0 and not protected else chain_id
        v = 0 if transaction.type else 27 if named is None else 35 + 2 * named
        return replace(transaction, chain_id=named, v=v, r=r, s=1)

    def signed_message(self, message: bytes, address: Address) -> bytes:
        """The signature of a message by itself (EIP-191), 65 bytes.

        Raises:
            RpcError: there is no key.
        """
        return self.signed_hash(keccak(_PREFIX + str(len(message)).encode() + message), address)

    def signed_hash(self, digest: bytes, address: Address) -> bytes:
        """The signature of a hash, 65 bytes.

        Raises:
            RpcError: there is no key.
        """
        parity, r, s = sign_hash(digest, self.key(address))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])
