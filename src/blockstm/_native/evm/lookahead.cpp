// Lookahead; see lookahead.hpp.
#include "evm/lookahead.hpp"

#include <algorithm>
#include <cstring>

#include "evm/journal/records.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t WORD = 32;
constexpr uint64_t SELECTOR = 4;  // bytes
constexpr uint64_t ADDRESS_AT = WORD - sizeof(Address);

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

bool calls_method(const NamedBy& step) noexcept {
    return step.is_of_the_block && !step.creates && step.data.size >= SELECTOR + WORD;
}

uint32_t selector_of(const NamedBy& step) noexcept {
    uint32_t selector;
    std::memcpy(&selector, step.data.data, SELECTOR);
    return selector;
}

void address_word(const Address& address, uint8_t word[WORD]) noexcept {
    std::memset(word, 0, ADDRESS_AT);
    std::memcpy(word + ADDRESS_AT, address.bytes, sizeof(Address));
}

constexpr uint64_t ADDRESSES = 2;  // the first sources: who calls, and what

// Where the argument ends that is a source.
constexpr uint64_t argument_end(uint64_t source) noexcept { return SELECTOR + (source - ADDRESSES + 1) * WORD; }

bool has_word(const NamedBy& step, uint64_t source) noexcept {
    return source < ADDRESSES || argument_end(source) <= step.data.size;
}

// A word of the transaction that a hash may be of, where it has that.
void source_word(const NamedBy& step, uint64_t source, uint8_t word[WORD]) noexcept {
    if (source < ADDRESSES) {
        address_word(source == 0 ? *step.sender : *step.to, word);
    } else {
        std::memcpy(word, step.data.data + argument_end(source) - WORD, WORD);
    }
}

}  // namespace

// Slots to be asked for when their keys are there: hashes to be made together, first those that others are made of.
struct Lookahead::Group {
    static constexpr uint64_t SIZE = RULES * GROUP;
    struct Guess {
        const Rule* rule;
        const NamedBy* step;
        uint8_t bytes[HashMemo::SIZE];
        uint8_t key[WORD];
    };

    // Both stay as they are until `finish`.
    void add(const Rule& rule, const NamedBy& step) noexcept {
        Guess& guess = guesses_[count_++];
        guess.rule = &rule;
        guess.step = &step;
        std::memcpy(guess.key, rule.word, WORD);
        depth_ = std::max(depth_, rule.depth);
    }

    void finish(blockstm_view* view, HashMemo& hashes) noexcept {
        for (uint8_t depth = 1; depth <= depth_; ++depth) make_hashes(depth, hashes);
        for (uint64_t place = 0; place < count_; ++place) {
            const Guess& guess = guesses_[place];
            const Rule& rule = *guess.rule;
            prefetch_slot(view, rule.is_of_callee ? *guess.step->to : rule.contract, guess.key);
        }
    }

private:
    // Of all guesses that have so many hashes or more, the innermost first; `key` is what they come to.
    void make_hashes(uint8_t depth, HashMemo& hashes) noexcept {
        KeccakTask tasks[SIZE];
        uint64_t unknown = 0;
        for (uint64_t place = 0; place < count_; ++place) {
            Guess& guess = guesses_[place];
            if (guess.rule->depth < depth) continue;
            const Part& part = depth == guess.rule->depth ? guess.rule->outer : guess.rule->inner;
            source_word(*guess.step, part.source, guess.bytes + (part.source_first ? 0 : WORD));
            std::memcpy(guess.bytes + (part.source_first ? WORD : 0), guess.key, WORD);
            if (const uint8_t* known = hashes.find(guess.bytes)) {
                std::memcpy(guess.key, known, WORD);
            } else {
                tasks[unknown++] = {guess.bytes, HashMemo::SIZE, guess.key};
            }
        }
        keccak256_many(tasks, unknown);
        for (uint64_t place = 0; place < unknown; ++place) hashes.put(tasks[place].data, tasks[place].out);
    }

