// The signers of many transactions, from their encodings: parsed, hashed and recovered in parts by several threads.
// Nothing here knows of Python; the encodings stay where they are until all is done.
#pragma once

#include "base/atomics.hpp"
#include "base/chunks.hpp"
#include "base/fork_locks.hpp"
#include "crypto/secp256k1/recovery.hpp"
#include "base/threads.hpp"
#include "wire/authorizations.hpp"
#include "wire/known_senders.hpp"
#include "wire/signature.hpp"

namespace blockstm {

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

// A task for each of `count` messages that were signed: `read(place, bytes, signature)` says what and how, or false
// where nobody can have signed it.
template <class Read>
inline void read_tasks(uint64_t count, SignatureTask* tasks, Read read) noexcept {
    Messages messages;
    for (uint64_t place = 0; place < count; ++place) {
        SignedBytes bytes;
        Signature signature;
        SignatureTask& task = tasks[place];
        task.parity = NO_PARITY;
        task.is_known = false;
        if (!read(place, bytes, signature)) continue;
        task.parity = static_cast<uint8_t>(signature.parity);
        std::memcpy(task.compact, signature.compact, sizeof task.compact);
        messages.add(bytes, task.hash);
    }
    messages.finish();
}

// Recovers the signers of some messages, `read` as for `read_tasks`.
template <class Read>
inline void recover_part(uint64_t first, uint64_t size, SignatureTask* tasks, RecoverTasks recover,
                         Read read) noexcept {
    read_tasks(size, tasks, [&](uint64_t place, SignedBytes& bytes, Signature& out) noexcept {
        return read(first + place, bytes, out);
    });
    recover(tasks, size, true);
}

// Those of `count` messages, several threads' parts side by side.
template <class Read>
inline void recover_all(uint64_t count, uint32_t threads, SignatureTask* tasks, RecoverTasks recover,
                        Read read) noexcept {
    run_even_parts<RECOVERY_THREADS_MAX>(
        threads, count, secp256k1::SIGNATURES_PER_PART_MIN, [&](uint64_t first, uint64_t size) noexcept {
            recover_part(first, size, tasks + first, recover, read);
        });
}

}  // namespace signers

inline void recover_signers(const Span* encodings, uint64_t count, bool high_s, uint32_t threads,
                            SignatureTask* tasks, RecoverTasks recover) noexcept {
    signers::recover_all(count, threads, tasks, recover,
                         [=](uint64_t place, SignedBytes& bytes, Signature& out) noexcept {
                             return read_signed_bytes(encodings[place], high_s, bytes, out);
                         });
}

// The same of authorizations, each given by its encoding.
inline void recover_authorizations(const Span* authorizations, uint64_t count, uint32_t threads,
                                   SignatureTask* tasks, RecoverTasks recover) noexcept {
    signers::recover_all(count, threads, tasks, recover,
                         [=](uint64_t place, SignedBytes& bytes, Signature& out) noexcept {
                             return read_signed_authorization(authorizations[place], bytes, out);
                         });
}

// Whether somebody can have signed a transaction: that its signature may have these numbers.
inline bool has_signature(Span encoding, bool high_s) noexcept {
    SignedBytes bytes;
    Signature signature;
    return read_signed_bytes(encoding, high_s, bytes, signature);
}

// The sender of a transaction, where somebody can have signed it.
struct Sender {
    Address address;
    bool is_known;
};

// Finds the senders of transactions: those that are remembered, and those that are recovered, which then are.
// An empty encoding has none. Belongs to one call.
class SenderSearch {
public:
    SenderSearch(const Span* encodings, uint64_t count, bool high_s, uint32_t threads) noexcept
        : encodings_(encodings), count_(count), high_s_(high_s), threads_(threads) {}

