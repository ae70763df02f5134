// MODEXP: base ** exponent % modulus for numbers of any length (EIP-198), by GMP. Its gas is that of
// EIP-198 from Byzantium on, of EIP-2565 from Berlin on and of EIP-7883 from Osaka on, where EIP-7823 also
// refuses lengths above 1,024 bytes. Lengths are 256-bit numbers: what is too long to pay for is
// recognised from the lengths alone, before anything is allocated.
#include <algorithm>
#include <cstdlib>

#include "crypto/known_primes.hpp"
#include "crypto/libraries.hpp"
#include "evm/precompiles/families.hpp"

namespace blockstm::evm {
namespace {

using uint128 = unsigned __int128;

constexpr uint64_t HEADER = 96;              // three lengths of 32 bytes
constexpr uint64_t WORD = 32;
constexpr uint64_t HEAD = 32;                // the exponent's first bytes, which decide its gas
constexpr uint64_t OSAKA_LENGTH_MAX = 1024;  // EIP-7823

// Before Osaka, gas is what bounds the lengths: numbers longer than this cost more than 10**13 gas, which
// no block has. They are refused as lack of memory (GMP would abort the process where memory runs out).
constexpr uint64_t WORKING_LENGTH_MAX = uint64_t{1} << 26;

// A length above 2**63 - 1 counts as that: it is as unpayable, and sums of three do not wrap in 128 bits.
constexpr uint64_t LENGTH_MAX = INT64_MAX;

struct Lengths {
    uint64_t base, exponent, modulus;
};

uint64_t read_length(Span input, uint64_t offset) noexcept {
    uint8_t word[32];
    read_input(input, offset, word, sizeof word);
    uint64_t length = 0;
    for (int place = 24; place < 32; ++place) length = length << 8 | word[place];
    return is_zero(word, 24) ? std::min(length, LENGTH_MAX) : LENGTH_MAX;
}

Lengths read_lengths(Span input) noexcept {
    return {read_length(input, 0), read_length(input, 32), read_length(input, 64)};
}

// The place of the highest bit set in the exponent's first bytes, from 0; 0 also where there is none.
uint64_t head_bit(Span input, const Lengths& lengths) noexcept {
    const uint64_t size = std::min(lengths.exponent, HEAD);
    uint8_t head[HEAD];
    read_input(input, HEADER + lengths.base, head, size);
    for (uint64_t place = 0; place < size; ++place) {
        if (head[place] != 0) return (size - place) * 8 + 23 - __builtin_clz(head[place]);
    }
    return 0;
}

uint128 eip198_complexity(uint128 longest) noexcept {
    const uint128 square = longest * longest;
    if (longest <= 64) return square;
    if (longest <= 1024) return square / 4 + 96 * longest - 3072;
    return square / 16 + 480 * longest - 199680;
}

uint128 words_squared(uint128 longest) noexcept {
    const uint128 words = (longest + 7) / 8;
    return words * words;
}

uint128 complexity(Fork fork, uint64_t longest) noexcept {
    if (fork >= Fork::Osaka) return longest <= 32 ? 16 : 2 * words_squared(longest);
    return fork >= Fork::Berlin ? words_squared(longest) : eip198_complexity(longest);
}

uint64_t divisor(Fork fork) noexcept {
    if (fork >= Fork::Osaka) return 1;
    return fork >= Fork::Berlin ? 3 : 20;
}

int64_t gas_min(Fork fork) noexcept {
    if (fork >= Fork::Osaka) return 500;
    return fork >= Fork::Berlin ? 200 : 0;
}

// A number of GMP for the length of a scope.
class Integer {
public:
    explicit Integer(const Gmp& gmp) noexcept : gmp_(gmp) { gmp.init(&value_); }
    ~Integer() { gmp_.clear(&value_); }
    Integer(const Integer&) = delete;
    Integer& operator=(const Integer&) = delete;

    // The big-endian number of `size` bytes of `input` from `offset`; false where memory runs out.
    bool read(Span input, uint64_t offset, uint64_t size) noexcept {
        if (size == 0) return true;
        Bytes extended;
        if (offset + size > input.size) {
            if (!extended.resize(size)) return false;
            read_input(input, offset, extended.data(), size);
            input = {extended.data(), size};
            offset = 0;
        }
        gmp_.import_bytes(&value_, size, 1, 1, 1, 0, input.data + offset);
        return true;
    }