    Guess guesses_[SIZE];
    uint64_t count_ = 0;
    uint8_t depth_ = 0;  // the greatest
};

void Lookahead::Rules::count_hashes() noexcept {
    hashes = 0;
    for (uint64_t place = 0; place < count; ++place) hashes += all[place].depth;
}

void Lookahead::Rules::judge(uint64_t made) noexcept {
    if (2 * made < std::min(hashes, HashMemo::MADE)) {
        credit -= credit != 0;
    } else {
        credit += credit != CREDIT_MAX;
    }
}

bool Lookahead::is_of(const Method& method, const NamedBy& step) const noexcept {
    return is_there_[&method - methods_] && method.selector == selector_of(step) &&
           method.contract == *step.to;
}

Lookahead::Method& Lookahead::method_of(const NamedBy& step) noexcept {
    uint64_t contract;
    std::memcpy(&contract, step.to->bytes, sizeof contract);
    const uint64_t mixed = (contract ^ selector_of(step)) * 0x9E3779B97F4A7C15;
    return methods_[mixed >> 32 & (METHODS - 1)];
}

void Lookahead::advance(const StepList& steps, int64_t index, blockstm_view* view, HashMemo& hashes) noexcept {
    if (view->api->prefetch == nullptr) return;
    const auto count = static_cast<int64_t>(steps.size());
    const bool goes_on = steps_ == &steps && next_ > index && next_ <= index + AHEAD;
    if (!goes_on) next_ = index + 1;
    steps_ = &steps;
    while (next_ < count && next_ + GROUP <= index + 1 + AHEAD) {
        Group group;
        NamedBy named[GROUP];
        const int64_t begin = next_;
        const int64_t end = std::min(next_ + GROUP, count);
        for (; next_ < end; ++next_) {
            const NamedBy& step = named[next_ - begin] = steps.named(static_cast<uint64_t>(next_));
            if (next_ + GROUP < count) steps.prefetch(static_cast<uint64_t>(next_ + GROUP));
            if (!step.is_of_the_block) continue;
            prefetch_account(view, *step.sender);
            if (!step.creates && !(*step.to == called_)) {
                called_ = *step.to;
                prefetch_account(view, called_);
            }
            if (calls_method(step)) guess(step, group);
        }
        group.finish(view, hashes);
    }
}

Lookahead::Kind& Lookahead::kind_of(const NamedBy& step) noexcept {
    return kinds_[selector_of(step) * 0x9E3779B1u >> 8 & (KINDS - 1)];
}

bool Lookahead::knows(const Kind& kind, const NamedBy& step) noexcept {
    return kind.calls != 0 && kind.selector == selector_of(step);
}

void Lookahead::guess(const NamedBy& step, Group& group) noexcept {
    const Method& method = method_of(step);
    const Kind& kind = kind_of(step);
    const Rules* rules = nullptr;
    if (is_of(method, step)) {
        if (method.is_learnt) rules = &method.rules;
    } else if (knows(kind, step) && kind.is_common) {
        rules = &kind.rules;
    }
    if (rules == nullptr || rules->credit == 0) return;
    for (uint64_t place = 0; place < rules->count; ++place) {
        const Rule& rule = rules->all[place];
        if (has_word(step, rule.outer.source) && has_word(step, rule.inner.source)) {
            group.add(rule, step);
        }
    }
}

void Lookahead::learn(const NamedBy& step, Journal& journal, const HashMemo& hashes) noexcept {
    if (!calls_method(step)) return;
    Method& method = method_of(step);
    if (!is_of(method, step)) {
        method.contract = *step.to;
        method.selector = selector_of(step);
        method.is_learnt = false;
        is_there_[&method - methods_] = true;
        learn_kind(step, journal, hashes);
    } else if (!method.is_learnt) {
        method.is_learnt = true;
        find_rules(method.rules, step, journal, hashes, false);
    } else {
        method.rules.judge(hashes.made_count());
    }
}

