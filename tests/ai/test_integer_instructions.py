"""Each instruction on each kernel is what the reference says, gas included, or refused by both."""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pytest
from tests.ai.drawn import INSTRUCTIONS, draw

from blockstm._native.ai import instructions as native
from blockstm.ai import ADDRESSES, At, Reference, call, call_data, constant, kernels
from blockstm.errors import ConfigError, InputError, PrecompileFailure
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.reference import inference
from blockstm.types import Address

KERNELS = kernels()
DRAWS = 60


def meaning(name: str, data: bytes, codes: dict[Address, bytes] | None = None) -> Any:
    """What the reference gives, or None where it refuses."""
    there = codes or {}

    def read(address: bytes) -> bytes:
        if address not in there:
            raise PrecompileFailure("no code")
        return there[Address(address)]

    try:
        return inference.run(inference.OPCODES[name], data, read, keccak)
    except PrecompileFailure:
        return None


def given(name: str, data: bytes, kernel: str, codes: dict[Address, bytes] | None = None) -> Any:
    """What a kernel gives, or None where it refuses."""
    try:
        return tuple(call(name, data, codes, kernel=kernel))
    except PrecompileFailure:
        return None


def agreed(name: str, data: bytes, codes: dict[Address, bytes] | None = None) -> Any:
    """What all of them give."""
    meant = meaning(name, data, codes)
    for kernel in KERNELS:
        assert given(name, data, kernel, codes) == meant, (name, kernel)
    return meant


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_kernel_computes_what_the_reference_does(name: str) -> None:
    done = 0
    for seed in range(DRAWS):
        _, parameters, operands = draw(name, seed)
        done += agreed(name, call_data(name, parameters, operands)) is not None
    assert done > DRAWS * 0.8  # some windows do not fit their image


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_kernel_refuses_what_the_reference_does(name: str) -> None:
    """One field of a right instruction changed, or its end."""
    rng = random.Random(name)
    refused = 0
    for seed in range(DRAWS):
        _, parameters, operands = draw(name, seed)
        data = bytearray(call_data(name, parameters, operands))
        kind = rng.randrange(4)
        if kind == 0:
            place = 32 + 4 * rng.randrange(16)
            value = rng.choice((0, 1, -1, 2**31 - 1, -(2**31), 128, -129, 63, 1 << 24))
            data[place : place + 4] = struct.pack(">i", value)
        elif kind == 1:
            data[rng.randrange(32)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[rng.randrange(len(data)) :]
        else:
            data += b"\0"
        refused += agreed(name, bytes(data)) is None
    assert refused > DRAWS * 0.6


@pytest.mark.parametrize("kernel", KERNELS)
def test_products_are_those_of_numpy(kernel: str) -> None:
    rng = np.random.default_rng(7)
    for rows, depth, columns in (
        (256, 256, 256), (241, 1030, 257), (1, 4096, 3), (3, 1025, 70), (300, 5, 2), (64, 2049, 9),
        (7, 63, 131), (9, 64, 67), (6, 65, 33), (16, 9, 1024), (5, 31, 79), (70, 27, 3),
    ):  # fmt: skip
        left = rng.integers(-128, 128, (rows, depth), dtype=np.int8)
        right = rng.integers(-128, 128, (columns, depth), dtype=np.int8)
        bias = rng.integers(-1000, 1000, columns, dtype=np.int32)
        operands = [left.tobytes(), right.tobytes(), bias.tobytes()]
        output, _ = call(
            "product", call_data("product", [rows, depth, columns], operands), kernel=kernel
        )
        meant = left.astype(np.int64) @ right.astype(np.int64).T + bias
        assert np.array_equal(np.frombuffer(output, "<i4").reshape(rows, columns), meant)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_deepest_product_is_exact_at_its_bound(kernel: str) -> None:
    """K·128² = 2³¹ - 2¹⁴: not one more, and with the largest bias that it leaves."""
    depth = 131_071
    lowest = b"\x80" * depth
    bias = struct.pack("<i", 2**14 - 1)
    for rows, columns in ((1, 1), (4, 4)):
        data = call_data("product", [rows, depth, columns], [lowest * rows, lowest * columns])
        with_bias = call_data(
            "product", [rows, depth, columns], [lowest * rows, lowest * columns, bias * columns]
        )
        count = rows * columns
        assert call("product", data, kernel=kernel).output == (
            struct.pack("<i", depth * 2**14) * count
        )
        assert call("product", with_bias, kernel=kernel).output == (
            struct.pack("<i", 2**31 - 1) * count
        )


@pytest.mark.parametrize("depth", [1, 100, 131_071])
def test_a_bias_beyond_the_bound_is_refused(depth: int) -> None:
    bound = 2**31 - 1 - depth * 2**14
    numbers = [bytes(depth), bytes(depth)]
    for bias in (bound, -bound):
        data = call_data("product", [1, depth, 1], [*numbers, struct.pack("<i", bias)])
        assert agreed("product", data) is not None
        beyond = bias + (1 if bias > 0 else -1)
        data = call_data("product", [1, depth, 1], [*numbers, struct.pack("<i", beyond)])
        assert agreed("product", data) is None
    data = call_data("product", [1, 131_072, 1], [bytes(131_072)] * 2)
    assert agreed("product", data) is None


# ---- operands in codes

FIRST, SECOND = Address(b"\x01" * 20), Address(b"\x02" * 20)


def test_operands_lie_in_codes_one_behind_the_other() -> None:
    weights = random.Random(1).randbytes(40)
    codes = {FIRST: b"\0" + weights[:17], SECOND: b"\0" + weights[17:]}
    references = [Reference(at, keccak(code)) for at, code in codes.items()]
    by_code = call_data("product", [1, 20, 2, 0], [b"\3" * 20, constant(0)], references)
    inline = call_data("product", [1, 20, 2, 0], [b"\3" * 20, weights])
    assert agreed("product", by_code, codes) == agreed("product", inline)
    behind = call_data("product", [1, 20, 2, 0], [b"\3" * 20, constant(1)], references)
    assert agreed("product", behind, codes) is None


@pytest.mark.parametrize(
    "codes",
    [
        {},
        {FIRST: b"\0" + bytes(39) + b"\1"},  # another code
        {FIRST: b""},
    ],
)
def test_a_code_that_is_not_the_one_that_is_meant_is_refused(codes: dict[Address, bytes]) -> None:
    meant = b"\0" + bytes(40)
    data = call_data(
        "product", [1, 20, 2], [bytes(20), constant(0)], [Reference(FIRST, keccak(meant))]
    )
    assert agreed("product", data, {FIRST: meant}) is not None
    assert agreed("product", data, codes) is None


@pytest.mark.parametrize("code", [b"", b"\x5b" + bytes(40)])
def test_a_code_that_may_run_holds_no_data(code: bytes) -> None:
    references = [Reference(FIRST, keccak(code))]
    data = call_data("product", [1, 20, 2], [bytes(20), constant(0)], references)
    assert agreed("product", data, {FIRST: code}) is None


# ---- what callers get wrong


def test_less_gas_than_it_costs_fails() -> None:
    data = call_data("clip", [1, 0, 1], [b"\0"])
    price = call("clip", data).gas_used
    assert call("clip", data, gas=price).gas_used == price
    with pytest.raises(PrecompileFailure):
        call("clip", data, gas=price - 1)


@pytest.mark.parametrize("gas", [-1, 1 << 63, 1.5, None, True])
def test_gas_that_no_call_can_have_is_refused(gas: Any) -> None:
    with pytest.raises(InputError, match="gas is from 0 to 9223372036854775807, not"):
        call("clip", call_data("clip", [1, 0, 1], [b"\0"]), gas=gas)


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda code: None, lambda code: "code"])
def test_what_is_no_bytes_is_refused(kind: Any) -> None:
    code = b"\0" + bytes(40)
    data = call_data(
        "product", [1, 20, 2], [bytes(20), constant(0)], [Reference(FIRST, keccak(code))]
    )
    with pytest.raises(InputError, match="a code is bytes, not"):
        call("product", data, {FIRST: kind(code)})
    with pytest.raises(InputError, match="the data is bytes, not"):
        call("product", kind(data), {FIRST: code})


