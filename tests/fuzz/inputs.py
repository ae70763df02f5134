"""Inputs of precompiles: right ones, and from them ones that are nearly right."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from tests.fuzz.boundaries import word
from tests.fuzz.choices import Choices

from blockstm.ethereum.codecs.hashing import keccak

Input = Callable[[Choices], bytes]

_BN_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_BN_N = 21888242871839275222246405745257275088548364400416034343698204186575808495617
_BN_POINTS = (
    (0, 0),
    (1, 2),
    (1, _BN_P - 2),
    (1, 3),
    (_BN_P, 0),
    (
        1368015179489954701390400359078579693043519447331113978918064868415326638035,
        9918110051302171585080402603319702774565515993150576347155970296011118125764,
    ),
)
_BN_G2 = (
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
    4082367875863433681332203403145435568316851327593401208105741076214120093531,
    8495653923123431417604973247489272438418190587263600148770280649306958101930,
)
_P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BLS_P = (
    0x1A0111EA397FE69A4B1BA7B6434BACD7 << 256
    | 0x64774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
)
_BLS_G1 = bytes.fromhex(  # the generator: x, y
    "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
)
_BLS_G2 = bytes.fromhex(  # the generator: both parts of x, both of y
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
)
_RECOVERABLE = bytes.fromhex(  # hash, v, r, s of one signature
    "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
    "000000000000000000000000000000000000000000000000000000000000001c"
    "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
    "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada"
)


def _words(*numbers: int, size: int = 32) -> bytes:
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def _recover(choices: Choices) -> bytes:
    if choices.chance(60):
        return _RECOVERABLE
    numbers = [word(choices), choices.pick((27, 28, 0, 1, 29)), word(choices), word(choices)]
    return _words(*numbers)


def _anything(choices: Choices) -> bytes:
    return choices.data(choices.pick((0, 1, 32, 55, 56, 64, 119, 120, 136, 200)))


def _modexp(choices: Choices) -> bytes:
    sizes = [choices.pick((0, 1, 2, 8, 31, 32, 33, 40, 64)) for _ in range(3)]
    if choices.chance(5):
        sizes[choices.number(0, 2)] = choices.pick((1024, 1025, 2**32, 2**64, 2**255))
    body = b"".join(choices.data(size) for size in sizes if size <= 64)
    if choices.chance(20):
        body = body[: -sizes[2] or None] + bytes(sizes[2] if sizes[2] <= 64 else 0)  # modulus 0
    return _words(*sizes) + body


def _bn_point(choices: Choices) -> bytes:
    return _words(*choices.pick(_BN_POINTS))


def _bn_scalar(choices: Choices) -> int:
    return choices.pick((0, 1, 2, _BN_N - 1, _BN_N, _BN_N + 1, 2**256 - 1, word(choices)))


def _bn_add(choices: Choices) -> bytes:
    return _bn_point(choices) + _bn_point(choices)


def _bn_mul(choices: Choices) -> bytes:
    return _bn_point(choices) + _words(_bn_scalar(choices))


def _bn_pairing(choices: Choices) -> bytes:
    zero_of_g2 = bytes(128)
    pairs = (_bn_point(choices) + choices.pick((_words(*_BN_G2), zero_of_g2)) for _ in range(2))
    return b"".join(list(pairs)[: choices.pick((0, 1, 2))])


def _blake2f(choices: Choices) -> bytes:
    rounds = choices.pick((0, 1, 12, 300))
    state = choices.data(64) + choices.data(128) + choices.data(16)
    return rounds.to_bytes(4, "big") + state + bytes([choices.pick((0, 1, 2))])


def _point_evaluation(choices: Choices) -> bytes:
    infinity = bytes([0xC0]) + bytes(47)  # the commitment to the polynomial 0, and its proof
    commitment = infinity if choices.chance(90) else choices.data(48)
    hash_of_it = b"\x01" + sha256(commitment).digest()[1:]
    z = choices.pick((0, 1, 2**254, 2**255))
    y = choices.pick((0, 0, 0, 1))
    return hash_of_it + _words(z, y) + commitment + infinity


def _fields(numbers: bytes) -> list[int]:
    """Numbers of 48 bytes."""
    return [int.from_bytes(numbers[at : at + 48], "big") for at in range(0, len(numbers), 48)]


def _bls_point(choices: Choices, generator: bytes) -> bytes:
    """The generator, its negative, the point at infinity, or what is no point."""
    fields = _fields(generator)
    half = len(fields) // 2
    kind = choices.number(0, 9)
    if kind == 0:
        return bytes(64 * len(fields))
    if kind == 1:
        fields[-1] = choices.pick((_BLS_P, 0, fields[0]))
    elif kind <= 5:
        fields[half:] = [_BLS_P - each for each in fields[half:]]
    return _words(*fields, size=64)


def _bls_g1(choices: Choices) -> bytes:
    return _bls_point(choices, _BLS_G1)


def _bls_g2(choices: Choices) -> bytes:
    return _bls_point(choices, _BLS_G2)


def _bls_msm(point: Input) -> Input:
    def make(choices: Choices) -> bytes:
        pairs = (point(choices) + _words(word(choices)) for _ in range(choices.number(0, 2)))
        return b"".join(pairs)

    return make


def _bls_pairing(choices: Choices) -> bytes:
    return b"".join(_bls_g1(choices) + _bls_g2(choices) for _ in range(choices.number(0, 2)))


def _bls_map(fields: int) -> Input:
    def make(choices: Choices) -> bytes:
        numbers = (choices.pick((0, 1, _BLS_P - 1, _BLS_P, word(choices))) for _ in range(fields))
        return _words(*numbers, size=64)

    return make


def _p256(choices: Choices) -> bytes:
    """A signature by the key 1, whose point is the generator, with the nonce 1."""
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    digest = int.from_bytes(keccak(choices.data(1)), "big")
    r = x % _P256_N
    s = (digest + r) % _P256_N
    if choices.chance(30):
        r = choices.pick((0, _P256_N, r + 1, _P256_N - 1))
    if choices.chance(20):
        y = choices.pick((0, y + 1, 2**256 - 1))
    return _words(digest, r, s, x, y)


INPUTS: dict[int, Input] = {
    0x01: _recover,
    0x02: _anything,
    0x03: _anything,
    0x04: _anything,
    0x05: _modexp,
    0x06: _bn_add,
    0x07: _bn_mul,
    0x08: _bn_pairing,
    0x09: _blake2f,
    0x0A: _point_evaluation,
    0x0B: lambda choices: _bls_g1(choices) + _bls_g1(choices),
    0x0C: _bls_msm(_bls_g1),
    0x0D: lambda choices: _bls_g2(choices) + _bls_g2(choices),
    0x0E: _bls_msm(_bls_g2),
    0x0F: _bls_pairing,
    0x10: _bls_map(1),
    0x11: _bls_map(2),
    0x100: _p256,
}
"""Address → how an input for it is made."""


def precompile_input(choices: Choices, address: int) -> bytes:
    """An input; one in five is cut, lengthened or has a bit changed."""
    made = INPUTS[address](choices)
    if not choices.chance(20):
        return made
    kind = choices.number(0, 2)
    if kind == 0:
        return made[: choices.number(0, len(made))]
    if kind == 1:
        return made + choices.data(choices.number(1, 40))
    changed = bytearray(made)
    if changed:
        changed[choices.number(0, len(changed) - 1)] ^= 1 << choices.number(0, 7)
    return bytes(changed)
