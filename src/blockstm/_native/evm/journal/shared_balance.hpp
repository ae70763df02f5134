// The balance of an account that the transactions of a block have in common, its coinbase: located once a block.
//
// Used by one worker, like the journal that owns it.
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/journal/records.hpp"

namespace blockstm::evm {

class SharedBalance {
public:
    // What `locate` of the view returns.
    int32_t locate(blockstm_view* view, const Address& address, blockstm_location& location) noexcept {
        const bool is_known = run_ != 0 && run_ == view->run && address_ == address;
        if (!is_known) {
            uint8_t key[sizeof address.bytes + 1];
            std::memcpy(key, address.bytes, sizeof address.bytes);
            key[sizeof address.bytes] = static_cast<uint8_t>(TAGS[BALANCE]);
            const int32_t status = view->api->locate(view, key, sizeof key, &location_);
            if (status != BLOCKSTM_OK) return status;
            run_ = view->run;
            address_ = address;
        }
        location = location_;
        return BLOCKSTM_OK;
    }

private:
    uint64_t run_ = 0;  // of a block by one worker
    Address address_{};
    blockstm_location location_ = 0;
};

}  // namespace blockstm::evm
