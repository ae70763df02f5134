// Addition and multiplication of points of BN254; see bn254.hpp. The pairing is in bn254_pairing.cpp.
#include "crypto/bn254.hpp"

#include <cstring>

#include "crypto/bn254_points.hpp"
#include "crypto/signed_digits.hpp"

namespace blockstm::bn254 {
namespace {

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
    write(read.is_infinity ? G1::infinity() : multiple<5, G1>(read.point, reduced), out);
    return true;
}

}  // namespace blockstm::bn254
