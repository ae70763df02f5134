// What a call of the EVM is called in EVMC.
#pragma once

#include "blockstm/evmc.h"
#include "evm/run/frame.hpp"

namespace blockstm::evm {

// A static call is a plain one there, with a flag.
inline evmc_call_kind to_evmc(CallKind kind) noexcept {
    switch (kind) {
        case CallKind::CallCode: return EVMC_CALLCODE;
        case CallKind::DelegateCall: return EVMC_DELEGATECALL;
        case CallKind::Create: return EVMC_CREATE;
        case CallKind::Create2: return EVMC_CREATE2;
        case CallKind::Call:
        case CallKind::StaticCall: break;
    }
    return EVMC_CALL;
}

}  // namespace blockstm::evm
