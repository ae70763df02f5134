"""Accounts and slots in a node's words: asked for, and understood; proved, or only told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from blockstm.errors import DecodeError, InputError, MissingNode, WrongAnswer
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.fields import Fields, parse_data, parse_quantity, parse_word, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.remote.batching import checked
from blockstm.ethereum.remote.client import Request
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.state.protocol import AccountInfo
from blockstm.types import Address, Hash32

__all__ = ["Proved", "Reading", "Told", "Wanted", "header_of"]

Wanted = Mapping[Address, Sequence[int]]
"""Address → slots of the account there."""


class Reading(Protocol):
    """How values are asked for. Any thread."""

    is_proved: bool

    def requests(self, wanted: Wanted, codes: Iterable[Address]) -> list[Request]:
        """The requests for accounts with their slots, and for codes."""

    def values(
        self, wanted: Wanted, codes: Iterable[Address], answers: Sequence[Any]
    ) -> tuple[dict[Address, AccountInfo | None], dict[tuple[Address, int], int], list[bytes]]:
        """The accounts, the slots, the codes that the answers tell.

        Raises:
            NodeRefused: one of the requests was.
            WrongAnswer: one is none, or is not proved.
        """


class Proved:
    """By ``eth_getProof``: what is told is proved against the root in the block's header."""

    is_proved = True

    def __init__(self, header: Header) -> None:
        self._block = shown(header.number)
        self._trie = StateTrie(header.state_root)

    def requests(self, wanted: Wanted, codes: Iterable[Address]) -> list[Request]:
        """See `Reading`."""
        proofs: list[Request] = [
            ("eth_getProof", [shown(address), [_word(each) for each in slots], self._block])
            for address, slots in wanted.items()
        ]
        return proofs + _code_requests(codes, self._block)

    def values(
        self, wanted: Wanted, codes: Iterable[Address], answers: Sequence[Any]
    ) -> tuple[dict[Address, AccountInfo | None], dict[tuple[Address, int], int], list[bytes]]:
        """See `Reading`."""
        checked(answers)
        try:
            for answer in answers[: len(wanted)]:
                self._trie.add_nodes(_nodes_of(answer))
            accounts = {address: self._account(address) for address in wanted}
            slots = {
                (address, slot): self._trie.slot(address, slot)
                for address, listed in wanted.items()
                for slot in listed
            }
            return accounts, slots, _codes_of(answers[len(wanted) :])
        except MissingNode as error:
            raise WrongAnswer(f"a proof does not lead to the block's state root: {error}") from None
        except (DecodeError, InputError) as error:
            raise WrongAnswer(f"what should be a proof is none: {error}") from None

    def _account(self, address: Address) -> AccountInfo | None:
        found = self._trie.account(address)
        if found is None:
            return None
        return AccountInfo(found.balance, found.nonce, found.code_hash, found.has_storage)


def _nodes_of(answer: Any) -> list[bytes]:
    fields = Fields(answer, "eth_getProof")
    listed = fields.elements("accountProof")
    for each in fields.elements("storageProof"):
        listed += Fields(*each).elements("proof")
    return [parse_data(*each) for each in listed]


class Told:
    """By ``eth_getBalance`` and its like: the node is believed.

    It does not tell an empty account, as there were before EIP-161, from none, and of an account
    without code and nonce it does not tell whether it has storage: none is taken to.
    """

    is_proved = False

    def __init__(self, header: Header) -> None:
        self._block = shown(header.number)

    def requests(self, wanted: Wanted, codes: Iterable[Address]) -> list[Request]:
        """See `Reading`; with every account comes its code, whose hash is asked for."""
        methods = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode")
        found: list[Request] = [
            (method, [shown(address), self._block]) for address in wanted for method in methods
        ]
        return found + [
            ("eth_getStorageAt", [shown(address), _word(slot), self._block])
            for address, slots in wanted.items()
            for slot in slots
        ]

    def values(
        self, wanted: Wanted, codes: Iterable[Address], answers: Sequence[Any]
    ) -> tuple[dict[Address, AccountInfo | None], dict[tuple[Address, int], int], list[bytes]]:
        """See `Reading`."""
        left = iter(checked(answers))
        accounts: dict[Address, AccountInfo | None] = {}
        found: list[bytes] = []
        try:
            for address in wanted:
                balance = parse_quantity(next(left), "eth_getBalance")
                nonce = parse_quantity(next(left), "eth_getTransactionCount", 64)
                code = parse_data(next(left), "eth_getCode")
                is_none = not balance and not nonce and not code
                accounts[address] = None if is_none else AccountInfo(balance, nonce, keccak(code))
                found.append(code)
            slots = {
                (address, slot): parse_word(next(left), "eth_getStorageAt")
                for address, listed in wanted.items()
                for slot in listed
            }
        except DecodeError as error:
            raise WrongAnswer(f"what a node tells of a state is none: {error}") from None
        return accounts, slots, [each for each in found if each]


def _code_requests(addresses: Iterable[Address], block: str) -> list[Request]:
    return [("eth_getCode", [shown(address), block]) for address in addresses]


def _codes_of(answers: Sequence[Any]) -> list[bytes]:
    return [parse_data(each, "eth_getCode") for each in answers]


def _word(slot: int) -> str:
    return "0x" + slot.to_bytes(32, "big").hex()


def header_of(answer: Any) -> tuple[Header, Hash32]:
    """The header that a node tells, and its hash.

    Raises:
        WrongAnswer: it is none, or has another hash than the node says.
    """
    try:
        fields = Fields(answer, "block")
        header = Header.from_fields(fields)
        told = fields.hash("hash")
    except DecodeError as error:
        raise WrongAnswer(f"what should be a block is none: {error}") from None
    if header.hash != told:
        raise WrongAnswer(
            f"block {header.number} has hash 0x{header.hash.hex()}, not 0x{told.hex()}"
        )
    return header, told
