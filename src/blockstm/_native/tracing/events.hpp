// What is recorded of a run, read event by event (evm/inspect/recorder.hpp has the layouts).
#pragma once

#include <cstring>

#include "base/bytes.hpp"
#include "evm/inspect/recorder.hpp"

namespace blockstm::tracing {

// How events were read, and what is made of them was written: it may be larger than its reader has room for.
enum class Reading : uint8_t { Done, TooLarge, NoMemory, Malformed };

// Numbers and bytes one behind the other. Beyond the end there are none: what is asked for there is zeros.
class EventReader {
public:
    explicit EventReader(Span events) noexcept : at_(events.data), end_(events.data + events.size) {}

    bool at_end() const noexcept { return at_ == end_; }
    bool is_well() const noexcept { return is_well_; }  // all that was asked for was there

    template <class Number>
    Number number() noexcept {
        Number number{};
        if (const uint8_t* bytes = take(sizeof number)) std::memcpy(&number, bytes, sizeof number);
        return number;
    }
    // Null where there are not so many.
    const uint8_t* take(uint64_t size) noexcept {
        if (static_cast<uint64_t>(end_ - at_) < size) {
            is_well_ = false;
            at_ = end_;
            return nullptr;
        }
        const uint8_t* const taken = at_;
        at_ += size;
        return taken;
    }
    Address address() noexcept {
        Address address{};
        if (const uint8_t* bytes = take(sizeof address)) std::memcpy(&address, bytes, sizeof address);
        return address;
    }
    u256 word() noexcept {
        const uint8_t* bytes = take(32);
        return bytes == nullptr ? u256{} : load_be(bytes);
    }
    Span sized() noexcept {
        const auto size = number<uint32_t>();
        const uint8_t* bytes = take(size);
        return {bytes, bytes == nullptr ? 0 : size};
    }

private:
    const uint8_t* at_;
    const uint8_t* end_;
    bool is_well_ = true;
};

struct CallBegan {
    evm::CallKind kind;
    Address caller, target, code_address;
    u256 value;
    int64_t gas;
    Span input;

    bool creates() const noexcept { return kind >= evm::CallKind::Create; }
};

struct CallEnded {
    bool succeeded;
    evm::Failure failure;
    int64_t gas_left;
    Address created;
    Span output;
};

// An instruction at which its frame failed.
struct Fault {
    uint8_t opcode;
    uint16_t height;  // of the stack
    int64_t gas;
};

struct Logged {
    Address address;
    const uint8_t* topics;
    uint8_t topic_count;
    Span data;
};

struct SelfDestructed {
    Address address, beneficiary;
    u256 amount;
};

inline CallBegan read_call(EventReader& events) noexcept {
    CallBegan call;
    call.kind = static_cast<evm::CallKind>(events.number<uint8_t>());
    events.take(sizeof(uint16_t) + sizeof(uint8_t));  // its depth, and whether it is static
    call.caller = events.address(), call.target = events.address(), call.code_address = events.address();
    call.value = events.word();
    call.gas = events.number<int64_t>();
    call.input = events.sized();
    return call;
}

inline CallEnded read_call_end(EventReader& events) noexcept {
    CallEnded end;
    events.take(sizeof(uint8_t) + sizeof(uint16_t));  // its kind and depth
    end.succeeded = events.number<uint8_t>() != 0;
    end.failure = static_cast<evm::Failure>(events.number<uint8_t>());
    end.gas_left = events.number<int64_t>();
    end.created = events.address();
    end.output = events.sized();
    return end;
}

inline Fault read_fault(EventReader& events) noexcept {
    Fault fault;
    fault.opcode = events.number<uint8_t>();
    fault.height = events.number<uint16_t>();
    fault.gas = events.number<int64_t>();
    events.take(sizeof(uint8_t));  // why, which the end of the call says
    return fault;
}

inline Logged read_log(EventReader& events) noexcept {
    Logged log;
    log.address = events.address();
    log.topic_count = events.number<uint8_t>();
    log.topics = events.take(uint64_t{log.topic_count} * sizeof(Hash32));
    log.data = events.sized();
    return log;
}

inline SelfDestructed read_selfdestruct(EventReader& events) noexcept {
    SelfDestructed gone;
    gone.address = events.address(), gone.beneficiary = events.address();
    gone.amount = events.word();
    return gone;
}

}  // namespace blockstm::tracing
