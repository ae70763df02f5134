#include "crypto/sha256.hpp"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace blockstm {
namespace {

constexpr uint64_t BLOCK = 64;

// The fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8.
alignas(16) constexpr uint32_t ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
constexpr uint32_t INITIAL_STATE[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

uint32_t load_word(const uint8_t* bytes) noexcept {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap32(word);
    return word;
}

void store_word(uint32_t word, uint8_t* bytes) noexcept {
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap32(word);
    std::memcpy(bytes, &word, sizeof word);
}

void compress_plain(uint32_t state[8], const uint8_t* data, uint64_t blocks) noexcept {
    for (; blocks != 0; --blocks, data += BLOCK) {
        uint32_t schedule[64];
        for (int t = 0; t < 16; ++t) schedule[t] = load_word(data + 4 * t);
        for (int t = 16; t < 64; ++t) {
            const uint32_t old = schedule[t - 15], recent = schedule[t - 2];
            schedule[t] = schedule[t - 16] + (std::rotr(old, 7) ^ std::rotr(old, 18) ^ (old >> 3)) +
                          schedule[t - 7] + (std::rotr(recent, 17) ^ std::rotr(recent, 19) ^ (recent >> 10));
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int t = 0; t < 64; ++t) {
            const uint32_t choice = g ^ (e & (f ^ g));
            const uint32_t majority = (a & b) | (c & (a | b));
            const uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + choice +
                                   ROUND_CONSTANTS[t] + schedule[t];
            const uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + majority;
            h = g, g = f, f = e, e = d + first;
            d = c, c = b, b = a, a = first + second;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

#if defined(__x86_64__)
// The processor's instruction runs two rounds on the state as the vectors ABEF and CDGH.
[[gnu::target("sha,sse4.1")]] void compress_sha_ni(uint32_t state[8], const uint8_t* data,
                                                   uint64_t blocks) noexcept {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
    const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; blocks != 0; --blocks, data += BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i message[4];  // the 16 latest words of the schedule
        for (int part = 0; part < 4; ++part) {
            const auto* from = reinterpret_cast<const __m128i*>(data + 16 * part);
            message[part] = _mm_shuffle_epi8(_mm_loadu_si128(from), big_endian);
        }
#pragma GCC unroll 16
        for (int four = 0; four < 16; ++four) {
            __m128i& now = message[four % 4];
            const auto* constants = reinterpret_cast<const __m128i*>(ROUND_CONSTANTS + 4 * four);
            const __m128i input = _mm_add_epi32(now, _mm_load_si128(constants));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
            if (four < 12) {  // the four words that take the place of these in four steps
                const __m128i second = message[(four + 1) % 4], third = message[(four + 2) % 4];
                const __m128i last = message[(four + 3) % 4];
                const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(now, second),
                                                      _mm_alignr_epi8(last, third, 4));
                now = _mm_sha256msg2_epu32(partial, last);
            }
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

bool has_sha_ni() noexcept {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0 &&
           __builtin_cpu_supports("sse4.1");
}
#endif

using Compression = void (*)(uint32_t*, const uint8_t*, uint64_t) noexcept;

struct Chosen {
    Compression compress = compress_plain;

    Chosen() noexcept {
#if defined(__x86_64__)
        if (has_sha_ni()) compress = compress_sha_ni;
#endif
    }
};

// Before whatever else of this module is made when it is loaded.
[[gnu::init_priority(200)]] const Chosen chosen;

void hash(Compression compress, const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    uint32_t state[8];
    std::memcpy(state, INITIAL_STATE, sizeof state);
    compress(state, data, size / BLOCK);

    // What is left, a one bit, zeros, and the length in bits fill one block or two.
    const uint64_t left = size % BLOCK;
    uint8_t last[2 * BLOCK] = {};
    if (left != 0) std::memcpy(last, data + (size - left), left);
    last[left] = 0x80;
    const uint64_t blocks = left + 1 + 8 <= BLOCK ? 1 : 2;
    store_word(static_cast<uint32_t>(size >> 29), last + blocks * BLOCK - 8);
    store_word(static_cast<uint32_t>(size << 3), last + blocks * BLOCK - 4);
    compress(state, last, blocks);

    for (int place = 0; place < 8; ++place) store_word(state[place], out + 4 * place);
}

}  // namespace

void sha256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    hash(chosen.compress, data, size, out);
}

void sha256_portable(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    hash(compress_plain, data, size, out);
}

}  // namespace blockstm
