// A recorder of what a transaction has to do with, before and after it: the accounts and slots that go-ethereum's
// prestateTracer shows. Their values are read by the transaction itself, so that they are those of the run that counts.
//
//   ACCOUNT        20 bytes address; balance before and after; u64 nonce before and after; 32 bytes hash of the code
//                  before and after, zeros where there is none
//   SLOT           20 bytes address; key; value before and after
//                  A balance that the transaction has not read is asked for (`ask`), with where it stands as the tag;
//                  until `fill_in_balance` has put it there, zero is before, and after it how much was added or taken
//   CREATED, GONE  20 bytes address of a creation, be it one that fails; of an account that has destroyed itself; both
//                  even where a revert took that back
//
// No steps are followed. Code runs gas block by gas block then, and one that fails at its beginning does nothing; but
// what reads an account or a slot is the last of its gas block, and would not have come to be paid for.
#pragma once

#include "evm/block.hpp"
#include "evm/inspect/recorder.hpp"

namespace blockstm::evm {

class PreStateRecorder final : public Recorder {
public:
    PreStateRecorder(uint16_t mask, const Step& step, RecordingRoom& room) noexcept
        : Recorder(mask, room), step_(step) {}

    void call(Machine& machine, const CallStart& start) noexcept override;
    void sload(const Address& address, const u256& key, const u256&) noexcept override { see_slot(address, key); }
    void sstore(const Address& address, const u256& key, const u256&) noexcept override { see_slot(address, key); }
    void selfdestruct(const Address& address, const Address& beneficiary, const u256& amount) noexcept override;
    void account_read(const Address& address) noexcept override { see(address); }
    bool finish(Machine& machine) noexcept override;

private:
    struct Seen {
        Address address;
        bool is_called;  // what it is delegated to is seen, too (EIP-7702)
        bool is_slot;
        u256 key;
    };

    void see(const Address& address, bool is_called = false) noexcept { note({address, is_called, false, {}}); }
    void see_slot(const Address& address, const u256& key) noexcept { note({address, false, true, key}); }
    void note(const Seen& seen) noexcept { is_full = is_full || !seen_.push(seen); }
    bool has_parties() const noexcept { return is_of_the_block(step_.kind) || step_.kind == StepKind::Call; }
    void see_parties(Machine& machine) noexcept;
    bool see_delegations(Machine& machine) noexcept;
    bool see_delegation(Journal& journal, const Address& address, bool is_before) noexcept;
    void forget_repeated() noexcept;
    bool write(Machine& machine, const Seen& seen) noexcept;
    bool write_account(Journal& journal, Account* account) noexcept;

    const Step& step_;
    Array<Seen> seen_;
};

// A balance that was asked for with this tag, before the transaction.
void fill_in_balance(Bytes& events, uint64_t tag, const u256& before) noexcept;

}  // namespace blockstm::evm
