# distutils: sources = src/blockstm/_native/evm/precompiles/precompiles.cpp src/blockstm/_native/evm/precompiles/signatures.cpp src/blockstm/_native/evm/precompiles/hashes.cpp src/blockstm/_native/evm/precompiles/modexp.cpp src/blockstm/_native/evm/precompiles/bn254.cpp src/blockstm/_native/evm/precompiles/bls12_381.cpp src/blockstm/_native/evm/precompiles/bls12_msm.cpp src/blockstm/_native/evm/precompiles/point_evaluation.cpp src/blockstm/_native/crypto/p256.cpp src/blockstm/_native/crypto/bn254.cpp src/blockstm/_native/crypto/bn254_pairing.cpp src/blockstm/_native/crypto/keccak.cpp src/blockstm/_native/crypto/sha256.cpp src/blockstm/_native/crypto/ripemd160.cpp src/blockstm/_native/crypto/blake2f.cpp src/blockstm/_native/crypto/secp256k1/recovery.cpp src/blockstm/_native/crypto/secp256k1/recovery_lanes.cpp src/blockstm/_native/crypto/secp256k1/recovery_plain.cpp src/blockstm/_native/crypto/secp256k1/generator.cpp src/blockstm/_native/crypto/secp256k1/scalars.cpp
"""Precompiles called on their own, for tests and measurements. The libraries must be loaded first
(``blockstm.vm.evm.libraries``). Safe from any thread; works without the GIL."""
from libc.stdint cimport int64_t, uint8_t

from blockstm._native.base.bytes cimport Bytes, Span
from blockstm._native.crypto.libraries cimport shared_libraries, use_libraries
from blockstm._native.evm.forks.tables cimport Fork, fork_of

cdef extern from "evm/precompiles/precompiles.hpp" namespace "blockstm::evm" nogil:
    cdef enum class PrecompileStatus(uint8_t):
        Success
        Failure
        Reverted
        NoMemory
        Unavailable
        Raised

    cppclass RunResults:
        pass

    PrecompileStatus run_precompile(
        Fork fork, int number, Span input, int64_t& gas_left, Bytes& output, const RunResults& known
    ) noexcept

STATUSES = {
    <int>PrecompileStatus.Success: "success",
    <int>PrecompileStatus.Failure: "failure",
    <int>PrecompileStatus.Reverted: "reverted",
    <int>PrecompileStatus.NoMemory: "no memory",
    <int>PrecompileStatus.Unavailable: "unavailable",
    <int>PrecompileStatus.Raised: "raised",
}

use_libraries(shared_libraries())


def call(fork: str, number: int, data: bytes, gas: int) -> tuple[str, int, bytes]:
    """Run a precompile: a word of `STATUSES`, the gas that is left, and the output."""
    cdef Fork at = fork_of(fork)
    cdef int which = number
    cdef Span input
    cdef Bytes output
    cdef int64_t gas_left = gas
    cdef RunResults nothing
    cdef PrecompileStatus status
    input.data = data
    input.size = len(data)
    with nogil:
        status = run_precompile(at, which, input, gas_left, output, nothing)
    return STATUSES[<int>status], gas_left, (<const char*>output.data())[: output.size()]