def test_the_native_call_checks_what_it_is_given() -> None:
    code = bytearray(41)
    data = call_data(
        "product", [1, 20, 2], [bytes(20), constant(0)], [Reference(FIRST, keccak(bytes(code)))]
    )
    known: Any = {FIRST: (code, keccak(bytes(code)))}
    opcode = inference.OPCODES["product"]
    assert native.call(opcode, data, known, 10**9) is None
    for wrong in (32, 32 + opcode, 255):
        with pytest.raises(ValueError, match="an opcode is less than 32"):
            native.capsule(wrong)
        with pytest.raises(ValueError, match="an opcode is less than 32"):
            native.call(wrong, data, {}, 10**9)


def test_what_does_not_fit_a_header_is_said() -> None:
    with pytest.raises(InputError, match="the instructions are product, convolution"):
        call("divide", b"")
    with pytest.raises(InputError, match=r"clip: parameters .*4294967296"):
        call_data("clip", [1, 0, 1 << 32], [b"\0"])
    with pytest.raises(InputError, match="do not fit a header"):
        call_data("clip", [0] * 17, [At(1)])


def test_a_kernel_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="kernels plain"):
        call("clip", b"", kernel="abacus")


def test_addresses_end_in_the_opcode() -> None:
    assert {at[-1] for at in ADDRESSES.values()} == set(inference.OPCODES.values())
