// The curve BN254, also called alt_bn128 (EIP-196: addition and multiplication; EIP-197: pairing), by mcl.
// Gas from Istanbul on by EIP-1108. Coordinates are big-endian words below the field's modulus; the point
// at infinity is written as zeros.
#include <algorithm>

#include "crypto/libraries.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm {
namespace {

constexpr uint64_t WORD = 32;
constexpr uint64_t G1_SIZE = 2 * WORD;
constexpr uint64_t G2_SIZE = 4 * WORD;
constexpr uint64_t PAIR_SIZE = G1_SIZE + G2_SIZE;
constexpr uint64_t PAIRS_AT_ONCE = 16;  // they share the squarings of one Miller loop

constexpr uint8_t MODULUS[WORD] = {0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45,
                                   0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97, 0x81, 0x6a, 0x91, 0x68, 0x71,
                                   0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47};

// mcl has one curve for the whole process, and others may use it.
bool available(const Mcl& mcl) noexcept { return mcl.loaded && mcl.curve() == Mcl::BN_SNARK1; }

// False for a number that is not below the field's modulus; mcl itself would only mask it.
bool read_fp(const Mcl& mcl, const uint8_t* word, MclFp& out) noexcept {
    if (std::memcmp(word, MODULUS, WORD) >= 0) return false;
    uint8_t little[WORD];
    std::reverse_copy(word, word + WORD, little);
    return mcl.fp_set(&out, little, WORD) == 0;
}

void write_fp(const Mcl& mcl, const MclFp& value, uint8_t* word) noexcept {
    mcl.fp_get(word, WORD, &value);
    std::reverse(word, word + WORD);
}

// False for what is no point of the curve. Every point of the curve is in G1.
bool read_g1(const Mcl& mcl, const uint8_t* bytes, MclG1& out) noexcept {
    out = MclG1{};
    if (is_zero(bytes, G1_SIZE)) return true;
    const uint8_t one[1] = {1};
    mcl.fp_set(&out.z, one, 1);
    return read_fp(mcl, bytes, out.x) && read_fp(mcl, bytes + WORD, out.y) && mcl.g1_is_valid(&out);
}

// An element of the quadratic extension comes with its imaginary part first.
bool read_fp2(const Mcl& mcl, const uint8_t* bytes, MclFp2& out) noexcept {
    return read_fp(mcl, bytes, out.c1) && read_fp(mcl, bytes + WORD, out.c0);
}

// False for what is no point of the twisted curve, or one outside the subgroup G2.
bool read_g2(const Mcl& mcl, const uint8_t* bytes, MclG2& out) noexcept {
    out = MclG2{};
    if (is_zero(bytes, G2_SIZE)) return true;
    const uint8_t one[1] = {1};
    mcl.fp_set(&out.z.c0, one, 1);
    return read_fp2(mcl, bytes, out.x) && read_fp2(mcl, bytes + 2 * WORD, out.y) &&
           mcl.g2_is_valid(&out) && mcl.g2_is_valid_order(&out);
}

PrecompileStatus write_g1(const Mcl& mcl, MclG1& point, Bytes& output) noexcept {
    if (!zeros(output, G1_SIZE)) return PrecompileStatus::NoMemory;
    if (mcl.g1_is_zero(&point)) return PrecompileStatus::Success;
    mcl.g1_normalize(&point, &point);
    write_fp(mcl, point.x, output.data());
    write_fp(mcl, point.y, output.data() + WORD);
    return PrecompileStatus::Success;
}

// Multiplies `product` by the pairing, before the final exponentiation, of `count` pairs.
bool pair(const Mcl& mcl, const uint8_t* bytes, uint64_t count, MclGT& product, bool& started) noexcept {
    MclG1 ps[PAIRS_AT_ONCE];
    MclG2 qs[PAIRS_AT_ONCE];
    for (uint64_t place = 0; place < count; ++place, bytes += PAIR_SIZE) {
        if (!read_g1(mcl, bytes, ps[place]) || !read_g2(mcl, bytes + G1_SIZE, qs[place])) return false;
    }
    MclGT here;
    mcl.miller_loop(&here, ps, qs, count);
    if (started) {
        mcl.gt_mul(&product, &product, &here);
    } else {
        product = here;
        started = true;
    }
    return true;
}

}  // namespace

int64_t bn254_add_gas(Fork fork, Span) noexcept { return fork >= Fork::Istanbul ? 150 : 500; }

int64_t bn254_mul_gas(Fork fork, Span) noexcept { return fork >= Fork::Istanbul ? 6000 : 40000; }

int64_t bn254_pairing_gas(Fork fork, Span input) noexcept {
    const auto pairs = static_cast<int64_t>(input.size / PAIR_SIZE);
    return fork >= Fork::Istanbul ? 45000 + 34000 * pairs : 100000 + 80000 * pairs;
}

PrecompileStatus run_bn254_add(Span input, Bytes& output) noexcept {
    const Mcl& mcl = libraries().mcl;
    if (!available(mcl)) return PrecompileStatus::Unavailable;
    uint8_t points[2 * G1_SIZE];
    read_input(input, 0, points, sizeof points);
    MclG1 left, right;
    if (!read_g1(mcl, points, left) || !read_g1(mcl, points + G1_SIZE, right)) {
        return PrecompileStatus::Failure;
    }
    mcl.g1_add(&left, &left, &right);
    return write_g1(mcl, left, output);
}

PrecompileStatus run_bn254_mul(Span input, Bytes& output) noexcept {
    const Mcl& mcl = libraries().mcl;
    if (!available(mcl)) return PrecompileStatus::Unavailable;
    uint8_t bytes[G1_SIZE + WORD], little[WORD];
    read_input(input, 0, bytes, sizeof bytes);
    MclG1 point;
    if (!read_g1(mcl, bytes, point)) return PrecompileStatus::Failure;
    std::reverse_copy(bytes + G1_SIZE, bytes + sizeof bytes, little);
    MclFp scalar;
    mcl.fr_set_mod(&scalar, little, WORD);
    mcl.g1_mul(&point, &point, &scalar);
    return write_g1(mcl, point, output);
}

PrecompileStatus run_bn254_pairing(Span input, Bytes& output) noexcept {
    const Mcl& mcl = libraries().mcl;
    if (!available(mcl)) return PrecompileStatus::Unavailable;
    if (input.size % PAIR_SIZE != 0) return PrecompileStatus::Failure;
    MclGT product;
    bool started = false;
    uint64_t pairs = input.size / PAIR_SIZE;
    for (const uint8_t* bytes = input.data; pairs != 0;) {
        const uint64_t count = std::min(pairs, PAIRS_AT_ONCE);
        if (!pair(mcl, bytes, count, product, started)) return PrecompileStatus::Failure;
        bytes += count * PAIR_SIZE;
        pairs -= count;
    }
    if (started) mcl.final_exp(&product, &product);
    return answer(output, !started || mcl.gt_is_one(&product));
}

}  // namespace blockstm::evm
