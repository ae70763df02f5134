// Lookahead: what the steps to come will most likely read is asked for while others run.
//
// Senders and receivers are known from the start. Slots are guessed: where a call of a method found a
// mapping's slot by the hash of its caller, or of a word of its calldata, and a constant word, the next call of
// the method will do so too. Such hashes are made side by side, which costs less than one after another, and the
// machine finds them in its memo.
//
// A guess decides nothing: it fills caches, and the memo with hashes that are right in any case. One thread at a
// time; what was learnt of methods lives as long as the thread.
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/block.hpp"
#include "evm/run/hash_memo.hpp"

namespace blockstm::evm {

class Lookahead {
public:
    // Before step `index` of a block runs: looks at steps after it that were not looked at before.
    void advance(const Array<Step>& steps, int64_t index, blockstm_view* view, HashMemo& hashes) noexcept;
    // After it has run: learns which of the hashes that it made are like its caller and its calldata.
    void learn(const Step& step, const HashMemo& hashes) noexcept;

private:
    static constexpr int64_t AHEAD = 24;  // steps
    static constexpr int64_t GROUP = 4;   // steps whose hashes are made together
    static constexpr uint64_t RULES = 4;
    static constexpr uint64_t ARGUMENTS = 4;  // of a call, that are compared
    static constexpr uint64_t METHODS = 128;

    // How the 64 bytes of a hash are made: one word from the transaction, one that stays.
    struct Rule {
        uint8_t source;     // 0: the sender; else the word of the arguments before this
        bool source_first;
        uint8_t constant[32];
    };
    struct Method {
        Address contract;
        uint32_t selector;
        bool is_learnt;  // else it was met once; a contract that is met once is not worth more
        uint8_t count;
        Rule rules[RULES];
    };
    struct Group;

    bool is_of(const Method& method, const Transaction& transaction) const noexcept;
    Method& method_of(const Transaction& transaction) noexcept;
    void learn_rules(Method& method, const Transaction& transaction, const HashMemo& hashes) noexcept;
    void guess(const Transaction& transaction, HashMemo& hashes, Group& group) noexcept;

    const void* steps_ = nullptr;  // of the block that was looked at last, and how far
    int64_t next_ = 0;
    Address called_{};             // last; what all call need not be asked for each time
    bool is_there_[METHODS] = {};  // a method; the others are not touched
    Method methods_[METHODS];
};

}  // namespace blockstm::evm
