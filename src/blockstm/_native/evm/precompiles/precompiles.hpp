// The precompiled contracts (Yellow Paper appendix E and the EIPs named at each family's file): which
// fork has which, and one function to run them. Each charges its gas before it works or allocates, so that a
// call without the gas for it costs nothing. The interpreter calls this from any thread without the GIL;
// nothing here is shared but the table of `crypto/libraries.hpp`.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "evm/forks/forks.hpp"

namespace blockstm::evm {

// The number of a precompile is its address. All but P256VERIFY are one byte.
namespace precompile {
inline constexpr int ECRECOVER = 1;
inline constexpr int SHA256 = 2;
inline constexpr int RIPEMD160 = 3;
inline constexpr int IDENTITY = 4;
inline constexpr int MODEXP = 5;
inline constexpr int BN254_ADD = 6;
inline constexpr int BN254_MUL = 7;
inline constexpr int BN254_PAIRING = 8;
inline constexpr int BLAKE2F = 9;
inline constexpr int POINT_EVALUATION = 10;
inline constexpr int BLS12_G1ADD = 11;
inline constexpr int BLS12_G1MSM = 12;
inline constexpr int BLS12_G2ADD = 13;
inline constexpr int BLS12_G2MSM = 14;
inline constexpr int BLS12_PAIRING = 15;
inline constexpr int BLS12_MAP_FP_TO_G1 = 16;
inline constexpr int BLS12_MAP_FP2_TO_G2 = 17;
inline constexpr int P256VERIFY = 0x100;
}  // namespace precompile

enum class PrecompileStatus : uint8_t {
    Success,
    Failure,      // the input is refused or the gas does not suffice: the call loses all its gas
    Reverted,     // the call fails with an output and keeps its gas; of added ones only
    NoMemory,     // the machine's memory ran out: the block cannot go on
    Unavailable,  // a library is not there, see crypto/libraries.hpp
    Raised,       // of added ones only: an error, the block cannot go on
    Over,         // of added ones only: the run does not count any more, the journal has the fault
};

// A fork has the precompiles 1 .. last_precompile(fork), and from Osaka on P256VERIFY.
constexpr int last_precompile(Fork fork) noexcept {
    if (fork >= Fork::Prague) return precompile::BLS12_MAP_FP2_TO_G2;
    if (fork >= Fork::Cancun) return precompile::POINT_EVALUATION;
    if (fork >= Fork::Istanbul) return precompile::BLAKE2F;
    if (fork >= Fork::Byzantium) return precompile::BN254_PAIRING;
    return precompile::IDENTITY;
}

constexpr bool is_precompile(Fork fork, int number) noexcept {
    if (number == precompile::P256VERIFY) return fork >= Fork::Osaka;
    return number >= 1 && number <= last_precompile(fork);
}

// The number of the precompile that `fork` has at `address`; 0 for none.
inline int precompile_at(Fork fork, const Address& address) noexcept {
    uint64_t high, middle;
    std::memcpy(&high, address.bytes, 8);
    std::memcpy(&middle, address.bytes + 8, 8);
    if ((high | middle) != 0 || (address.bytes[16] | address.bytes[17]) != 0) return 0;
    const int number = address.bytes[18] << 8 | address.bytes[19];
    return is_precompile(fork, number) ? number : 0;
}

inline Address precompile_address(int number) noexcept {
    Address address{};
    address.bytes[18] = static_cast<uint8_t>(number >> 8);
    address.bytes[19] = static_cast<uint8_t>(number);
    return address;
}

class ResultMemo;

// What has been computed in a run of a block; with no memo, nothing is remembered.
struct RunResults {
    ResultMemo* memo = nullptr;
    uint64_t run = 0;
};

// Runs a precompile that `fork` has: takes its gas off `gas_left`, clears `output` and fills it. `input`
// must not lie in `output`. After anything but Success `output` is empty; after Failure `gas_left` is 0. What is
// `known` is not computed again.
PrecompileStatus run_precompile(Fork fork, int number, Span input, int64_t& gas_left, Bytes& output,
                                const RunResults& known) noexcept;

}  // namespace blockstm::evm
