"""A case that still shows what a larger one showed: fewer transactions, accounts, instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.case import Account, Case, Sent
from tests.fuzz.worlds import KEYS, address_of, signed

from blockstm.bench.evm.assembly import OPCODES

Shows = Callable[[Case], bool]

_JUMPDEST = OPCODES["JUMPDEST"]
_KEY_OF = {address_of(key): key for key in KEYS}


def shrunk(case: Case, shows: Shows, tries: int = 600) -> Case:
    """The smallest case found that still ``shows`` it, looking at up to ``tries`` others."""
    progress = True
    while progress and tries > 0:
        progress = False
        candidates = _smaller(case)
        for candidate in candidates:
            tries -= 1
            if tries < 0:
                break
            if shows(candidate):
                case, progress = candidate, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Cases that are one step simpler, the greatest steps first."""
    for place in range(len(case.transactions)):
        yield case.changed(transactions=case.transactions[:place] + case.transactions[place + 1 :])
    for address in case.accounts:
        others = {each: account for each, account in case.accounts.items() if each != address}
        yield case.changed(accounts=others)
    for place, sent in enumerate(case.transactions):
        for simpler in _simpler_transactions(sent):
            changed = [*case.transactions[:place], simpler, *case.transactions[place + 1 :]]
            yield case.changed(transactions=tuple(changed))
    for address, account in case.accounts.items():
        for plainer in _simpler_accounts(account):
            yield case.changed(accounts={**case.accounts, address: plainer})


def _simpler_transactions(sent: Sent) -> Iterator[Sent]:
    transaction, key = sent.transaction, _KEY_OF.get(sent.sender)
    if key is None:
        return
    for change in ({"data": b""}, {"value": 0}, {"access_list": ()}, {"authorizations": ()}):
        if all(getattr(transaction, name) != value for name, value in change.items()):
            yield Sent(signed(replace(transaction, **change), key), sent.sender)  # type: ignore[arg-type]  # members of different types


def _simpler_accounts(account: Account) -> Iterator[Account]:
    if account.storage:
        yield account._replace(storage={})
        for slot in account.storage:
            rest = {each: value for each, value in account.storage.items() if each != slot}
            yield account._replace(storage=rest)
    code = account.code
    if not code:
        return
    yield account._replace(code=b"")
    size = len(code)
    while size > 1:
        size = (size + 1) // 2
        for start in range(0, len(code), size):
            end = min(start + size, len(code))
            blank = bytes([_JUMPDEST]) * (end - start)  # the rest stays where it is
            if code[start:end] != blank:
                yield account._replace(code=code[:start] + blank + code[end:])
    stripped = code.rstrip(bytes([_JUMPDEST]))
    if stripped != code:
        yield account._replace(code=stripped)
