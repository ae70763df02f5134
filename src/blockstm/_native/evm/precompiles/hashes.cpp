// SHA256, RIPEMD160 and IDENTITY (Yellow Paper appendix E), priced by the word, and BLAKE2F (EIP-152),
// priced by the round.
#include "crypto/blake2f.hpp"
#include "crypto/ripemd160.hpp"
#include "crypto/sha256.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm {
namespace {

int64_t per_word(int64_t base, int64_t word, Span input) noexcept {
    return base + word * static_cast<int64_t>((input.size + 31) / 32);
}

// BLAKE2F's input: rounds (4 bytes, big-endian), state (64), message (128), offset (16), final (1).
constexpr uint64_t STATE = 4, MESSAGE = 68, OFFSET = 196, FINAL = 212, BLAKE2F_SIZE = 213;

uint32_t blake2f_rounds(Span input) noexcept {
    const uint8_t* in = input.data;
    return uint32_t{in[0]} << 24 | uint32_t{in[1]} << 16 | uint32_t{in[2]} << 8 | in[3];
}

// The words are little-endian, as this machine's are.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace

int64_t sha256_gas(Fork, Span input) noexcept { return per_word(60, 12, input); }
int64_t ripemd160_gas(Fork, Span input) noexcept { return per_word(600, 120, input); }
int64_t identity_gas(Fork, Span input) noexcept { return per_word(15, 3, input); }

int64_t blake2f_gas(Fork, Span input) noexcept {
    if (input.size != BLAKE2F_SIZE || input.data[FINAL] > 1) return REFUSED;
    return blake2f_rounds(input);
}

PrecompileStatus run_sha256(Span input, Bytes& output) noexcept {
    if (!output.resize(32)) return PrecompileStatus::NoMemory;
    sha256(input.data, input.size, output.data());
    return PrecompileStatus::Success;
}

PrecompileStatus run_ripemd160(Span input, Bytes& output) noexcept {
    if (!zeros(output, 32)) return PrecompileStatus::NoMemory;
    ripemd160(input.data, input.size, output.data() + 12);
    return PrecompileStatus::Success;
}

PrecompileStatus run_identity(Span input, Bytes& output) noexcept {
    return output.append(input.data, input.size) ? PrecompileStatus::Success : PrecompileStatus::NoMemory;
}

PrecompileStatus run_blake2f(Span input, Bytes& output) noexcept {
    uint64_t state[8], message[16], offset[2];
    std::memcpy(state, input.data + STATE, sizeof state);
    std::memcpy(message, input.data + MESSAGE, sizeof message);
    std::memcpy(offset, input.data + OFFSET, sizeof offset);
    blake2f(blake2f_rounds(input), state, message, offset, input.data[FINAL] == 1);
    const auto* bytes = reinterpret_cast<const uint8_t*>(state);
    return output.append(bytes, sizeof state) ? PrecompileStatus::Success : PrecompileStatus::NoMemory;
}

}  // namespace blockstm::evm
