// The host's functions as EVMC has them: pointers checked, words turned around; see host.hpp.
#include "evm/evmc/conversions.hpp"
#include "evm/evmc/host.hpp"

#include <algorithm>

namespace blockstm::evm {
namespace {

EvmcHost& host_of(evmc_host_context* context) noexcept { return *reinterpret_cast<EvmcHost*>(context); }

// Whether none of what the library hands over is null; where one is, the run is over.
template <class... Pointers>
bool are_there(evmc_host_context* context, const Pointers*... pointers) noexcept {
    return (... && (pointers != nullptr)) || host_of(context).broken(EvmcFault::NullPointer);
}

bool account_exists(evmc_host_context* context, const evmc_address* address) noexcept {
    return are_there(context, address) && host_of(context).account_exists(from_evmc(*address));
}

evmc_bytes32 get_storage(evmc_host_context* context, const evmc_address* address, const evmc_bytes32* key) noexcept {
    if (!are_there(context, address, key)) return {};
    return to_evmc(host_of(context).storage(from_evmc(*address), from_evmc(*key)));
}

evmc_storage_status set_storage(evmc_host_context* context, const evmc_address* address, const evmc_bytes32* key,
                                const evmc_bytes32* value) noexcept {
    if (!are_there(context, address, key, value)) return EVMC_STORAGE_ASSIGNED;
    return host_of(context).set_storage(from_evmc(*address), from_evmc(*key), from_evmc(*value));
}

evmc_uint256be get_balance(evmc_host_context* context, const evmc_address* address) noexcept {
    if (!are_there(context, address)) return {};
    return to_evmc(host_of(context).balance(from_evmc(*address)));
}

size_t get_code_size(evmc_host_context* context, const evmc_address* address) noexcept {
    return are_there(context, address) ? host_of(context).code(from_evmc(*address)).size : 0;
}

evmc_bytes32 get_code_hash(evmc_host_context* context, const evmc_address* address) noexcept {
    if (!are_there(context, address)) return {};
    return to_evmc(host_of(context).code_hash(from_evmc(*address)));
}

size_t copy_code(evmc_host_context* context, const evmc_address* address, size_t offset, uint8_t* buffer,
                 size_t size) noexcept {
    if (size == 0 || !are_there(context, address, buffer)) return 0;
    const Span code = host_of(context).code(from_evmc(*address));
    if (offset >= code.size) return 0;
    const size_t count = std::min<size_t>(size, code.size - offset);
    std::memcpy(buffer, code.data + offset, count);
    return count;
}

bool selfdestruct(evmc_host_context* context, const evmc_address* address, const evmc_address* beneficiary) noexcept {
    if (!are_there(context, address, beneficiary)) return false;
    return host_of(context).selfdestruct(from_evmc(*address), from_evmc(*beneficiary));
}

evmc_result call(evmc_host_context* context, const evmc_message* message) noexcept {
    if (are_there(context, message)) return host_of(context).call(*message);
    evmc_result result{};
    result.status_code = EVMC_INTERNAL_ERROR;
    return result;
}

evmc_tx_context get_tx_context(evmc_host_context* context) noexcept { return host_of(context).transaction_context(); }

evmc_bytes32 get_block_hash(evmc_host_context* context, int64_t number) noexcept {
    return to_evmc(host_of(context).block_hash(number));
}

void emit_log(evmc_host_context* context, const evmc_address* address, const uint8_t* data, size_t size,
              const evmc_bytes32 topics[], size_t topic_count) noexcept {
    if (!are_there(context, address) || (size != 0 && !are_there(context, data))) return;
    if (topic_count != 0 && !are_there(context, topics)) return;
    host_of(context).log(from_evmc(*address), {data, size}, topics, topic_count);
}

evmc_access_status access_account(evmc_host_context* context, const evmc_address* address) noexcept {
    if (!are_there(context, address)) return EVMC_ACCESS_COLD;
    return host_of(context).was_warm(from_evmc(*address)) ? EVMC_ACCESS_WARM : EVMC_ACCESS_COLD;
}

evmc_access_status access_storage(evmc_host_context* context, const evmc_address* address,
                                  const evmc_bytes32* key) noexcept {
    if (!are_there(context, address, key)) return EVMC_ACCESS_COLD;
    return host_of(context).was_warm(from_evmc(*address), from_evmc(*key)) ? EVMC_ACCESS_WARM : EVMC_ACCESS_COLD;
}

evmc_bytes32 get_transient_storage(evmc_host_context* context, const evmc_address* address,
                                   const evmc_bytes32* key) noexcept {
    if (!are_there(context, address, key)) return {};
    return to_evmc(host_of(context).transient_storage(from_evmc(*address), from_evmc(*key)));
}

void set_transient_storage(evmc_host_context* context, const evmc_address* address, const evmc_bytes32* key,
                           const evmc_bytes32* value) noexcept {
    if (!are_there(context, address, key, value)) return;
    host_of(context).set_transient_storage(from_evmc(*address), from_evmc(*key), from_evmc(*value));
}

}  // namespace

const evmc_host_interface EVMC_HOST_INTERFACE = {
    account_exists, get_storage,    set_storage,    get_balance,    get_code_size,         get_code_hash,
    copy_code,      selfdestruct,   call,           get_tx_context, get_block_hash,        emit_log,
    access_account, access_storage, get_transient_storage, set_transient_storage,
};

}  // namespace blockstm::evm
