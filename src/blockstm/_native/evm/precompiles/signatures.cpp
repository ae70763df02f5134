// ECRECOVER (Yellow Paper appendix E) and P256VERIFY (EIP-7951). A signature that is
// wrong is no failure of the call: the output is empty.
#include "crypto/p256.hpp"
#include "crypto/secp256k1/recovery.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm {
namespace {

// ECRECOVER's input: hash, v, r, s; P256VERIFY's: hash, r, s, x, y. Words of 32 bytes.
constexpr uint64_t WORD = 32;
constexpr uint64_t V = WORD, R = 2 * WORD;
constexpr uint64_t ECRECOVER_SIZE = 4 * WORD;
constexpr uint64_t P256VERIFY_SIZE = 5 * WORD;
constexpr uint8_t V_EVEN = 27;

}  // namespace

int64_t ecrecover_gas(Fork, Span) noexcept { return 3000; }
int64_t p256verify_gas(Fork, Span) noexcept { return 6900; }

PrecompileStatus run_ecrecover(Span input, Bytes& output) noexcept {
    uint8_t bytes[ECRECOVER_SIZE];
    read_input(input, 0, bytes, sizeof bytes);
    const int parity = bytes[V + WORD - 1] - V_EVEN;
    if (!is_zero(bytes + V, WORD - 1) || parity < 0 || parity > 1) return PrecompileStatus::Success;
    secp256k1::SignatureTask task;
    std::memcpy(task.hash, bytes, sizeof task.hash);
    std::memcpy(task.compact, bytes + R, sizeof task.compact);
    task.parity = static_cast<uint8_t>(parity);
    secp256k1::recover_signature(task);
    if (!task.is_known) return PrecompileStatus::Success;
    if (!zeros(output, WORD)) return PrecompileStatus::NoMemory;
    std::memcpy(output.data() + WORD - sizeof task.address, task.address, sizeof task.address);
    return PrecompileStatus::Success;
}

PrecompileStatus run_p256verify(Span input, Bytes& output) noexcept {
    if (input.size != P256VERIFY_SIZE || !p256_verify(input.data)) return PrecompileStatus::Success;
    return answer(output, true);
}

}  // namespace blockstm::evm
