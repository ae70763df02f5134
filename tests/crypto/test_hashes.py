"""The native hashes against published vectors and other libraries, at every length near a block."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from Crypto.Hash import RIPEMD160
from Crypto.Hash import keccak as other_keccak

from blockstm._native.crypto import hashes
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak

MASK = (1 << 64) - 1
LENGTHS = [*range(1001), 4095, 4096, 4097, 100_000, 1_000_003]


def expected_keccak(data: bytes) -> bytes:
    digest: bytes = other_keccak.new(digest_bits=256, data=data).digest()
    return digest


def expected_sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def expected_ripemd160(data: bytes) -> bytes:
    digest: bytes = RIPEMD160.new(data).digest()
    return digest


FUNCTIONS: list[tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = [
    (hashes.keccak256, expected_keccak),
    (hashes.sha256, expected_sha256),
    (hashes.sha256_portable, expected_sha256),
    (hashes.ripemd160, expected_ripemd160),
]


@pytest.mark.parametrize(("native", "expected"), FUNCTIONS)
def test_every_length(native: Callable[[bytes], bytes], expected: Callable[[bytes], bytes]) -> None:
    rng = random.Random(3)
    for length in LENGTHS:
        data = rng.randbytes(length)
        assert native(data) == expected(data), length
        assert native(memoryview(bytearray(data))) == expected(data), length


@pytest.mark.parametrize("native", [native for native, _ in FUNCTIONS])
def test_only_bytes_are_hashed(native: Callable[[bytes], bytes]) -> None:
    for wrong in ("text", 3, None, [1, 2]):
        with pytest.raises(TypeError):
            native(wrong)  # type: ignore[arg-type]  # what is tested


def test_published_vectors() -> None:
    """Of the Keccak team's test suite, FIPS 180-4's examples and RIPEMD-160's home page."""
    assert hashes.keccak256(b"").hex() == (
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )
    assert hashes.keccak256(bytes.fromhex("cc")).hex() == (
        "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"
    )
    assert hashes.sha256(b"abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert hashes.ripemd160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    million = b"a" * 1_000_000
    assert hashes.sha256(million).hex() == (
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    )
    assert hashes.ripemd160(million).hex() == "52783243c1697bdbe16d37f97f68f08325dc1528"


def test_pieces_hash_as_the_whole() -> None:
    rng = random.Random(5)
    for _ in range(300):
        data = rng.randbytes(rng.randrange(1000))
        cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(12)))
        edges = [0, *cuts, len(data)]
        pieces = [data[start:end] for start, end in pairwise(edges)]
        assert hashes.keccak256_pieces(pieces) == expected_keccak(data)


@pytest.mark.parametrize("width_max", [1, 4, 8])
def test_many_hash_as_one_by_one(width_max: int) -> None:
    """Messages of many blocks beside empty ones; rows that fill up, run dry, were never full."""
    rng = random.Random(width_max)
    for _ in range(300):
        bound = rng.choice([1, 140, 140, 1500])
        messages = [rng.randbytes(rng.randrange(bound)) for _ in range(rng.randrange(30))]
        expected = [expected_keccak(message) for message in messages]
        assert hashes.keccak256_many(messages, width_max) == expected


@pytest.mark.parametrize("width_max", [1, 4, 8])
def test_every_length_in_every_lane(width_max: int) -> None:
    rng = random.Random(width_max)
    for length in range(1001):
        messages = [rng.randbytes(length) for _ in range(8)]
        expected = [expected_keccak(message) for message in messages]
        assert hashes.keccak256_many(messages, width_max) == expected, length


def test_permutations_for_other_processors_agree() -> None:
    rng = random.Random(13)
    names = hashes.permutations()
    assert names[0] == ("plain", 1)
    for place, (_, width) in enumerate(names):
        for _ in range(20):
            states = [[rng.getrandbits(64) for _ in range(25)] for _ in range(width)]
            expected = [hashes.permute(0, [state])[0] for state in states]
            assert hashes.permute(place, states) == expected


ALONE = [place for place, (_, width) in enumerate(hashes.permutations()) if width == 1]


@pytest.mark.parametrize("place", ALONE)
def test_every_length_on_other_processors(place: int) -> None:
    rng = random.Random(place)
    for length in range(1001):
        data = rng.randbytes(length)
        assert hashes.finish(place, None, data) == expected_keccak(data), length
        state = [rng.getrandbits(64) for _ in range(25)]
        assert hashes.finish(place, state, data) == hashes.finish(0, state, data), length


@pytest.mark.parametrize("place", ALONE)
def test_nothing_around_a_message_is_read(place: int) -> None:
    """It lies at the end of its page, the next one not to be touched; or at the beginning."""
    pages = mmap.mmap(-1, 3 * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    libc = ctypes.CDLL(None, use_errno=True)
    for guard in (start, start + 2 * mmap.PAGESIZE):
        assert libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    middle = memoryview(pages)[mmap.PAGESIZE : 2 * mmap.PAGESIZE]
    middle[:] = random.Random(place).randbytes(mmap.PAGESIZE)
    for length in range(300):
        for piece in (middle[len(middle) - length :], middle[:length]):
            assert hashes.finish(place, None, piece) == expected_keccak(bytes(piece)), length


def test_threads_hash_alike() -> None:
    inputs = [random.Random(seed).randbytes(50_000) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        for native, expected in FUNCTIONS:
            assert list(pool.map(native, inputs)) == [expected(data) for data in inputs]


def test_ethereum_hashes_with_it() -> None:
    assert keccak(b"\x80") == EMPTY_TRIE_ROOT


BLAKE2B_START = [
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
]


def blake2b_by_compressions(data: bytes) -> bytes:
    """BLAKE2b with 64 bytes of digest and no key (RFC 7693, section 3.3)."""
    state = list(BLAKE2B_START)
    state[0] ^= 0x01010040
    blocks = [data[start : start + 128] for start in range(0, len(data), 128)] or [b""]
    hashed = 0
    for block in blocks:
        hashed += len(block)
        padded = block.ljust(128, b"\0")
        message = [int.from_bytes(padded[at : at + 8], "little") for at in range(0, 128, 8)]
        final = block is blocks[-1]
        state = list(hashes.blake2f(12, state, message, (hashed & MASK, hashed >> 64), final))
    return b"".join(word.to_bytes(8, "little") for word in state)


def test_blake2b_is_made_of_f() -> None:
    rng = random.Random(9)
    for length in (0, 1, 127, 128, 129, 255, 256, 257, 1000):
        data = rng.randbytes(length)
        assert blake2b_by_compressions(data) == hashlib.blake2b(data).digest(), length


ABC_BLOCK = [0x636261, *[0] * 15]
ABC_STATE = [BLAKE2B_START[0] ^ 0x01010040, *BLAKE2B_START[1:]]


@pytest.mark.parametrize(
    ("rounds", "final", "expected"),
    [  # EIP-152's vectors 4 to 7
        (
            0,
            True,
            "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
            "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b",
        ),
        (
            12,
            True,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
        ),
        (
            12,
            False,
            "75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d28752"
            "98743e7f6d5ea2f2d3e8d226039cd31b4e426ac4f2d3d666a610c2116fde4735",
        ),
        (
            1,
            True,
            "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fb"
            "a551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421",
        ),
    ],
)
def test_compressions_of_eip_152(rounds: int, final: bool, expected: str) -> None:
    state = hashes.blake2f(rounds, ABC_STATE, ABC_BLOCK, (3, 0), final)
    assert b"".join(word.to_bytes(8, "little") for word in state).hex() == expected
