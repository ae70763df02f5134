// The steps of a block, packed: a transaction without lists, whose numbers are as small as they are in practice, takes
// 96 bytes, where a step is 320. It is a step again where it is run. Others are kept as they are.
//
// Filled by one thread, or in parts by `set`; read by any number of them afterwards.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/chunks.hpp"
#include "evm/block.hpp"

namespace blockstm::evm {

// What is to be known of a step before it runs: whom it names, and what is called.
struct NamedBy {
    const Address* sender;
    const Address* to;
    Span data;
    bool is_of_the_block, creates;
};

// What a step may use of the block.
struct AskedBy {
    uint64_t gas_limit;
    uint64_t blob_count;
    bool is_of_the_block;
};

class PackedStep {
public:
    // False, and nothing is changed, where there is no room for some number.
    bool pack(const Transaction& from) noexcept {
        const uint64_t chain = from.names_chain ? from.chain_id.limb[0] : 0;
        if (from.names_chain && !(from.chain_id.fits_u64() && chain < CHAIN_MAX)) return false;
        if (from.type > TransactionType::DynamicFee) return false;
        if (from.gas_limit > UINT32_MAX || from.data.size > UINT32_MAX) return false;
        if (from.value.limb[2] | from.value.limb[3] | from.value.limb[1] >> 32) return false;
        if (!from.max_fee_per_gas.fits_u64() || !from.max_priority_fee_per_gas.fits_u64()) return false;
        if (from.access_count | from.blob_count | from.authorization_count) return false;
        data_ = from.data.data, data_size_ = static_cast<uint32_t>(from.data.size);
        nonce_ = from.nonce, gas_limit_ = static_cast<uint32_t>(from.gas_limit);
        max_fee_ = from.max_fee_per_gas.limb[0], priority_fee_ = from.max_priority_fee_per_gas.limb[0];
        value_low_ = from.value.limb[0], value_high_ = static_cast<uint32_t>(from.value.limb[1]);
        sender_ = from.sender, to_ = from.to;
        chain_ = chain & (CHAIN_MAX - 1);
        type_ = static_cast<uint32_t>(from.type) & 3;
        creates_ = from.creates, names_chain_ = from.names_chain, has_high_s_ = from.has_high_s;
        is_kept_ = false;
        return true;
    }

    // Pre: nothing of `out` was set.
    void unpack(Transaction& out) const noexcept {
        out.type = static_cast<TransactionType>(type_);
        out.creates = creates_, out.names_chain = names_chain_, out.has_high_s = has_high_s_;
        out.sender = sender_, out.to = to_;
        out.chain_id.limb[0] = chain_;
        out.nonce = nonce_, out.gas_limit = gas_limit_;
        out.value.limb[0] = value_low_, out.value.limb[1] = value_high_;
        out.max_fee_per_gas.limb[0] = max_fee_, out.max_priority_fee_per_gas.limb[0] = priority_fee_;
        out.data = {data_, data_size_};
    }

    // In place of a transaction: where the step is kept as it is.
    void keep_at(uint64_t place) noexcept { is_kept_ = true, nonce_ = place; }
    bool is_kept() const noexcept { return is_kept_; }
    uint64_t place() const noexcept { return nonce_; }

    AskedBy asked() const noexcept { return {gas_limit_, 0, true}; }
    NamedBy named() const noexcept { return {&sender_, &to_, {data_, data_size_}, true, creates_ != 0}; }

private:
    static constexpr uint64_t CHAIN_MAX = 1 << 24;

    const uint8_t* data_;
    uint64_t nonce_;
    uint64_t max_fee_, priority_fee_;
    uint64_t value_low_;
    uint32_t value_high_;
    uint32_t data_size_;
    uint32_t gas_limit_;
    uint32_t chain_ : 24, type_ : 2, creates_ : 1, names_chain_ : 1, has_high_s_ : 1, is_kept_ : 1;
    Address sender_, to_;
};
static_assert(sizeof(PackedStep) == 96);  // a block holds one for each transaction

inline AskedBy asked_by(const Step& step) noexcept {
    return {step.transaction.gas_limit, step.transaction.blob_count, is_of_the_block(step.kind)};
}

inline NamedBy named_by(const Step& step) noexcept {
    const Transaction& transaction = step.transaction;
    return {&transaction.sender, &transaction.to, transaction.data, is_of_the_block(step.kind), transaction.creates};
}

class StepList {
public:
    uint64_t size() const noexcept { return packed_.size(); }

