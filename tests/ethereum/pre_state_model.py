"""Pre-states in plain Python, event by event: what the native core's are compared with."""

from __future__ import annotations

from typing import Any, Final

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.state.accounts import EMPTY_CODE_HASH
from blockstm.types import Address, Hash32
from blockstm.vm.evm import recording
from blockstm.vm.forks import CANCUN, SPURIOUS_DRAGON

__all__ = ["PreStates"]

_NO_CODE: Final = bytes(32)


class _Seen:
    """An account that a transaction has to do with, and its slots."""

    def __init__(self, account: recording.AccountSeen) -> None:
        self.account = account
        self.slots: list[recording.SlotSeen] = []

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing of it before."""
        account = self.account
        has_code = account.code_hash_before != _NO_CODE
        return not (account.balance_before or account.nonce_before or has_code)


class PreStates(Tracer):
    """Address → balance, nonce, code and slots before a transaction; or ``pre`` and ``post``.

    Args:
        diff_mode: whether only what changed is shown, before and after.
        disable_code, disable_storage: whether code and slots are left out.
        include_empty: whether accounts that do not exist are shown.
    """

    mask = recording.PRE_STATE

    def __init__(
        self,
        *,
        diff_mode: bool = False,
        disable_code: bool = False,
        disable_storage: bool = False,
        include_empty: bool = False,
    ) -> None:
        self._diff = diff_mode
        self._with_code = not disable_code
        self._with_storage = not disable_storage
        self._with_empty = include_empty

    def trace(self, traced: TracedTransaction) -> Any:
        """The accounts, or those that changed."""
        seen, gone = _read(traced)
        if self._diff:
            return self._differences(seen, gone, traced)
        return {
            shown(address): self._before(each, traced)
            for address, each in seen.items()
            if self._with_empty or not each.is_empty
        }

    def _before(self, seen: _Seen, traced: TracedTransaction) -> dict[str, Any]:
        account = seen.account
        members: dict[str, Any] = {"balance": shown(account.balance_before)}
        if account.nonce_before:
            members["nonce"] = account.nonce_before
        if account.code_hash_before != _NO_CODE:
            if self._with_code:
                members["code"] = shown(traced.code_with(Hash32(account.code_hash_before)))
            members["codeHash"] = shown(account.code_hash_before)
        if self._with_storage and seen.slots:
            members["storage"] = {_word(each.key): _word(each.before) for each in seen.slots}
        return members

    def _differences(
        self, seen: dict[Address, _Seen], gone: set[Address], traced: TracedTransaction
    ) -> dict[str, Any]:
        pre: dict[str, Any] = {}
        post: dict[str, Any] = {}
        for address, each in seen.items():
            if address in gone:
                if not each.is_empty:
                    pre[shown(address)] = self._before(each, traced)
                continue
            after = self._after(each, traced)
            if after is None:
                continue
            post[shown(address)] = after
            if not each.is_empty:
                pre[shown(address)] = self._changed_before(each, traced)
        return {"pre": pre, "post": post}

    def _changed_before(self, seen: _Seen, traced: TracedTransaction) -> dict[str, Any]:
        """With those of its slots alone that changed, and were not zero."""
        members = self._before(seen, traced)
        members.pop("storage", None)
        changed = {
            _word(each.key): _word(each.before)
            for each in seen.slots
            if each.before != each.after and each.before
        }
        if self._with_storage and changed:
            members["storage"] = changed
        return members

    def _after(self, seen: _Seen, traced: TracedTransaction) -> dict[str, Any] | None:
        """What is different of an account; None where nothing is."""
        account = seen.account
        members: dict[str, Any] = {}
        changed = self._with_storage and any(each.before != each.after for each in seen.slots)
        if account.balance_after != account.balance_before:
            members["balance"] = shown(account.balance_after)
        if account.nonce_after != account.nonce_before:
            changed = True
            if account.nonce_after:
                members["nonce"] = account.nonce_after
        if account.code_hash_after != account.code_hash_before:
            has_code = account.code_hash_after != _NO_CODE
            members["codeHash"] = shown(account.code_hash_after if has_code else EMPTY_CODE_HASH)
            if self._with_code:
                code = traced.code_with(Hash32(account.code_hash_after)) if has_code else b""
                members["code"] = shown(code)
        if traced.fork >= SPURIOUS_DRAGON and not (
            account.balance_after or account.nonce_after or account.code_hash_after != _NO_CODE
        ):
            members["codeHash"] = shown(_NO_CODE)  # of an account that does not exist
        storage = {
            _word(each.key): _word(each.after)
            for each in seen.slots
            if each.before != each.after and each.after
        }
        if self._with_storage and storage:
            members["storage"] = storage
        return members if members or changed else None


def _read(traced: TracedTransaction) -> tuple[dict[Address, _Seen], set[Address]]:
    """The accounts, and those that destroyed themselves for good."""
    seen: dict[Address, _Seen] = {}
    created: set[Address] = set()
    gone: set[Address] = set()
    for event in recording.read_events(traced.events):
        match event:
            case recording.AccountSeen():
                seen[event.address] = _Seen(event)
            case recording.SlotSeen():
                seen[event.address].slots.append(event)
            case recording.Created(address):
                created.add(address)
            case recording.Gone(address):
                gone.add(address)
    return seen, gone & created if traced.fork >= CANCUN else gone


def _word(number: int) -> str:
    return f"0x{number:064x}"
