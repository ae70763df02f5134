// BLS12-381 as EIP-2537 writes it: an element of the field is 64 bytes, of which the first 16 are zero; a
// point is two elements (four in G2, real part first), infinity is all zeros. For the files bls12_*.cpp.
#pragma once

#include "crypto/libraries.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm::bls12 {

inline constexpr uint64_t FP_SIZE = 64;
inline constexpr uint64_t SCALAR_SIZE = 32;

// The base field's modulus.
inline constexpr uint8_t MODULUS[48] = {
    0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
    0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
    0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab,
};

// False for a number that is not below the modulus.
inline bool read_fp(const Blst& blst, const uint8_t* bytes, BlstFp& out) noexcept {
    if (!is_zero(bytes, 16) || std::memcmp(bytes + 16, MODULUS, sizeof MODULUS) >= 0) return false;
    blst.fp_from_bendian(&out, bytes + 16);
    return true;
}

inline bool read_fp2(const Blst& blst, const uint8_t* bytes, BlstFp2& out) noexcept {
    return read_fp(blst, bytes, out.c0) && read_fp(blst, bytes + FP_SIZE, out.c1);
}

// The bytes come zeroed.
inline void write_fp(const Blst& blst, const BlstFp& value, uint8_t* bytes) noexcept {
    blst.bendian_from_fp(bytes + 16, &value);
}

// What is alike for the two groups, so that each precompile is written once.
struct G1 {
    using Point = BlstP1;
    using Affine = BlstP1Affine;
    static constexpr uint64_t SIZE = 2 * FP_SIZE;

    static bool read_coordinates(const Blst& blst, const uint8_t* bytes, Affine& out) noexcept {
        return read_fp(blst, bytes, out.x) && read_fp(blst, bytes + FP_SIZE, out.y);
    }
    static void write_coordinates(const Blst& blst, const Affine& point, uint8_t* bytes) noexcept {
        write_fp(blst, point.x, bytes);
        write_fp(blst, point.y, bytes + FP_SIZE);
    }

    static constexpr auto is_infinity = &Blst::p1_affine_is_inf;
    static constexpr auto on_curve = &Blst::p1_affine_on_curve;
    static constexpr auto in_group = &Blst::p1_affine_in_g1;
    static constexpr auto from_affine = &Blst::p1_from_affine;
    static constexpr auto to_affine = &Blst::p1_to_affine;
    static constexpr auto add_affine = &Blst::p1_add_or_double_affine;
    static constexpr auto multiply = &Blst::p1_mult;
    static constexpr auto multiply_many = &Blst::p1s_mult;
    static constexpr auto scratch_size = &Blst::p1s_mult_scratch_size;
};

struct G2 {
    using Point = BlstP2;
    using Affine = BlstP2Affine;
    static constexpr uint64_t SIZE = 4 * FP_SIZE;

    static bool read_coordinates(const Blst& blst, const uint8_t* bytes, Affine& out) noexcept {
        return read_fp2(blst, bytes, out.x) && read_fp2(blst, bytes + 2 * FP_SIZE, out.y);
    }
    static void write_coordinates(const Blst& blst, const Affine& point, uint8_t* bytes) noexcept {
        write_fp(blst, point.x.c0, bytes);
        write_fp(blst, point.x.c1, bytes + FP_SIZE);
        write_fp(blst, point.y.c0, bytes + 2 * FP_SIZE);
        write_fp(blst, point.y.c1, bytes + 3 * FP_SIZE);
    }

    static constexpr auto is_infinity = &Blst::p2_affine_is_inf;
    static constexpr auto on_curve = &Blst::p2_affine_on_curve;
    static constexpr auto in_group = &Blst::p2_affine_in_g2;
    static constexpr auto from_affine = &Blst::p2_from_affine;
    static constexpr auto to_affine = &Blst::p2_to_affine;
    static constexpr auto add_affine = &Blst::p2_add_or_double_affine;
    static constexpr auto multiply = &Blst::p2_mult;
    static constexpr auto multiply_many = &Blst::p2s_mult;
    static constexpr auto scratch_size = &Blst::p2s_mult_scratch_size;
};

// A point of the curve; false for anything else. Infinity is blst's too: coordinates that are zero.
template <class Group>
bool read_on_curve(const Blst& blst, const uint8_t* bytes, typename Group::Affine& out) noexcept {
    return Group::read_coordinates(blst, bytes, out) &&
           ((blst.*Group::is_infinity)(&out) || (blst.*Group::on_curve)(&out));
}

// A point of the group of prime order.
template <class Group>
bool read_in_group(const Blst& blst, const uint8_t* bytes, typename Group::Affine& out) noexcept {
    return read_on_curve<Group>(blst, bytes, out) && (blst.*Group::in_group)(&out);
}

template <class Group>
PrecompileStatus write(const Blst& blst, const typename Group::Point& point, Bytes& output) noexcept {
    if (!zeros(output, Group::SIZE)) return PrecompileStatus::NoMemory;
    typename Group::Affine affine;
    (blst.*Group::to_affine)(&affine, &point);
    Group::write_coordinates(blst, affine, output.data());
    return PrecompileStatus::Success;
}

}  // namespace blockstm::evm::bls12
