// The word of the EVM: an unsigned integer of 256 bits (Yellow Paper, section 9.1 and appendix H.2).
// Arithmetic wraps modulo 2^256; signed operations read the same bits as two's complement.
// Plain values, no shared state: any thread may call anything here. What divides is in `u256_div.hpp`.
//
// Translation units that do much with words want `-fno-tree-slp-vectorize`: packing four limbs that were
// just computed into vector registers only to store them costs more than storing them one by one.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/bytes.hpp"
#include "base/u256/carry.hpp"

namespace blockstm {

struct u256 {
    uint64_t limb[4];  // least significant first

    u256() noexcept = default;  // `u256 x;` is not initialised, `u256{}` is zero
    constexpr u256(uint64_t low) noexcept : limb{low, 0, 0, 0} {}
    constexpr u256(uint64_t limb0, uint64_t limb1, uint64_t limb2, uint64_t limb3) noexcept
        : limb{limb0, limb1, limb2, limb3} {}

    // Limb by limb on purpose: copied as two vectors of 16 bytes, a word that was just written as limbs of
    // 8 bytes stalls the processor, whose stores cannot be forwarded to a load that spans two of them.
    constexpr u256(const u256& other) noexcept
        : limb{other.limb[0], other.limb[1], other.limb[2], other.limb[3]} {}
    constexpr u256& operator=(const u256& other) noexcept {
        limb[0] = other.limb[0], limb[1] = other.limb[1], limb[2] = other.limb[2], limb[3] = other.limb[3];
        return *this;
    }

    constexpr bool is_zero() const noexcept { return (limb[0] | limb[1] | limb[2] | limb[3]) == 0; }
    constexpr bool fits_u64() const noexcept { return (limb[1] | limb[2] | limb[3]) == 0; }
    constexpr bool is_negative() const noexcept { return static_cast<int64_t>(limb[3]) < 0; }
    constexpr explicit operator bool() const noexcept { return !is_zero(); }

