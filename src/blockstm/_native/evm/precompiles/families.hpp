// What the files of this folder say to each other. Each precompile has a function that says its gas and
// one that runs it, charged already. Not for callers outside: they use precompiles.hpp.
#pragma once

#include "evm/precompiles/precompiles.hpp"

namespace blockstm::evm {

// More gas than any call has: the input is refused.
inline constexpr int64_t REFUSED = INT64_MAX;

using PrecompileGas = int64_t(Fork fork, Span input) noexcept;
using PrecompileRun = PrecompileStatus(Span input, Bytes& output) noexcept;

PrecompileGas ecrecover_gas, p256verify_gas;                                              // signatures.cpp
PrecompileGas sha256_gas, ripemd160_gas, identity_gas, blake2f_gas;                       // hashes.cpp
PrecompileGas modexp_gas;                                                                 // modexp.cpp
PrecompileGas bn254_add_gas, bn254_mul_gas, bn254_pairing_gas;                            // bn254.cpp
PrecompileGas point_evaluation_gas;                                             // point_evaluation.cpp
PrecompileGas bls12_g1add_gas, bls12_g2add_gas, bls12_pairing_gas, bls12_map_fp_to_g1_gas,
    bls12_map_fp2_to_g2_gas;                                                           // bls12_381.cpp
PrecompileGas bls12_g1msm_gas, bls12_g2msm_gas;                                         // bls12_msm.cpp

PrecompileRun run_ecrecover, run_p256verify;
PrecompileRun run_sha256, run_ripemd160, run_identity, run_blake2f;
PrecompileRun run_modexp;
PrecompileRun run_bn254_add, run_bn254_mul, run_bn254_pairing;
PrecompileRun run_point_evaluation;
PrecompileRun run_bls12_g1add, run_bls12_g2add, run_bls12_pairing, run_bls12_map_fp_to_g1,
    run_bls12_map_fp2_to_g2;
PrecompileRun run_bls12_g1msm, run_bls12_g2msm;

// Copies `size` bytes of `input` from `offset`; beyond its end the input is zeros without end.
inline void read_input(Span input, uint64_t offset, uint8_t* out, uint64_t size) noexcept {
    const uint64_t there = offset < input.size ? input.size - offset : 0;
    const uint64_t copied = there < size ? there : size;
    if (copied != 0) std::memcpy(out, input.data + offset, copied);
    if (copied != size) std::memset(out + copied, 0, size - copied);
}

inline bool is_zero(const uint8_t* bytes, uint64_t size) noexcept {
    uint8_t seen = 0;
    for (uint64_t place = 0; place < size; ++place) seen |= bytes[place];
    return seen == 0;
}

// Makes the output `size` zeros.
inline bool zeros(Bytes& output, uint64_t size) noexcept {
    if (!output.resize(size)) return false;
    std::memset(output.data(), 0, size);
    return true;
}

// The output of a check: the number one or zero as a word.
inline PrecompileStatus answer(Bytes& output, bool yes) noexcept {
    if (!zeros(output, 32)) return PrecompileStatus::NoMemory;
    output[31] = yes;
    return PrecompileStatus::Success;
}

}  // namespace blockstm::evm
