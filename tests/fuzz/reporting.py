"""A case as a person reads it: accounts, code by instructions, transactions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.case import Case

from blockstm.bench.evm.assembly import OPCODES

_NAMES = {value: name for name, value in OPCODES.items()}
_PUSH0 = OPCODES["PUSH0"]
_WIDTH = 100


def described(case: Case) -> Iterator[str]:
    """Lines about the case."""
    yield f"{case.story}: fork {case.fork_name}, block {case.number}, base fee {case.base_fee}"
    for address, account in case.accounts.items():
        storage = {f"{slot:#x}": f"{value:#x}" for slot, value in account.storage.items()}
        about = f"nonce {account.nonce}, balance {account.balance}, {storage or 'no storage'}"
        yield f"0x{address.hex()}: {about}"
        yield from wrapped(disassembled(account.code))
    for number, (transaction, sender) in enumerate(case.transactions):
        to = "creates" if transaction.to is None else f"to 0x{transaction.to.hex()}"
        yield (
            f"transaction {number}: type {transaction.type}, by 0x{sender.hex()}, {to}, nonce "
            f"{transaction.nonce}, gas {transaction.gas}, value {transaction.value}"
        )
        data = transaction.data
        yield from wrapped(disassembled(data) if transaction.to is None else [f"0x{data.hex()}"])


def disassembled(code: bytes) -> Iterator[str]:
    """The instructions, as the assembler reads them; runs of JUMPDEST as one word."""
    place = 0
    while place < len(code):
        opcode = code[place]
        name = _NAMES.get(opcode, f"'{opcode:02x}'")
        size = opcode - _PUSH0 if name.startswith("PUSH") else 0
        run = len(code) - place - len(code[place:].lstrip(code[place : place + 1]))
        if name == "JUMPDEST" and run > 2:
            yield f"JUMPDEST*{run}"
            place += run
            continue
        yield f"{name} 0x{code[place + 1 : place + 1 + size].hex()}" if size else name
        place += 1 + size


def wrapped(words: Iterator[str] | list[str]) -> Iterator[str]:
    """Words in lines."""
    line = "   "
    for word in words:
        if len(line) + len(word) >= _WIDTH:
            yield line
            line = "   "
        line += f" {word}"
    if line.strip():
        yield line
