"""EIP-2537 (Prague): operations on BLS12-381 at 0x0b to 0x11, their prices and what they refuse."""

from __future__ import annotations

import pytest
from tests.eips.precompiles import exact_answer
from tests.eips.rules import before, since

G1ADD, G1MSM, G2ADD, G2MSM, PAIRING, MAP_FP, MAP_FP2 = range(0x0B, 0x12)
P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
Q = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
# The generators, as the EIP has them.
H1 = (
    0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
    0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
)
H2 = (
    0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
    0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
    0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
    0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
)
FORKS = since("prague")


def point(*coordinates: int) -> bytes:
    """Coordinates as the precompiles read them: 64 bytes each."""
    return b"".join(each.to_bytes(64, "big") for each in coordinates)


def scalar(number: int) -> bytes:
    return number.to_bytes(32, "big")


ONE, MINUS_ONE = point(*H1), point(H1[0], P - H1[1])
ONE_2, MINUS_ONE_2 = point(*H2), point(*H2[:2], P - H2[2], P - H2[3])
ZERO, ZERO_2 = bytes(128), bytes(256)
ODD = point(0, 2)  # on the curve, of order 3: not in the group
TRUE, FALSE = scalar(1), scalar(0)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("number", "data", "price", "output"),
    [
        (G1ADD, ONE + ZERO, 375, ONE),
        (G1ADD, ZERO + ONE, 375, ONE),
        (G1ADD, ONE + MINUS_ONE, 375, ZERO),
        (G1ADD, ZERO + ZERO, 375, ZERO),
        (G1ADD, ODD + ODD, 375, point(0, P - 2)),  # an addition asks for no more than the curve
        (G2ADD, ONE_2 + ZERO_2, 600, ONE_2),
        (G2ADD, ONE_2 + MINUS_ONE_2, 600, ZERO_2),
        (G1MSM, ONE + scalar(1), 12_000, ONE),
        (G1MSM, ONE + scalar(0), 12_000, ZERO),
        (G1MSM, ONE + scalar(Q), 12_000, ZERO),
        (G1MSM, ONE + scalar(Q + 1), 12_000, ONE),
        (G1MSM, ONE + scalar(Q - 1), 12_000, MINUS_ONE),
        (G1MSM, ONE + scalar(5) + ONE + scalar(Q - 4), 22_776, ONE),  # 2 * 12,000 * 949 / 1,000
        (G1MSM, (ZERO + scalar(1)) * 2 + ONE + scalar(1), 30_528, ONE),  # * 848
        (G2MSM, ONE_2 + scalar(Q + 1), 22_500, ONE_2),
        (G2MSM, ONE_2 + scalar(5) + ONE_2 + scalar(Q - 4), 45_000, ONE_2),  # no discount for two
        (G2MSM, (ZERO_2 + scalar(1)) * 3, 62_302, ZERO_2),  # 3 * 22,500 * 923 / 1,000, cut off
        (PAIRING, ZERO + ZERO_2, 70_300, TRUE),  # 37,700 + 32,600
        (PAIRING, ONE + ZERO_2, 70_300, TRUE),
        (PAIRING, ONE + ONE_2, 70_300, FALSE),
        (PAIRING, ONE + ONE_2 + MINUS_ONE + ONE_2, 102_900, TRUE),
        (PAIRING, ONE + MINUS_ONE_2 + ONE + ONE_2, 102_900, TRUE),
        (PAIRING, ONE + ONE_2 + ONE + ONE_2, 102_900, FALSE),
    ],
)
def test_prices_and_properties(
    fork: str, number: int, data: bytes, price: int, output: bytes
) -> None:
    answer = exact_answer(fork, number, data)
    assert (answer.succeeded, answer.gas, answer.output) == (True, price, output)
    short = exact_answer(fork, number, data, given=price - 1)
    assert (short.succeeded, short.gas) == (False, price - 1)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("number", "group", "pair", "price", "size"),
    [(MAP_FP, G1MSM, 64, 5_500, 128), (MAP_FP2, G2MSM, 128, 23_800, 256)],
)
@pytest.mark.parametrize("element", [0, 1, P - 1])
def test_a_field_element_is_mapped_into_the_group(
    fork: str, number: int, group: int, pair: int, price: int, size: int, element: int
) -> None:
    answer = exact_answer(fork, number, element.to_bytes(64, "big").rjust(pair, b"\0"))
    assert (answer.succeeded, answer.gas, len(answer.output)) == (True, price, size)
    # A sum checks that it is in the group; the group's order takes it to infinity.
    assert exact_answer(fork, group, answer.output + scalar(Q)).output == bytes(size)
    assert exact_answer(fork, group, answer.output + scalar(1)).output == answer.output


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("pair", "number", "price", "zero"),
    [(160, G1MSM, 12_000, ZERO), (288, G2MSM, 22_500, ZERO_2)],
)
@pytest.mark.parametrize("count", [128, 129])
def test_discounts_end_at_128_pairs(
    fork: str, pair: int, number: int, price: int, zero: bytes, count: int
) -> None:
    discount = {G1MSM: 519, G2MSM: 524}[number]
    answer = exact_answer(fork, number, bytes(pair * count))
    assert (answer.gas, answer.output) == (count * price * discount // 1_000, zero)


WRONG = {
    "addition of nothing": (G1ADD, b""),
    "addition, a byte short": (G1ADD, (ONE + ONE)[:-1]),
    "addition, a byte too long": (G1ADD, ONE + ONE + b"\0"),
    "addition off the curve": (G1ADD, ONE + point(H1[0], H1[1] ^ 1)),
    "addition of what is no field element": (G1ADD, ONE + point(H1[0] + P, H1[1])),
    "addition, high bytes not zero": (G1ADD, b"\x01" + (ONE + ONE)[1:]),
    "addition in G2, a byte short": (G2ADD, (ONE_2 + ONE_2)[:-1]),
    "addition in G2 off the curve": (G2ADD, ONE_2 + point(*H2[:3], H2[3] ^ 1)),
    "sum of nothing": (G1MSM, b""),
    "sum, a byte too long": (G1MSM, ONE + scalar(1) + b"\0"),
    "sum outside the group": (G1MSM, ODD + scalar(3)),
    "sum outside the group by zero": (G1MSM, ODD + scalar(0)),
    "sum in G2 of nothing": (G2MSM, b""),
    "sum in G2, a byte short": (G2MSM, (ONE_2 + scalar(1))[:-1]),
    "pairing of nothing": (PAIRING, b""),
    "pairing, a byte too long": (PAIRING, ONE + ONE_2 + b"\0"),
    "pairing outside the group": (PAIRING, ODD + ZERO_2),
    "pairing off the curve": (PAIRING, ONE + point(*H2[:3], H2[3] ^ 1)),
    "mapping of nothing": (MAP_FP, b""),
    "mapping of what is no field element": (MAP_FP, P.to_bytes(64, "big")),
    "mapping, a byte too long": (MAP_FP, bytes(65)),
    "mapping to G2 of one element": (MAP_FP2, bytes(64)),
    "mapping to G2 of what is no field element": (MAP_FP2, bytes(64) + P.to_bytes(64, "big")),
}


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_takes_all_gas(fork: str, name: str) -> None:
    answer = exact_answer(fork, *WRONG[name], given=1_000_000)
    assert (answer.succeeded, answer.gas, answer.output) == (False, 1_000_000, b"")


@pytest.mark.parametrize("number", range(0x0B, 0x12))
def test_before_it_the_address_was_an_empty_account(number: int) -> None:
    for fork in before("prague")[-2:]:
        answer = exact_answer(fork, number, ONE + ZERO)
        assert (answer.succeeded, answer.gas, answer.output) == (True, 2_500, b"")  # a cold account
