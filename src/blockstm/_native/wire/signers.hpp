// The signers of many transactions, from their encodings: parsed, hashed and recovered in parts by several threads.
// Nothing here knows of Python; the encodings stay where they are until all is done.
#pragma once

#include "crypto/secp256k1/recovery.hpp"
#include "crypto/threads.hpp"
#include "wire/signature.hpp"

namespace blockstm::evm {

using secp256k1::RECOVERY_THREADS_MAX;
using secp256k1::SignatureTask;

// The one copy of the recovery's code and table belongs to another module.
using RecoverTasks = void (*)(SignatureTask* tasks, size_t count, bool with_lanes);  // does not throw

namespace signers {

constexpr uint8_t NO_PARITY = 0xFF;  // of a signature that belongs to no key

// Messages on their way to be hashed side by side; one longer than there is room for goes alone.
class Messages {
public:
    void add(const SignedBytes& bytes, uint8_t out[32]) noexcept {
        const uint64_t size = bytes.size();
        if (size > sizeof room_ / 4) return bytes.hash(out);
        if (count_ == COUNT || used_ + size > sizeof room_) finish();
        bytes.copy_to(room_ + used_);
        tasks_[count_++] = {room_ + used_, size, out};
        used_ += size;
    }

    void finish() noexcept {
        keccak256_many(tasks_, count_);
        count_ = used_ = 0;
    }

private:
    static constexpr uint64_t COUNT = 64;
    uint8_t room_[16 * 1024];
    KeccakTask tasks_[COUNT];
    uint64_t count_ = 0, used_ = 0;
};

inline void read_tasks(const Span* encodings, uint64_t count, bool high_s, SignatureTask* tasks) noexcept {
    Messages messages;
    for (uint64_t place = 0; place < count; ++place) {
        SignedBytes bytes;
        Signature signature;
        SignatureTask& task = tasks[place];
        task.parity = NO_PARITY;
        if (!read_signed_bytes(encodings[place], high_s, bytes, signature)) continue;
        task.parity = static_cast<uint8_t>(signature.parity);
        std::memcpy(task.compact, signature.compact, sizeof task.compact);
        messages.add(bytes, task.hash);
    }
    messages.finish();
}

}  // namespace signers

inline void recover_signers(const Span* encodings, uint64_t count, bool high_s, uint32_t threads,
                            SignatureTask* tasks, RecoverTasks recover) noexcept {
    const auto act = [=](uint64_t first, uint64_t size) noexcept {
        signers::read_tasks(encodings + first, size, high_s, tasks + first);
        recover(tasks + first, size, true);
    };
    run_even_parts<RECOVERY_THREADS_MAX>(threads, count, secp256k1::SIGNATURES_PER_PART_MIN, act);
}

// Whether somebody can have signed a transaction: that its signature may have these numbers.
inline bool has_signature(Span encoding, bool high_s) noexcept {
    SignedBytes bytes;
    Signature signature;
    return read_signed_bytes(encoding, high_s, bytes, signature);
}

}  // namespace blockstm::evm
