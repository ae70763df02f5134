// Recovery: the addresses behind secp256k1 signatures (Yellow Paper appendix F; SEC 1, section 4.1.6). Any
// thread may call these functions; they share nothing but a table that never changes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blockstm::secp256k1 {

struct SignatureTask {
    uint8_t hash[32];     // of the message, big-endian
    uint8_t compact[64];  // r and s, big-endian
    uint8_t parity;       // of the y of the point whose x is r: 0 or 1, anything else belongs to no key
    bool is_known;        // out: whether the signature belongs to a key
    uint8_t address[20];  // out, where it does
};

// Whether a high s is allowed is the caller's to say.
void recover_signature(SignatureTask& task) noexcept;

// The same of many: eight side by side where the processor has AVX-512 IFMA and `with_lanes` does not forbid it.
void recover_signatures(SignatureTask* tasks, size_t count, bool with_lanes = true) noexcept;

// Of so many threads, and parts of so many signatures, one is worth its start.
inline constexpr uint32_t RECOVERY_THREADS_MAX = 64;
inline constexpr uint64_t SIGNATURES_PER_PART_MIN = 64;

// The same by several threads, which have ended when it returns.
void recover_signatures_by(uint32_t threads, SignatureTask* tasks, size_t count, bool with_lanes) noexcept;

}  // namespace blockstm::secp256k1
