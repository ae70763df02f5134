"""Locations of Ethereum accounts, as people and programs name them."""

from __future__ import annotations

from typing import Any

__all__ = ["location_in_words", "location_object"]


def location_object(key: Any) -> dict[str, Any]:
    """A location (`blockstm.state.accounts`) as a JSON object: ``what`` it is, and whose.

    >>> location_object((bytes(20), "storage", 0, 7))
    {'what': 'storage', 'address': '0x0000000000000000000000000000000000000000', 'slot': '0x7'}
    """
    match key:
        case (bytes() as address, "storage", int() as epoch, int() as slot):
            named = {"what": "storage", "address": f"0x{address.hex()}", "slot": hex(slot)}
            return {**named, "epoch": epoch} if epoch else named
        case ("code", bytes() as code_hash):
            return {"what": "code", "code_hash": f"0x{code_hash.hex()}"}
        case (bytes() as address, str() as what):
            return {"what": what, "address": f"0x{address.hex()}"}
        case _:
            return {"what": repr(key)}


def location_in_words(named: dict[str, Any]) -> str:
    """The same for people, from the object.

    >>> location_in_words(location_object((b"\\x11" * 20, "code_hash")))
    'code hash of 0x1111111111111111111111111111111111111111'
    """
    if named["what"] == "storage":
        cleared = f", cleared {named['epoch']} times" if "epoch" in named else ""
        return f"slot {named['slot']} of {named['address']}{cleared}"
    if named["what"] == "code":
        return f"code with hash {named['code_hash']}"
    if "address" in named:
        return f"{named['what'].replace('_', ' ')} of {named['address']}"
    return str(named["what"])
