"""Precompiles: which fork has which, their gas, the official vectors, and the plain ones."""

from __future__ import annotations

import hashlib
import json
import tarfile
from functools import cache
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bls12_381 as bls
from tests.evm.precompile_inputs import (
    BLAKE2F,
    BLS_PAIRING,
    BN254_ADD,
    BN254_MUL,
    BN254_PAIRING,
    ECRECOVER,
    FAILURE,
    G1ADD,
    G1MSM,
    G2ADD,
    G2MSM,
    IDENTITY,
    MAP_FP,
    MAP_FP2,
    MODEXP,
    P256VERIFY,
    POINT_EVALUATION,
    RIPEMD160,
    SHA256,
    bls_g1,
    bls_g2,
    call,
    words,
)
from tests.fixtures import fixtures
from tests.keys import Key

from blockstm._native.crypto.hashes import keccak256
from blockstm._native.evm.added.precompiles import number_at
from blockstm._native.evm.forks.tables import FORKS

LAST = {
    **dict.fromkeys(("frontier", "homestead", "tangerine_whistle", "spurious_dragon"), 4),
    **dict.fromkeys(("byzantium", "constantinople", "petersburg"), 8),
    **dict.fromkeys(("istanbul", "berlin", "london", "paris", "shanghai"), 9),
    "cancun": 10,
    **dict.fromkeys(("prague", "osaka", "amsterdam"), 17),
}

# ---- which fork has which


@pytest.mark.parametrize("fork", FORKS)
def test_a_fork_has_the_precompiles_of_its_specification(fork: str) -> None:
    there = [
        number
        for number in range(0x200)
        if number_at(fork, number.to_bytes(20, "big")) == number != 0
    ]
    p256 = [P256VERIFY] if fork in ("osaka", "amsterdam") else []
    assert there == [*range(1, LAST[fork] + 1), *p256]


@pytest.mark.parametrize("place", range(18))
def test_an_address_whose_high_bytes_are_not_zero_is_no_precompile(place: int) -> None:
    address = bytearray((1).to_bytes(20, "big"))
    address[place] = 1
    assert number_at("osaka", bytes(address)) == 0


def test_a_precompile_of_a_later_fork_does_not_run() -> None:
    assert call(BLAKE2F, bytes(213), "petersburg").status == "unavailable"


# ---- gas

PAIR = bls_g1(bls.G1) + bls_g2(bls.G2)
G1_TERM = bls_g1(bls.G1) + words(2)
G2_TERM = bls_g2(bls.G2) + words(2)