    // Writes the number, which is not negative, big-endian into the last of `size` bytes of zeros.
    void write(uint8_t* bytes, uint64_t size) const noexcept {
        const auto limbs = static_cast<uint64_t>(value_.size);
        for (uint64_t place = 0; place < size && place / 8 < limbs; ++place) {
            bytes[size - 1 - place] = static_cast<uint8_t>(value_.limbs[place / 8] >> (place % 8 * 8));
        }
    }

    bool is_zero() const noexcept { return value_.size == 0; }
    GmpInteger* get() noexcept { return &value_; }

private:
    const Gmp& gmp_;
    GmpInteger value_;
};

// The word that stands at `offset`.
Limbs read_number(Span input, uint64_t offset) noexcept {
    uint8_t word[WORD];
    read_input(input, offset, word, WORD);
    return from_bytes(word);
}

// Whether the power is an inverse by Fermat's theorem: that of a prime less 2, modulo the prime. So verifiers of proofs
// divide, thousands of times in a transaction; zero's power is zero, as its inverse here.
bool is_inverse(Span input, const Lengths& lengths) noexcept {
    if (lengths.base != WORD || lengths.exponent != WORD || lengths.modulus != WORD) return false;
    Limbs prime = read_number(input, HEADER + 2 * WORD);
    if (!is_known_prime(prime)) return false;
    subtract(prime, Limbs{{2, 0, 0, 0}});
    return read_number(input, HEADER + WORD) == prime;
}

PrecompileStatus run_inverse(Span input, Bytes& output) noexcept {
    if (!output.resize(WORD)) return PrecompileStatus::NoMemory;
    to_bytes(inverse_modulo(read_number(input, HEADER), read_number(input, HEADER + 2 * WORD)), output.data());
    return PrecompileStatus::Success;
}

}  // namespace

int64_t modexp_gas(Fork fork, Span input) noexcept {
    const Lengths lengths = read_lengths(input);
    const uint64_t longest = std::max(lengths.base, lengths.modulus);
    if (fork >= Fork::Osaka && std::max(longest, lengths.exponent) > OSAKA_LENGTH_MAX) return REFUSED;
    const uint128 work = complexity(fork, longest);
    if (work == 0) return gas_min(fork);
    const uint128 bits_per_byte = fork >= Fork::Osaka ? 16 : 8;
    const uint128 beyond_head = lengths.exponent > HEAD ? lengths.exponent - HEAD : 0;
    const uint128 iterations = std::max<uint128>(beyond_head * bits_per_byte + head_bit(input, lengths), 1);
    if (work > REFUSED || iterations > REFUSED) return REFUSED;
    const uint128 gas = work * iterations / divisor(fork);
    return gas >= REFUSED ? REFUSED : std::max(static_cast<int64_t>(gas), gas_min(fork));
}

PrecompileStatus run_modexp(Span input, Bytes& output) noexcept {
    const Lengths lengths = read_lengths(input);
    if (lengths.modulus == 0) return PrecompileStatus::Success;
    if (is_inverse(input, lengths)) return run_inverse(input, output);
    const Gmp* const functions = gmp_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Gmp& gmp = *functions;
    if (std::max({lengths.base, lengths.exponent, lengths.modulus}) > WORKING_LENGTH_MAX ||
        !zeros(output, lengths.modulus)) {
        return PrecompileStatus::NoMemory;
    }
    const uint64_t exponent_offset = HEADER + lengths.base;
    Integer base(gmp), exponent(gmp), modulus(gmp);
    if (!modulus.read(input, exponent_offset + lengths.exponent, lengths.modulus) ||
        !exponent.read(input, exponent_offset, lengths.exponent) ||
        !base.read(input, HEADER, lengths.base)) {
        return PrecompileStatus::NoMemory;
    }
    if (modulus.is_zero()) return PrecompileStatus::Success;
    gmp.powm(base.get(), base.get(), exponent.get(), modulus.get());
    base.write(output.data(), output.size());
    return PrecompileStatus::Success;
}

}  // namespace blockstm::evm
