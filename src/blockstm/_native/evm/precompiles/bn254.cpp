// BN254_ADD and BN254_MUL (EIP-196), BN254_PAIRING (EIP-197); gas from Istanbul on by EIP-1108.
#include "crypto/bn254.hpp"

#include "evm/precompiles/families.hpp"

namespace blockstm::evm {

using bn254::G1_SIZE;
using bn254::PAIR_SIZE;
using bn254::PairingCheck;

int64_t bn254_add_gas(Fork fork, Span) noexcept { return fork >= Fork::Istanbul ? 150 : 500; }

int64_t bn254_mul_gas(Fork fork, Span) noexcept { return fork >= Fork::Istanbul ? 6000 : 40000; }

int64_t bn254_pairing_gas(Fork fork, Span input) noexcept {
    const auto pairs = static_cast<int64_t>(input.size / PAIR_SIZE);
    return fork >= Fork::Istanbul ? 45000 + 34000 * pairs : 100000 + 80000 * pairs;
}

PrecompileStatus run_bn254_add(Span input, Bytes& output) noexcept {
    uint8_t points[2 * G1_SIZE];
    read_input(input, 0, points, sizeof points);
    if (!output.resize(G1_SIZE)) return PrecompileStatus::NoMemory;
    const bool done = bn254::add(points, points + G1_SIZE, output.data());
    return done ? PrecompileStatus::Success : PrecompileStatus::Failure;
}

PrecompileStatus run_bn254_mul(Span input, Bytes& output) noexcept {
    uint8_t bytes[G1_SIZE + bn254::WORD_SIZE];
    read_input(input, 0, bytes, sizeof bytes);
    if (!output.resize(G1_SIZE)) return PrecompileStatus::NoMemory;
    const bool done = bn254::multiply(bytes, bytes + G1_SIZE, output.data());
    return done ? PrecompileStatus::Success : PrecompileStatus::Failure;
}

PrecompileStatus run_bn254_pairing(Span input, Bytes& output) noexcept {
    if (input.size % PAIR_SIZE != 0) return PrecompileStatus::Failure;
    const PairingCheck check = bn254::check_pairing(input.data, input.size / PAIR_SIZE);
    if (check == PairingCheck::Refused) return PrecompileStatus::Failure;
    return answer(output, check == PairingCheck::One);
}

}  // namespace blockstm::evm