    void clear() noexcept {
        packed_.clear();
        kept_.clear();
        all_kept_ = true;
    }

    // False where memory ran out.
    bool push(const Step& step) noexcept {
        Step* const room = extend_kept(1);
        if (room == nullptr) return false;
        *room = step;
        return true;
    }

    // Room for so many more, each of which `set` or `kept` is to fill; false where memory ran out.
    // One more often follows, for which they are not to be moved.
    bool extend(uint64_t count) noexcept {
        const uint64_t all = packed_.size() + count + 1;
        if (!packed_.reserve(all)) return false;
        packed_.extend(count);
        all_kept_ = false;
        return true;
    }

    // So many steps that are kept as they are; null where memory ran out. Valid until the next one.
    Step* extend_kept(uint64_t count) noexcept {
        const uint64_t first = kept_.size();
        if (!packed_.reserve(packed_.size() + count) || !kept_.reserve(first + count + 1)) return nullptr;
        kept_.extend(count);
        for (uint64_t place = first; place < first + count; ++place) packed_.extend(1)->keep_at(place);
        return kept_.data() + first;
    }

    // The step at a place becomes this transaction of the block; false where it is to be kept as it is. Any thread,
    // each with places of its own.
    bool set(uint64_t place, const Transaction& transaction) noexcept { return packed_[place].pack(transaction); }

    // The step at a place, not set yet, is kept as it is; null where memory ran out. Valid until the next one.
    Step* kept(uint64_t place) noexcept {
        if (!kept_.push(Step{})) return nullptr;
        packed_[place].keep_at(kept_.size() - 1);
        return &kept_.back();
    }

    // The same, of one that may be set.
    Step* unpacked(uint64_t place) noexcept {
        if (packed_[place].is_kept()) return &kept_[packed_[place].place()];
        const PackedStep packed = packed_[place];
        Step* const step = kept(place);
        if (step != nullptr) packed.unpack(step->transaction);
        return step;
    }

    // A step, in `room` if it is packed. Pre: nothing of `room` was set.
    const Step& at(uint64_t place, Step& room) const noexcept {
        if (all_kept_) return kept_[place];
        const PackedStep& packed = packed_[place];
        if (packed.is_kept()) return kept_[packed.place()];
        packed.unpack(room.transaction);
        return room;
    }

    // The same; room is made where it is packed.
    const Step& at(uint64_t place, std::optional<Step>& room) const noexcept {
        if (all_kept_) return kept_[place];
        const PackedStep& packed = packed_[place];
        return packed.is_kept() ? kept_[packed.place()] : at(place, room.emplace());
    }

    AskedBy asked(uint64_t place) const noexcept {
        if (all_kept_) return asked_by(kept_[place]);
        const PackedStep& packed = packed_[place];
        return packed.is_kept() ? asked_by(kept_[packed.place()]) : packed.asked();
    }

    NamedBy named(uint64_t place) const noexcept {
        if (all_kept_) return named_by(kept_[place]);
        const PackedStep& packed = packed_[place];
        return packed.is_kept() ? named_by(kept_[packed.place()]) : packed.named();
    }

    // They lie one behind the other, but each is longer than what the processor fetches ahead. Inlined, as GCC leaves
    // out calls of what does nothing but prefetch.
    [[gnu::always_inline]] void prefetch(uint64_t place) const noexcept {
        if (all_kept_) return prefetch_lines(kept_[place]);
        const PackedStep& packed = packed_[place];
        if (packed.is_kept()) [[unlikely]] {
            prefetch_lines(kept_[packed.place()]);
        } else {
            prefetch_lines(packed);
        }
    }

private:
    template <class Any>
    [[gnu::always_inline]] static void prefetch_lines(const Any& of) noexcept {
        constexpr uint64_t LINE = 64;  // of a cache
        const auto* bytes = reinterpret_cast<const char*>(&of);
        for (uint64_t offset = 0; offset < sizeof of; offset += LINE) __builtin_prefetch(bytes + offset);
    }

    LargeArray<PackedStep> packed_;
    Array<Step> kept_;
    bool all_kept_ = true;  // each at its own place, so that nobody need look for it among the packed ones
};

}  // namespace blockstm::evm
