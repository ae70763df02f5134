// Addition and multiplication of points of BN254; see bn254.hpp. The pairing is in bn254_pairing.cpp.
#include "crypto/bn254.hpp"

#include <cstring>

#include "crypto/bn254_points.hpp"
#include "crypto/endomorphism.hpp"

namespace blockstm::bn254 {
namespace {

// See endomorphism.hpp; (BETA x, y) is a multiple of (x, y).
constexpr ShortVectors SHORT{
    {{0x89d3256894d213e3, 0, 0, 0}},
    {{0x8211bbeb7d4f1128, 0x6f4d8248eeb859fc, 0, 0}},
    {{0xbe4e1541221250b, 0x6f4d8248eeb859fd, 0, 0}},
    {{0x6eb9c714773a6ef3, 0xd91d232ec7e0b3d7, 0x2, 0}},
    {{0xa5e38cfb5eaa26da, 0x7a7bd9d4391eb18d, 0x4ccef014a773d2cf, 0x2}},
    5};
constexpr Fp BETA = Fp::from(
    {{0x5763473177fffffe, 0xd4f263f1acdb5c4f, 0x59e26bcea0d48bac, 0}});

void write(const G1& point, uint8_t out[G1_SIZE]) noexcept {
    if (point.is_infinity()) {
        std::memset(out, 0, G1_SIZE);
        return;
    }
    const Fp inverse = point.z.inverse(), square = inverse.square();
    to_bytes((point.x * square).number(), out);
    to_bytes((point.y * square * inverse).number(), out + WORD_SIZE);
}

G1 jacobian(const Read<G1>& read) noexcept {
    return read.is_infinity ? G1::infinity() : G1::from(read.point);
}

}  // namespace

bool add(const uint8_t left[G1_SIZE], const uint8_t right[G1_SIZE], uint8_t out[G1_SIZE]) noexcept {
    Read<G1> first, second;
    if (!read_g1(left, first) || !read_g1(right, second)) return false;
    G1 sum = jacobian(first);
    if (!second.is_infinity) sum = sum + second.point;
    write(sum, out);
    return true;
}

bool multiply(const uint8_t point[G1_SIZE], const uint8_t scalar[WORD_SIZE], uint8_t out[G1_SIZE]) noexcept {
    Read<G1> read;
    if (!read_g1(point, read)) return false;
    Limbs reduced = from_bytes(scalar);
    while (!is_below(reduced, ORDER)) subtract(reduced, ORDER);
    const Halves halves = split(reduced, SHORT);
    write(read.is_infinity ? G1::infinity() : multiple_by_halves<5, G1>(read.point, halves, BETA), out);
    return true;
}

}  // namespace blockstm::bn254
