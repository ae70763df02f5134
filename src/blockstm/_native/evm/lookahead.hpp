// Lookahead: what the steps to come will most likely read is asked for while others run.
//
// Senders and receivers are known from the start. Slots are guessed: where a call of a method met a mapping's slot
// whose key is the hash of a constant word and of its sender, its callee or a word of its calldata (or the hash of
// such a hash and another of these words), the next call of the method will do so too. The slot is the callee's, or
// that of a contract which it calls in turn. Such hashes are made side by side, which costs less than one after
// another, and the machine finds them in its memo.
//
// Many contracts are of one kind, as pools are: what calls of a method to several of them have in common, plain
// slots as well, is guessed for one that was never met.
//
// What is guessed for calls that then make few of these hashes is guessed no more, until calls make them again: who
// has a method learn many slots, and then stops at its beginning, makes others guess in vain a few times only.
//
// A guess decides nothing: it fills caches, and the memo with hashes that are right in any case. One thread at a
// time; what was learnt of methods lives as long as the thread.
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/journal/journal.hpp"
#include "evm/run/hash_memo.hpp"
#include "evm/step_list.hpp"

namespace blockstm::evm {

class Lookahead {
public:
    // Before step `index` of a block runs: looks at steps after it that were not looked at before.
    void advance(const StepList& steps, int64_t index, blockstm_view* view, HashMemo& hashes) noexcept;
    // After it has run: learns which of the slots that it met follow from its caller and its calldata.
    void learn(const NamedBy& step, Journal& journal, const HashMemo& hashes) noexcept;

private:
    static constexpr int64_t AHEAD = 24;  // steps
    static constexpr int64_t GROUP = 4;   // steps whose hashes are made together
    static constexpr uint64_t RULES = 12;
    static constexpr uint64_t SLOTS = 24;     // the first of a call, that are looked at
    static constexpr uint64_t ARGUMENTS = 4;  // of a call, that are compared
    static constexpr uint64_t METHODS = 128;
    static constexpr uint64_t KINDS = 32;
    static constexpr uint8_t CREDIT = 4;         // calls for which is guessed in vain at first
    static constexpr uint8_t CREDIT_MAX = 8;     // and after calls for which it was not
    static constexpr uint8_t TRIED_FROM = 4;     // calls of contracts not met before
    static constexpr uint8_t CHECKED_EACH = 16;  // likewise
    static constexpr uint8_t GIVEN_UP_AT = 8;    // contracts that had nothing in common with the ones before

    // The word of a hash that comes from the transaction.
    struct Part {
        uint8_t source;  // 0: the sender; 1: the callee; from 2 on: the arguments
        bool source_first;
    };
    // How a slot's key is made: it is `word`, or the hash of that and `outer`, or of `outer` and the hash of `word`
    // and `inner`. A rule is compared byte by byte.
    struct Rule {
        bool is_of_callee;  // the slot; else of `contract`
        uint8_t depth;      // hashes
        Part outer, inner;
        Address contract;
        uint8_t word[32];
    };
    struct Rules {
        uint64_t count;
        uint64_t hashes;  // that they take
        uint8_t credit;   // without, nothing is guessed
        Rule all[RULES];

        void clear() noexcept { count = hashes = 0, credit = CREDIT; }
        void count_hashes() noexcept;
        // A call has made so many hashes.
        void judge(uint64_t made) noexcept;
    };
    struct Method {
        Address contract;
        uint32_t selector;
        bool is_learnt;  // else it was met once; a contract that is met once is not worth more
        Rules rules;
    };
    // The methods with one selector, of contracts of whatever kind.
    struct Kind {
        uint32_t selector;
        uint8_t calls;      // of contracts not met before; fewer by those of other selectors in the same place
        bool is_common;     // the rules are those of at least two contracts
        uint8_t unchecked;  // calls since that was looked at
        uint8_t failures;
        Rules rules;
    };
    struct Group;

    bool is_of(const Method& method, const NamedBy& step) const noexcept;
    Method& method_of(const NamedBy& step) noexcept;
    Kind& kind_of(const NamedBy& step) noexcept;
    static bool knows(const Kind& kind, const NamedBy& step) noexcept;
    void learn_kind(const NamedBy& step, Journal& journal, const HashMemo& hashes) noexcept;
    static void find_rules(Rules& rules, const NamedBy& step, Journal& journal, const HashMemo& hashes,
                           bool with_plain) noexcept;
    void guess(const NamedBy& step, Group& group) noexcept;

    const void* steps_ = nullptr;  // of the block that was looked at last, and how far
    int64_t next_ = 0;
    Address called_{};             // last; what all call need not be asked for each time
    bool is_there_[METHODS] = {};  // a method; the others are not touched
    Method methods_[METHODS];
    Kind kinds_[KINDS] = {};
};

}  // namespace blockstm::evm
