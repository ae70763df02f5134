// The journal's undo log: one entry for each change, taken back newest first; see journal.hpp.
//
// A checkpoint is a place in the log, with the state of logs and refunds there. What was learnt of the
// chain is never undone: it stays a condition of the run.
#include "evm/journal/journal.hpp"
#include "evm/precompiles/precompiles.hpp"

namespace blockstm::evm {

bool Journal::enter(Checkpoint& checkpoint) noexcept {
    checkpoint.place_ = undo_.size();
    Undo step{};
    step.kind = UndoKind::Checkpoint;
    step.number = log_count_;
    step.account = nullptr;
    step.word.limb[0] = logs_.size();
    step.word.limb[1] = static_cast<uint64_t>(refund_);
    if (!push(step)) return false;
    checkpoint_ = checkpoint.place_;
    return true;
}

void Journal::revert(const Checkpoint& checkpoint) noexcept {
    while (undo_.size() > checkpoint.place_) {
        undo(undo_.back());
        undo_.pop();
    }
    // Entries before it are of an outer checkpoint; what is logged from here on is behind it in any case.
    checkpoint_ = checkpoint.place_;
}

namespace {

// In block 2,675,119 clients kept the touch of the empty account 0x3 although its call was undone, and so
// it was cleared. History is as it is: this touch is not undone.
bool keeps_touch(const Address& address) noexcept {
    return address == precompile_address(precompile::RIPEMD160);
}

}  // namespace

void Journal::undo(const Undo& step) noexcept {
    switch (step.kind) {
        case UndoKind::Checkpoint:
            logs_.truncate(step.word.limb[0]);
            refund_ = static_cast<int64_t>(step.word.limb[1]);
            log_count_ = step.number;
            break;
        case UndoKind::Flags: {
            uint8_t kept = 0;
            if (fork() >= Fork::SpuriousDragon && keeps_touch(step.account->address)) {
                kept = step.account->flags & TOUCHED;
            }
            step.account->flags = step.flags | kept;
            break;
        }
        case UndoKind::Balance:
            step.account->delta.magnitude = step.word;
            step.account->delta.is_negative = step.flags != 0;
            break;
        case UndoKind::Nonce: step.account->nonce = step.word.limb[0]; break;
        case UndoKind::CodeHash:
            step.account->has_code = step.flags != 0;
            step.account->new_code = static_cast<int32_t>(step.number);
            std::memcpy(step.account->code_hash.bytes, step.word.limb, sizeof(Hash32));
            step.account->code = nullptr;
            break;
        case UndoKind::SlotWarm: step.slot->is_warm = false; break;
        case UndoKind::SlotValue:
            step.slot->value = step.word;
            step.slot->logged_at = step.number;
            break;
        case UndoKind::Transient: step.transient->value = step.word; break;
    }
}

}  // namespace blockstm::evm
