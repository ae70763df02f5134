// POINT_EVALUATION (EIP-4844): the polynomial behind a blob's commitment has the value y at z. By blst,
// with one constant of the KZG ceremony (crypto/library_table.cpp).
#include "crypto/libraries.hpp"
#include "crypto/sha256.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm {
namespace {

// The input: versioned hash (32 bytes), z (32), y (32), commitment (48), proof (48).
constexpr uint64_t Z = 32, Y = 64, COMMITMENT = 96, PROOF = 144, SIZE = 192;
constexpr uint8_t VERSIONED_HASH_VERSION_KZG = 1;
constexpr size_t SCALAR_BITS = 255;

// Two words: the number of field elements in a blob, and the modulus of their field.
constexpr uint8_t ANSWER[64] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
    0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
    0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
};

bool hash_matches(Span input) noexcept {
    uint8_t hash[32];
    sha256(input.data + COMMITMENT, PROOF - COMMITMENT, hash);
    hash[0] = VERSIONED_HASH_VERSION_KZG;
    return std::memcmp(hash, input.data, sizeof hash) == 0;
}

bool read_scalar(const Blst& blst, const uint8_t* bytes, BlstScalar& out) noexcept {
    blst.scalar_from_bendian(&out, bytes);
    return blst.scalar_fr_check(&out);
}

bool read_g1(const Blst& blst, const uint8_t* bytes, BlstP1Affine& out) noexcept {
    return blst.p1_uncompress(&out, bytes) == 0 && blst.p1_affine_in_g1(&out);
}

// With C the commitment and W the proof: e(C - y G1 + z W, G2) = e(W, tau G2). That is the equation
// e(C - y G1, G2) = e(W, (tau - z) G2) with both points of G2 constant, so that their lines are too.
bool proof_holds(const Blst& blst, const BlstP1Affine& commitment, const BlstP1Affine& proof,
                 const BlstScalar& z, const BlstScalar& y) noexcept {
    BlstP1 left, term;
    blst.p1_mult(&left, blst.p1_generator(), y.bytes, SCALAR_BITS);
    blst.p1_cneg(&left, true);
    blst.p1_add_or_double_affine(&left, &left, &commitment);
    blst.p1_from_affine(&term, &proof);
    blst.p1_mult(&term, &term, z.bytes, SCALAR_BITS);
    blst.p1_add_or_double(&left, &left, &term);
    blst.p1_cneg(&left, true);
    BlstP1Affine left_affine;
    blst.p1_to_affine(&left_affine, &left);

    if (blst.p1_affine_is_inf(&left_affine) || blst.p1_affine_is_inf(&proof)) {
        return blst.p1_affine_is_inf(&left_affine) && blst.p1_affine_is_inf(&proof);
    }
    BlstFp12 product, other;
    blst.miller_loop_lines(&product, blst.g2_lines, &left_affine);
    blst.miller_loop_lines(&other, blst.setup_lines, &proof);
    blst.fp12_mul(&product, &product, &other);
    blst.final_exp(&product, &product);
    return blst.fp12_is_one(&product);
}

}  // namespace

int64_t point_evaluation_gas(Fork, Span) noexcept { return 50000; }

PrecompileStatus run_point_evaluation(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    if (input.size != SIZE || !hash_matches(input)) return PrecompileStatus::Failure;
    BlstScalar z, y;
    BlstP1Affine commitment, proof;
    if (!read_scalar(blst, input.data + Z, z) || !read_scalar(blst, input.data + Y, y) ||
        !read_g1(blst, input.data + COMMITMENT, commitment) || !read_g1(blst, input.data + PROOF, proof) ||
        !proof_holds(blst, commitment, proof, z, y)) {
        return PrecompileStatus::Failure;
    }
    return output.append(ANSWER, sizeof ANSWER) ? PrecompileStatus::Success : PrecompileStatus::NoMemory;
}

}  // namespace blockstm::evm