// What the contracts so far had in common, and this one has, too.
void Lookahead::learn_kind(const NamedBy& step, Journal& journal, const HashMemo& hashes) noexcept {
    Kind& kind = kind_of(step);
    if (!knows(kind, step)) {
        if (kind.calls != 0 && --kind.calls != 0) return;
        kind.selector = selector_of(step);
        kind.calls = 1;
        kind.is_common = false;
        kind.failures = 0;
        kind.rules.clear();
        return;
    }
    if (kind.calls != UINT8_MAX) ++kind.calls;
    if (kind.is_common) kind.rules.judge(hashes.made_count());
    if (kind.calls < TRIED_FROM || kind.failures == GIVEN_UP_AT) return;
    if (kind.is_common && ++kind.unchecked < CHECKED_EACH) return;
    kind.unchecked = 0;
    Rules found;
    find_rules(found, step, journal, hashes, true);
    const auto is_here = [&](const Rule& rule) noexcept {
        return std::any_of(found.all, found.all + found.count,
                           [&](const Rule& other) noexcept { return std::memcmp(&rule, &other, sizeof rule) == 0; });
    };
    const Rule* end = std::remove_if(kind.rules.all, kind.rules.all + kind.rules.count,
                                     [&](const Rule& rule) noexcept { return !is_here(rule); });
    kind.rules.count = static_cast<uint64_t>(end - kind.rules.all);
    kind.rules.count_hashes();
    kind.is_common = kind.rules.count != 0;
    if (kind.is_common) return;
    ++kind.failures;
    kind.rules = found;
}

// Of the first slots that a call has met, in the order in which it met them.
void Lookahead::find_rules(Rules& rules, const NamedBy& step, Journal& journal, const HashMemo& hashes,
                           bool with_plain) noexcept {
    rules.clear();
    if (hashes.made_count() == 0 && !with_plain) return;
    // The hash that a key is, and which of its words comes from the step.
    const auto taken_apart = [&](const uint8_t* key, Part& part, uint8_t* rest) noexcept {
        const uint64_t begin = load_be64(key);
        for (uint64_t made = 0; made < hashes.made_count(); ++made) {
            const uint8_t* hash = hashes.hash_made(made);
            if (load_be64(hash) != begin || std::memcmp(hash, key, WORD) != 0) continue;
            const uint8_t* bytes = hashes.made(made);
            uint8_t word[WORD];
            for (uint8_t source = 0; source < ADDRESSES + ARGUMENTS && has_word(step, source); ++source) {
                source_word(step, source, word);
                const bool is_first = std::memcmp(bytes, word, WORD) == 0;
                if (!is_first && std::memcmp(bytes + WORD, word, WORD) != 0) continue;
                part = {source, is_first};
                std::memcpy(rest, bytes + (is_first ? WORD : 0), WORD);
                return true;
            }
            return false;
        }
        return false;
    };
    uint64_t left = SLOTS;
    journal.each_slot([&](const Slot& slot) noexcept {
        if (left-- == 0) return false;
        Rule& rule = rules.all[rules.count];
        std::memset(static_cast<void*>(&rule), 0, sizeof rule);
        const Address& contract = slot.account->address;
        rule.is_of_callee = contract == *step.to;
        if (!rule.is_of_callee) rule.contract = contract;
        uint8_t key[WORD];
        store_be(slot.key, key);
        std::memcpy(rule.word, key, WORD);
        if (taken_apart(key, rule.outer, rule.word)) {
            rule.depth = 1;
            std::memcpy(key, rule.word, WORD);
            if (taken_apart(key, rule.inner, rule.word)) rule.depth = 2;
        }
        if (rule.depth != 0 || (with_plain && rule.is_of_callee)) ++rules.count;
        return rules.count < RULES;
    });
    rules.count_hashes();
}

}  // namespace blockstm::evm