    constexpr u256& operator+=(const u256& right) noexcept;
    constexpr u256& operator-=(const u256& right) noexcept;
    constexpr u256& operator*=(const u256& right) noexcept;
    constexpr u256& operator&=(const u256& right) noexcept;
    constexpr u256& operator|=(const u256& right) noexcept;
    constexpr u256& operator^=(const u256& right) noexcept;
};

static_assert(sizeof(u256) == 32);

// --- addition -------------------------------------------------------------------------------------

// Whether a carry leaves the 256 bits.
[[gnu::always_inline]] inline constexpr bool add(const u256& left, const u256& right, u256& sum) noexcept {
    return add_four(left.limb, right.limb, sum.limb);
}

// Whether a borrow leaves the 256 bits: whether left < right.
[[gnu::always_inline]] inline constexpr bool subtract(const u256& left, const u256& right,
                                                      u256& difference) noexcept {
    return subtract_four(left.limb, right.limb, difference.limb);
}

[[gnu::always_inline]] inline constexpr u256 operator+(const u256& left, const u256& right) noexcept {
    u256 sum{};
    add(left, right, sum);
    return sum;
}

[[gnu::always_inline]] inline constexpr u256 operator-(const u256& left, const u256& right) noexcept {
    u256 difference{};
    subtract(left, right, difference);
    return difference;
}

[[gnu::always_inline]] inline constexpr u256 operator-(const u256& value) noexcept {
    return u256{} - value;
}

inline constexpr u256& u256::operator+=(const u256& right) noexcept {
    add(*this, right, *this);
    return *this;
}

inline constexpr u256& u256::operator-=(const u256& right) noexcept {
    subtract(*this, right, *this);
    return *this;
}

// --- multiplication -------------------------------------------------------------------------------

// The low 256 bits: the ten limb products that reach them. Those of columns 2 and 3 are summed first, where
// what overflows is beyond the word; then those of column 1 are added across.
inline constexpr u256 operator*(const u256& left, const u256& right) noexcept {
    const uint64_t a0 = left.limb[0], a1 = left.limb[1], a2 = left.limb[2], a3 = left.limb[3];
    const uint64_t b0 = right.limb[0], b1 = right.limb[1], b2 = right.limb[2], b3 = right.limb[3];
    const u128 low = multiply(a0, b0);
    u128 high = multiply(a0, b2) + multiply(a1, b1) + multiply(a2, b0);
    high += join(a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0, 0);
    uint64_t r1 = high_half(low), r2 = low_half(high), r3 = high_half(high);
    add_wide(r1, r2, r3, multiply(a0, b1));
    add_wide(r1, r2, r3, multiply(a1, b0));
    return {low_half(low), r1, r2, r3};
}

inline constexpr u256& u256::operator*=(const u256& right) noexcept {
    return *this = *this * right;
}

// --- bits -----------------------------------------------------------------------------------------

[[gnu::always_inline]] inline constexpr u256 operator&(const u256& a, const u256& b) noexcept {
    return {a.limb[0] & b.limb[0], a.limb[1] & b.limb[1], a.limb[2] & b.limb[2], a.limb[3] & b.limb[3]};
}

[[gnu::always_inline]] inline constexpr u256 operator|(const u256& a, const u256& b) noexcept {
    return {a.limb[0] | b.limb[0], a.limb[1] | b.limb[1], a.limb[2] | b.limb[2], a.limb[3] | b.limb[3]};
}

[[gnu::always_inline]] inline constexpr u256 operator^(const u256& a, const u256& b) noexcept {
    return {a.limb[0] ^ b.limb[0], a.limb[1] ^ b.limb[1], a.limb[2] ^ b.limb[2], a.limb[3] ^ b.limb[3]};
}

[[gnu::always_inline]] inline constexpr u256 operator~(const u256& a) noexcept {
    return {~a.limb[0], ~a.limb[1], ~a.limb[2], ~a.limb[3]};
}

inline constexpr u256& u256::operator&=(const u256& right) noexcept { return *this = *this & right; }
inline constexpr u256& u256::operator|=(const u256& right) noexcept { return *this = *this | right; }
inline constexpr u256& u256::operator^=(const u256& right) noexcept { return *this = *this ^ right; }

// Zero bits above the highest one bit; 256 for zero (EIP-7939).
inline constexpr uint32_t clz(const u256& value) noexcept {
    if (value.limb[3] != 0) return static_cast<uint32_t>(std::countl_zero(value.limb[3]));
    if (value.limb[2] != 0) return 64 + static_cast<uint32_t>(std::countl_zero(value.limb[2]));
    if (value.limb[1] != 0) return 128 + static_cast<uint32_t>(std::countl_zero(value.limb[1]));
    return 192 + static_cast<uint32_t>(std::countl_zero(value.limb[0]));
}

inline constexpr uint32_t bit_length(const u256& value) noexcept { return 256 - clz(value); }

inline constexpr uint32_t byte_length(const u256& value) noexcept { return (bit_length(value) + 7) / 8; }

// --- comparison -----------------------------------------------------------------------------------

[[gnu::always_inline]] inline constexpr bool operator==(const u256& a, const u256& b) noexcept {
    return ((a.limb[0] ^ b.limb[0]) | (a.limb[1] ^ b.limb[1]) | (a.limb[2] ^ b.limb[2]) |
            (a.limb[3] ^ b.limb[3])) == 0;
}

[[gnu::always_inline]] inline constexpr bool operator<(const u256& left, const u256& right) noexcept {
    return less_four(left.limb, right.limb);
}

[[gnu::always_inline]] inline constexpr bool operator>(const u256& left, const u256& right) noexcept {
    return right < left;
}

[[gnu::always_inline]] inline constexpr bool operator<=(const u256& left, const u256& right) noexcept {
    return !(right < left);
}

[[gnu::always_inline]] inline constexpr bool operator>=(const u256& left, const u256& right) noexcept {
    return !(left < right);
}

// left < right, both read as two's complement: moving the sign bit's weight makes the order unsigned.
[[gnu::always_inline]] inline constexpr bool slt(const u256& left, const u256& right) noexcept {
    constexpr uint64_t sign = uint64_t{1} << 63;
    return u256{left.limb[0], left.limb[1], left.limb[2], left.limb[3] ^ sign} <
           u256{right.limb[0], right.limb[1], right.limb[2], right.limb[3] ^ sign};
}

[[gnu::always_inline]] inline constexpr bool sgt(const u256& left, const u256& right) noexcept {
    return slt(right, left);
}

// --- shifts ---------------------------------------------------------------------------------------

// The upper word of high:low shifted left by `bits` < 64.
[[gnu::always_inline]] inline constexpr uint64_t funnel_left(uint64_t high, uint64_t low,
                                                             uint32_t bits) noexcept {
    return (high << bits) | (low >> 1 >> (63 - bits));
}

// The lower word of high:low shifted right by `bits` < 64.
[[gnu::always_inline]] inline constexpr uint64_t funnel_right(uint64_t high, uint64_t low,
                                                              uint32_t bits) noexcept {
    return (low >> bits) | (high << 1 << (63 - bits));
}

// value * 2^shift; 256 and more give 0.
inline constexpr u256 shl(const u256& value, uint64_t shift) noexcept {
    if (shift >= 256) return {};
    const auto bits = static_cast<uint32_t>(shift & 63);
    const uint64_t a = value.limb[0], b = value.limb[1], c = value.limb[2], d = value.limb[3];
    switch (shift >> 6) {
        case 0:
            return {a << bits, funnel_left(b, a, bits), funnel_left(c, b, bits), funnel_left(d, c, bits)};
        case 1: return {0, a << bits, funnel_left(b, a, bits), funnel_left(c, b, bits)};
        case 2: return {0, 0, a << bits, funnel_left(b, a, bits)};
        default: return {0, 0, 0, a << bits};
    }
}

// The shift right whose vacated bits are those of `fill`, 0 or all ones.
inline constexpr u256 shift_right(const u256& value, uint64_t shift, uint64_t fill) noexcept {
    if (shift >= 256) return {fill, fill, fill, fill};
    const auto bits = static_cast<uint32_t>(shift & 63);
    const uint64_t a = value.limb[0], b = value.limb[1], c = value.limb[2], d = value.limb[3];
    const uint64_t top = funnel_right(fill, d, bits);
    switch (shift >> 6) {
        case 0: return {funnel_right(b, a, bits), funnel_right(c, b, bits), funnel_right(d, c, bits), top};
        case 1: return {funnel_right(c, b, bits), funnel_right(d, c, bits), top, fill};
        case 2: return {funnel_right(d, c, bits), top, fill, fill};
        default: return {top, fill, fill, fill};
    }
}

inline constexpr u256 shr(const u256& value, uint64_t shift) noexcept { return shift_right(value, shift, 0); }

inline constexpr u256 sar(const u256& value, uint64_t shift) noexcept {
    return shift_right(value, shift, value.is_negative() ? ~uint64_t{0} : 0);
}

// A word as a distance, index or size: what does not fit 64 bits is more than any of them.
[[gnu::always_inline]] inline constexpr uint64_t saturate(const u256& value) noexcept {
    return value.fits_u64() ? value.limb[0] : ~uint64_t{0};
}

inline constexpr u256 shl(const u256& value, const u256& shift) noexcept {
    return shl(value, saturate(shift));
}
inline constexpr u256 shr(const u256& value, const u256& shift) noexcept {
    return shr(value, saturate(shift));
}
inline constexpr u256 sar(const u256& value, const u256& shift) noexcept {
    return sar(value, saturate(shift));
}

// Byte `index` of the big-endian word, 0 the most significant; 0 beyond byte 31.
inline constexpr u256 byte_at(const u256& index, const u256& value) noexcept {
    if (!index.fits_u64() || index.limb[0] > 31) return {};
    const uint64_t from_low = 31 - index.limb[0];
    return (value.limb[from_low >> 3] >> (8 * (from_low & 7))) & 0xff;
}

// Extends the sign bit of byte `position`, 0 the least significant; from byte 31 on nothing changes.
inline constexpr u256 signextend(const u256& position, const u256& value) noexcept {
    if (!position.fits_u64() || position.limb[0] > 30) return value;
    const uint64_t top = position.limb[0] >> 3;
    const auto unused = static_cast<uint32_t>(56 - 8 * (position.limb[0] & 7));
    const int64_t extended = static_cast<int64_t>(value.limb[top] << unused) >> unused;
    const auto fill = static_cast<uint64_t>(extended >> 63);
    u256 result{};
    for (uint64_t place = 0; place < 4; ++place) {
        result.limb[place] = place < top    ? value.limb[place]
                             : place == top ? static_cast<uint64_t>(extended)
                                            : fill;
    }
    return result;
}

// --- bytes ----------------------------------------------------------------------------------------

// The limb that lies big-endian at `bytes`.
[[gnu::always_inline]] inline uint64_t load_be64(const uint8_t* bytes) noexcept {
    uint64_t limb;
    std::memcpy(&limb, bytes, sizeof limb);
    if constexpr (std::endian::native == std::endian::little) limb = __builtin_bswap64(limb);
    return limb;
}

[[gnu::always_inline]] inline void store_be64(uint64_t limb, uint8_t* bytes) noexcept {
    if constexpr (std::endian::native == std::endian::little) limb = __builtin_bswap64(limb);
    std::memcpy(bytes, &limb, sizeof limb);
}

[[gnu::always_inline]] inline u256 load_be(const uint8_t bytes[32]) noexcept {
    return {load_be64(bytes + 24), load_be64(bytes + 16), load_be64(bytes + 8), load_be64(bytes)};
}

// The big-endian number in the first `size` <= 32 bytes.
inline u256 load_be(const uint8_t* data, uint64_t size) noexcept {
    u256 result{};
    uint64_t place = 0;
    for (; size >= 8; size -= 8) result.limb[place++] = load_be64(data + size - 8);
    uint64_t rest = 0;
    for (uint64_t index = 0; index < size; ++index) rest = rest << 8 | data[index];
    if (place < 4) result.limb[place] = rest;
    return result;
}

[[gnu::always_inline]] inline void store_be(const u256& value, uint8_t bytes[32]) noexcept {
    store_be64(value.limb[3], bytes);
    store_be64(value.limb[2], bytes + 8);
    store_be64(value.limb[1], bytes + 16);
    store_be64(value.limb[0], bytes + 24);
}

// An address is the low 160 bits.
inline u256 from_address(const Address& address) noexcept {
    uint32_t top;
    std::memcpy(&top, address.bytes, sizeof top);
    if constexpr (std::endian::native == std::endian::little) top = __builtin_bswap32(top);
    return {load_be64(address.bytes + 12), load_be64(address.bytes + 4), top, 0};
}

inline Address to_address(const u256& value) noexcept {
    Address address;
    auto top = static_cast<uint32_t>(value.limb[2]);
    if constexpr (std::endian::native == std::endian::little) top = __builtin_bswap32(top);
    std::memcpy(address.bytes, &top, sizeof top);
    store_be64(value.limb[1], address.bytes + 4);
    store_be64(value.limb[0], address.bytes + 12);
    return address;
}

inline u256 from_hash(const Hash32& hash) noexcept { return load_be(hash.bytes); }

inline Hash32 to_hash(const u256& value) noexcept {
    Hash32 hash;
    store_be(value, hash.bytes);
    return hash;
}

}  // namespace blockstm
