// Lookahead; see lookahead.hpp.
#include "evm/lookahead.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "evm/journal/records.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t WORD = 32;
constexpr uint64_t SELECTOR = 4;  // bytes
constexpr uint64_t ADDRESS_AT = WORD - sizeof(Address);
constexpr uint64_t LINE = 64;  // of a cache

void prefetch_account(blockstm_view* view, const Address& address) noexcept {
    uint8_t key[sizeof(Address) + 1];
    std::memcpy(key, address.bytes, sizeof(Address));
    key[sizeof(Address)] = static_cast<uint8_t>(TAGS[BALANCE]);
    view->api->prefetch(view, key, sizeof key);
}

void prefetch_slot(blockstm_view* view, const Address& address, const uint8_t* slot) noexcept {
    uint8_t key[sizeof(Address) + WORD];
    std::memcpy(key, address.bytes, sizeof(Address));
    std::memcpy(key + sizeof(Address), slot, WORD);
    view->api->prefetch(view, key, sizeof key);
}

// Steps lie one behind the other, but each is longer than what the processor fetches ahead. What a transaction does
// not have is not asked for.
void prefetch_step(const Step& step) noexcept {
    const auto* bytes = reinterpret_cast<const char*>(&step);
    constexpr uint64_t END = offsetof(Step, transaction) + sizeof(Transaction);
    for (uint64_t offset = 0; offset < END; offset += LINE) __builtin_prefetch(bytes + offset);
}

bool calls_method(const Step& step) noexcept {
    const Transaction& transaction = step.transaction;
    return is_of_the_block(step.kind) && !transaction.creates && transaction.data.size >= SELECTOR + WORD;
}

uint32_t selector_of(const Transaction& transaction) noexcept {
    uint32_t selector;
    std::memcpy(&selector, transaction.data.data, SELECTOR);
    return selector;
}

// A word of the transaction that a hash may be of: 0 is its sender, the others are its arguments; false where
// there are not so many.
bool source_word(const Transaction& transaction, uint64_t source, uint8_t word[WORD]) noexcept {
    if (source == 0) {
        std::memset(word, 0, ADDRESS_AT);
        std::memcpy(word + ADDRESS_AT, transaction.sender.bytes, sizeof(Address));
        return true;
    }
    const uint64_t end = SELECTOR + source * WORD;
    if (transaction.data.size < end) return false;
    std::memcpy(word, transaction.data.data + end - WORD, WORD);
    return true;
}

}  // namespace

// Hashes to be made together, and the slots to be asked for when they are there.
struct Lookahead::Group {
    static constexpr uint64_t SIZE = RULES * GROUP;
    struct Guess {
        const Address* contract;
        uint8_t bytes[HashMemo::SIZE];
        uint8_t hash[WORD];
    };
    Guess guesses[SIZE];
    KeccakTask tasks[SIZE];
    uint64_t count = 0;  // of guesses
    uint64_t unknown = 0;  // of tasks

    void finish(blockstm_view* view, HashMemo& hashes) noexcept {
        keccak256_many(tasks, unknown);
        for (uint64_t place = 0; place < unknown; ++place) hashes.put(tasks[place].data, tasks[place].out);
        for (uint64_t place = 0; place < count; ++place) {
            prefetch_slot(view, *guesses[place].contract, guesses[place].hash);
        }
    }
};

bool Lookahead::is_of(const Method& method, const Transaction& transaction) const noexcept {
    return is_there_[&method - methods_] && method.selector == selector_of(transaction) &&
           method.contract == transaction.to;
}

Lookahead::Method& Lookahead::method_of(const Transaction& transaction) noexcept {
    uint64_t contract;
    std::memcpy(&contract, transaction.to.bytes, sizeof contract);
    const uint64_t mixed = (contract ^ selector_of(transaction)) * 0x9E3779B97F4A7C15;
    return methods_[mixed >> 32 & (METHODS - 1)];
}

void Lookahead::advance(const Array<Step>& steps, int64_t index, blockstm_view* view, HashMemo& hashes) noexcept {
    if (view->api->prefetch == nullptr) return;
    const auto count = static_cast<int64_t>(steps.size());
    const bool goes_on = steps_ == &steps && next_ > index && next_ <= index + AHEAD;
    if (!goes_on) next_ = index + 1;
    steps_ = &steps;
    while (next_ < count && next_ + GROUP <= index + 1 + AHEAD) {
        Group group;
        const int64_t end = std::min(next_ + GROUP, count);
        for (; next_ < end; ++next_) {
            const Step& step = steps[static_cast<uint64_t>(next_)];
            if (next_ + GROUP < count) prefetch_step(steps[static_cast<uint64_t>(next_ + GROUP)]);
            if (!is_of_the_block(step.kind)) continue;
            prefetch_account(view, step.transaction.sender);
            if (!step.transaction.creates && !(step.transaction.to == called_)) {
                called_ = step.transaction.to;
                prefetch_account(view, called_);
            }
            if (calls_method(step)) guess(step.transaction, hashes, group);
        }
        group.finish(view, hashes);
    }
}

void Lookahead::guess(const Transaction& transaction, HashMemo& hashes, Group& group) noexcept {
    const Method& method = method_of(transaction);
    if (!is_of(method, transaction) || !method.is_learnt) return;
    for (uint64_t place = 0; place < method.count; ++place) {
        const Rule& rule = method.rules[place];
        Group::Guess& made = group.guesses[group.count];
        uint8_t* word = made.bytes + (rule.source_first ? 0 : WORD);
        if (!source_word(transaction, rule.source, word)) continue;
        std::memcpy(made.bytes + (rule.source_first ? WORD : 0), rule.constant, WORD);
        made.contract = &transaction.to;
        ++group.count;
        if (const uint8_t* known = hashes.find(made.bytes)) {
            std::memcpy(made.hash, known, WORD);
        } else {
            group.tasks[group.unknown++] = {made.bytes, HashMemo::SIZE, made.hash};
        }
    }
}

void Lookahead::learn(const Step& step, const HashMemo& hashes) noexcept {
    if (!calls_method(step)) return;
    const Transaction& transaction = step.transaction;
    Method& method = method_of(transaction);
    if (!is_of(method, transaction)) {
        method = {transaction.to, selector_of(transaction), false, 0, {}};
        is_there_[&method - methods_] = true;
    } else if (!method.is_learnt) {
        learn_rules(method, transaction, hashes);
    }
}

void Lookahead::learn_rules(Method& method, const Transaction& transaction, const HashMemo& hashes) noexcept {
    method.is_learnt = true;
    for (uint64_t made = 0; made < hashes.made_count() && method.count < RULES; ++made) {
        const uint8_t* bytes = hashes.made(made);
        uint8_t word[WORD];
        for (uint8_t source = 0; source <= ARGUMENTS && source_word(transaction, source, word); ++source) {
            const bool is_first = std::memcmp(bytes, word, WORD) == 0;
            if (!is_first && std::memcmp(bytes + WORD, word, WORD) != 0) continue;
            Rule& rule = method.rules[method.count++];
            rule.source = source;
            rule.source_first = is_first;
            std::memcpy(rule.constant, bytes + (is_first ? WORD : 0), WORD);
            break;
        }
    }
}

}  // namespace blockstm::evm
