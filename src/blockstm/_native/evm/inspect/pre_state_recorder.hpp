// A recorder of what a transaction has to do with, before and after it: the accounts and slots that go-ethereum's
// prestateTracer shows. Their values are read by the transaction itself, so that they are those of the run that counts.
//
//   ACCOUNT        20 bytes address; balance before and after; u64 nonce before and after; 32 bytes hash of the code
//                  before and after, zeros where there is none
//   SLOT           20 bytes address; key; value before and after
//   CREATED, GONE  20 bytes address of a creation, be it one that fails; of an account that has destroyed itself; both
//                  even where a revert took that back
#pragma once

#include "evm/block.hpp"
#include "evm/inspect/recorder.hpp"

namespace blockstm::evm {

class PreStateRecorder final : public Recorder {
public:
    PreStateRecorder(uint16_t mask, const Step& step, RecordingRoom& room) noexcept
        : Recorder(mask, room), step_(step) {}

    void step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept override;
    void step_end(const Machine& machine, int64_t gas, Failure failure) noexcept override;
    void call(Machine& machine, const CallStart& start) noexcept override;
    void code_read(const Address& address) noexcept override { see(address); }
    bool finish(Machine& machine) noexcept override;

private:
    struct Seen {
        Address address;
        bool is_called;  // what it is delegated to is seen, too (EIP-7702)
        bool is_slot;
        u256 key;
    };

    void see(const Address& address, bool is_called = false) noexcept { note({address, is_called, false, {}}); }
    void note(const Seen& seen) noexcept { is_full = is_full || !seen_.push(seen); }
    void see_parties(Machine& machine) noexcept;
    bool see_delegations(Machine& machine) noexcept;
    void forget_repeated() noexcept;
    bool write(Machine& machine, const Seen& seen) noexcept;

    const Step& step_;
    Array<Seen> seen_;
    Seen next_{};  // of the instruction that goes on
    bool has_next_ = false;
    bool destroys_ = false;
};

}  // namespace blockstm::evm