    // False where memory ran out.
    bool run(ForkMutex& lock, SenderGenerations& known, const uint64_t* seed, RecoverTasks recover,
             Sender* senders) noexcept {
        if (hashes_.extend(count_) == nullptr && count_ != 0) return false;
        if (!places_.reserve(count_)) return false;
        lock.lock();  // nobody adds while the threads look
        run_even_parts(threads_, count_, LOOKED_UP_MIN, [&](uint64_t first, uint64_t size) noexcept {
            hash(first, size);
            look_up(first, size, known, seed, senders);
        });
        lock.unlock();
        for (uint64_t place = 0; place < count_; ++place) {
            if (!senders[place].is_known && encodings_[place].size != 0) places_.push(place);
        }
        if (places_.empty()) return true;
        Atomic<bool> failed{false};
        run_even_parts<RECOVERY_THREADS_MAX>(
            threads_, places_.size(), secp256k1::SIGNATURES_PER_PART_MIN,
            [&](uint64_t first, uint64_t size) noexcept {
                if (!recover_part(first, size, recover, senders)) failed.suggest(true);
            });
        if (failed.read_plain()) return false;
        lock.lock();
        remember_all(known, seed, senders);
        lock.unlock();
        return true;
    }

    uint64_t recovered() const noexcept { return places_.size(); }

private:
    static constexpr uint64_t LOOKED_UP_MIN = 256, SIDE_BY_SIDE = 64;

    void hash(uint64_t first, uint64_t size) noexcept {
        KeccakTask tasks[SIDE_BY_SIDE];
        uint64_t used = 0;
        for (uint64_t place = first; place < first + size; ++place) {
            tasks[used++] = {encodings_[place].data, encodings_[place].size, hashes_[place].bytes};
            if (used == SIDE_BY_SIDE) keccak256_many(tasks, std::exchange(used, 0));
        }
        keccak256_many(tasks, used);
    }

    // A known sender may have signed with a high s, where that was allowed.
    void look_up(uint64_t first, uint64_t size, const SenderGenerations& known, const uint64_t* seed,
                 Sender* senders) const noexcept {
        for (uint64_t place = first; place < first + size; ++place) {
            const Address* found = encodings_[place].size == 0 ? nullptr : known.find(hashes_[place], seed);
            senders[place].is_known = found != nullptr && (high_s_ || has_signature(encodings_[place], false));
            if (senders[place].is_known) senders[place].address = *found;
        }
    }

    // Recovers some of those that were not known; false where memory ran out.
    bool recover_part(uint64_t first, uint64_t size, RecoverTasks recover, Sender* senders) const noexcept {
        LargeArray<SignatureTask> tasks;  // 118 bytes for each: too much to hold for all of a large block
        if (!tasks.resize(size)) return false;
        signers::recover_part(first, size, tasks.data(), recover,
                              [&](uint64_t each, SignedBytes& bytes, Signature& out) noexcept {
                                  return read_signed_bytes(encodings_[places_[each]], high_s_, bytes, out);
                              });
        for (uint64_t each = 0; each < size; ++each) {
            Sender& sender = senders[places_[first + each]];
            sender.is_known = tasks[each].is_known;
            if (sender.is_known) std::memcpy(sender.address.bytes, tasks[each].address, sizeof sender.address.bytes);
        }
        return true;
    }

    // Each takes a cache line of a table that no cache holds, so that some are fetched ahead.
    void remember_all(SenderGenerations& known, const uint64_t* seed, const Sender* senders) const noexcept {
        constexpr uint64_t AHEAD = 8;
        known.expect(places_.size(), seed);
        for (uint64_t each = 0; each < places_.size(); ++each) {
            if (each + AHEAD < places_.size()) known.prefetch(hashes_[places_[each + AHEAD]], seed);
            const uint64_t place = places_[each];
            if (senders[place].is_known) known.add(hashes_[place], senders[place].address, seed);
        }
    }

    const Span* encodings_;
    uint64_t count_;
    bool high_s_;
    uint32_t threads_;
    LargeArray<Hash32> hashes_;
    LargeArray<uint64_t> places_;  // of those to be recovered
};

}  // namespace blockstm