GAS = [
    (ECRECOVER, b"", "frontier", 3000),
    (SHA256, b"", "frontier", 60),
    (SHA256, bytes(33), "osaka", 60 + 2 * 12),
    (RIPEMD160, bytes(32), "frontier", 600 + 120),
    (IDENTITY, bytes(65), "frontier", 15 + 3 * 3),
    (BN254_ADD, b"", "byzantium", 500),
    (BN254_ADD, b"", "istanbul", 150),
    (BN254_MUL, b"", "petersburg", 40_000),
    (BN254_MUL, b"", "istanbul", 6000),
    (BN254_PAIRING, bytes(384), "byzantium", 260_000),
    (BN254_PAIRING, b"", "byzantium", 100_000),
    (BN254_PAIRING, bytes(384), "istanbul", 113_000),
    (BLAKE2F, b"\0\0\1\0" + bytes(209), "istanbul", 256),
    (G1ADD, bytes(256), "prague", 375),
    (G1MSM, G1_TERM, "prague", 12_000),
    (G1MSM, G1_TERM * 2, "prague", 2 * 12 * 949),
    (G1MSM, G1_TERM * 128, "prague", 128 * 12 * 519),
    (G1MSM, G1_TERM * 130, "prague", 130 * 12 * 519),
    (G2ADD, bytes(512), "prague", 600),
    (G2MSM, G2_TERM, "prague", 22_500),
    (G2MSM, G2_TERM * 3, "prague", 3 * 22_500 * 923 // 1000),
    (G2MSM, G2_TERM * 129, "prague", 129 * 22_500 * 524 // 1000),
    (BLS_PAIRING, PAIR, "prague", 37_700 + 32_600),
    (BLS_PAIRING, PAIR * 3, "prague", 37_700 + 3 * 32_600),
    (MAP_FP, bytes(64), "prague", 5500),
    (MAP_FP2, bytes(128), "prague", 23_800),
    (P256VERIFY, b"", "osaka", 6900),
]


@pytest.mark.parametrize(("number", "data", "fork", "gas"), GAS)
def test_gas(number: int, data: bytes, fork: str, gas: int) -> None:
    assert call(number, data, fork)[:2] == ("success", gas)
    assert call(number, data, fork, gas=gas)[:2] == ("success", gas)
    assert call(number, data, fork, gas=gas - 1) == ("failure", gas - 1, b"")


# ---- the official vectors

NUMBERS = {
    "add_G1": G1ADD,
    "add_G2": G2ADD,
    "mul_G1": G1MSM,
    "mul_G2": G2MSM,
    "msm_G1": G1MSM,
    "msm_G2": G2MSM,
    "pairing_check": BLS_PAIRING,
    "map_fp_to_G1": MAP_FP,
    "map_fp2_to_G2": MAP_FP2,
    "secp256r1": P256VERIFY,
}
VECTOR_FILES = (
    *(f"prague/eip2537_bls_12_381_precompiles/vectors/{name}_bls.json" for name in (
        "add_G1", "add_G2", "mul_G1", "mul_G2", "msm_G1", "pairing_check",
        "map_fp_to_G1", "map_fp2_to_G2",
        "fail-add_G1", "fail-add_G2", "fail-mul_G1", "fail-mul_G2", "fail-msm_G1", "fail-msm_G2",
        "fail-pairing_check", "fail-map_fp_to_G1", "fail-map_fp2_to_G2",
    )),
    *(f"osaka/eip7951_p256verify_precompiles/vectors/secp256r1_{name}.json" for name in (
        "k_and_s", "modified_r_s", "public_key", "shamir_multiplication", "signature_specific",
        "small_large_r_s", "special_case_hash", "special_case_r_s", "special_points", "u1_u2",
    )),
)  # fmt: skip


@cache
def vectors() -> dict[str, Any]:
    """The vectors of each file of the archive."""
    with tarfile.open(fixtures() / "precompile-vectors.tar.xz") as archive:
        return {
            member.name.partition("/")[2]: json.load(archive.extractfile(member) or archive)
            for member in archive
            if member.name.endswith(".json")
        }


def from_hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("file", VECTOR_FILES)
def test_official_vectors(file: str) -> None:
    name = file.rpartition("/")[2].removeprefix("fail-")
    [number] = [number for start, number in NUMBERS.items() if name.startswith(start)]
    assert vectors()[file]
    for vector in vectors()[file]:
        done = call(number, from_hex(vector["Input"]))
        if "ExpectedError" in vector:
            assert done == FAILURE, vector["Name"]
        else:
            expected = ("success", vector["Gas"], from_hex(vector["Expected"]))
            assert done == expected, vector["Name"]


def test_official_modexp_vectors() -> None:
    folder = "osaka/eip7883_modexp_gas_increase/vector"
    for vector in vectors()[f"{folder}/legacy.json"]:
        done = call(MODEXP, from_hex(vector["Input"]))
        assert (done.status, done.output.hex()) == ("success", vector["Expected"]), vector["Name"]
    for vector in vectors()[f"{folder}/vectors.json"]:
        data, expected = from_hex(vector["Input"]), from_hex(vector["Expected"])
        berlin = call(MODEXP, data, "berlin")
        assert berlin == ("success", vector["GasOld"], expected), vector["Name"]
        osaka = call(MODEXP, data, "osaka")
        assert osaka == ("success", vector["GasNew"], expected), vector["Name"]


def test_official_kzg_vectors() -> None:
    file = "cancun/eip4844_blobs/point_evaluation_vectors/go_kzg_4844_verify_kzg_proof.json"
    field = 52435875175126190479447740508185965837690552500527637822603658699938581184513
    right = 0
    for vector in vectors()[file]:
        parts = {name: from_hex(text) for name, text in vector["input"].items()}
        versioned_hash = b"\1" + hashlib.sha256(parts["commitment"]).digest()[1:]
        data = b"".join([versioned_hash, *map(parts.get, ("z", "y", "commitment", "proof"))])
        expected = ("success", 50_000, words(4096, field)) if vector["output"] else FAILURE
        assert call(POINT_EVALUATION, data, "cancun") == expected, vector["name"]
        if vector["output"]:
            right += 1
            assert call(POINT_EVALUATION, b"\2" + data[1:]) == FAILURE
            assert call(POINT_EVALUATION, data[:-1]) == FAILURE
            assert call(POINT_EVALUATION, data + b"\0") == FAILURE
    assert right > 2


# ---- the hashes


@given(st.binary(max_size=300))
def test_hashes(data: bytes) -> None:
    assert call(SHA256, data).output == hashlib.sha256(data).digest()
    assert call(RIPEMD160, data).output == bytes(12) + hashlib.new("ripemd160", data).digest()
    assert call(IDENTITY, data).output == data


def blake2f_input(rounds: int, final: bytes = b"\1") -> bytes:
    """The input of EIP-152's test vectors: BLAKE2b of "abc"."""
    state = bytearray(
        b"".join(
            number.to_bytes(8, "little")
            for number in (
                0x6A09E667F3BCC908 ^ 0x01010040, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B,
                0xA54FF53A5F1D36F1, 0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B,
                0x5BE0CD19137E2179,
            )
        )
    )  # fmt: skip
    message = b"abc".ljust(128, b"\0")
    return (
        rounds.to_bytes(4, "big") + state + message + words(0)[:16].replace(b"\0", b"\3", 1) + final
    )


def test_blake2f() -> None:
    assert call(BLAKE2F, blake2f_input(12)).output == hashlib.blake2b(b"abc").digest()
    first_rounds = {
        0: "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b",
        1: "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fb"
        "a551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421",
    }
    for rounds, expected in first_rounds.items():
        assert call(BLAKE2F, blake2f_input(rounds)).output.hex() == expected
    not_final = call(BLAKE2F, blake2f_input(12, b"\0")).output.hex()
    assert not_final.startswith("75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d28752")


@pytest.mark.parametrize(
    "data",
    [b"", blake2f_input(12)[:-1], blake2f_input(12) + b"\0", blake2f_input(12, b"\2")],
    ids=["empty", "short", "long", "final is 2"],
)
def test_blake2f_refuses(data: bytes) -> None:
    assert call(BLAKE2F, data) == FAILURE


def test_blake2f_without_the_gas_for_its_rounds_does_not_run() -> None:
    assert call(BLAKE2F, blake2f_input(2**32 - 1), gas=2**32 - 2).status == "failure"


# ---- ECRECOVER

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@given(st.binary(min_size=32, max_size=32), st.integers(1, ORDER - 1))
def test_ecrecover_finds_the_signer(message_hash: bytes, secret: int) -> None:
    key = Key(secret.to_bytes(32, "big"))
    r, s, parity = key.sign(message_hash)
    data = message_hash + words(27 + parity, r, s)
    assert call(ECRECOVER, data) == ("success", 3000, bytes(12) + key.address)
    assert call(ECRECOVER, data + b"more").output == bytes(12) + key.address


@given(st.binary(min_size=32, max_size=32), st.sampled_from([27, 28]), st.data())
def test_ecrecover_agrees_with_coincurve(message_hash: bytes, v: int, data: st.DataObject) -> None:
    coincurve = pytest.importorskip("coincurve", reason="no wheel for this Python")
    number = st.integers(0, 2**256 - 1) | st.integers(1, 200) | st.integers(ORDER - 3, ORDER + 3)
    r, s = data.draw(number), data.draw(number)
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            words(r, s) + bytes([v - 27]), message_hash, hasher=None
        )
        expected = bytes(12) + keccak256(key.format(compressed=False)[1:])[12:]
    except Exception:  # coincurve raises a bare Exception
        expected = b""
    assert call(ECRECOVER, message_hash + words(v, r, s)) == ("success", 3000, expected)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 27 + 2**8, 28 + 2**8, 27 + 2**255])
def test_ecrecover_knows_two_values_of_v(v: int) -> None:
    assert call(ECRECOVER, words(5, v, 1 << 248 | 7, 1 << 248)) == ("success", 3000, b"")


def test_ecrecover_extends_its_input_by_zeros() -> None:
    full = words(5, 27, 1 << 248 | 7, 1 << 248)
    assert call(ECRECOVER, full.rstrip(b"\0")) == call(ECRECOVER, full)
    assert call(ECRECOVER, full).output != b""


# ---- many threads


def test_threads_do_not_meet() -> None:
    inputs = [
        (BLS_PAIRING, PAIR * 2),
        (G1MSM, G1_TERM * 40),
        (BN254_PAIRING, bytes(192)),
        (MODEXP, words(32, 32, 32, 3, 2**200 + 1, 2**256 - 189)),
        (ECRECOVER, words(5, 27, 1 << 248 | 7, 1 << 248)),
    ]
    expected = [call(*each) for each in inputs]
    wrong: list[Any] = []

    def run() -> None:
        wrong.extend(
            each for _ in range(5) for each, want in zip(inputs, expected, strict=True)
            if call(*each) != want
        )  # fmt: skip

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
