// Plain transfers; see plain_transfer.hpp.
#include "evm/transaction/plain_transfer.hpp"

#include <cstring>

#include "evm/precompiles/added.hpp"
#include "evm/transaction/fees.hpp"
#include "evm/transaction/result_encoding.hpp"
#include "evm/transaction/validity.hpp"

namespace blockstm::evm {

namespace {

blockstm_number number_of(const u256& magnitude, bool is_negative) noexcept {
    blockstm_number number{};
    std::memcpy(number.limb, magnitude.limb, sizeof number.limb);
    number.negative = is_negative ? 1 : 0;
    return number;
}

// One run of one transfer. Each function says false where the run goes no further this way.
struct Transfer {
    const Transaction& transaction;
    const BlockEnv& block;
    blockstm_view* view;
    const blockstm_view_api& api;
    blockstm_location sender[FIELDS];
    blockstm_location target[FIELDS];
    blockstm_location coinbase = 0;

    static bool is_ok(int32_t status) noexcept { return status == BLOCKSTM_OK; }

    bool locate(const Address& address, uint8_t fields, blockstm_location* locations) noexcept {
        return is_ok(api.locate_fields(view, address.bytes, sizeof address.bytes,
                                       reinterpret_cast<const uint8_t*>(TAGS), fields, locations));
    }

    bool is_absent(blockstm_location location) noexcept {
        blockstm_bytes bytes;
        return api.get(view, location, &bytes) == BLOCKSTM_ABSENT;
    }

    // A nonce of 0 is no value; any other is expected, so that a sender's transactions need not wait for each other.
    bool has_nonce() noexcept {
        if (transaction.nonce == 0) return is_absent(sender[NONCE]);
        const u256 nonce = transaction.nonce;
        int32_t holds = 0;
        return is_ok(api.expect(view, sender[NONCE], reinterpret_cast<const uint8_t*>(nonce.limb), sizeof nonce.limb,
                                &holds)) && holds != 0;
    }

    bool can_pay() noexcept {
        u256 cost;
        if (!cost_max(transaction, cost)) return false;
        const blockstm_number bound = number_of(cost, false);
        int32_t holds = 0;
        return is_ok(api.at_least(view, sender[BALANCE], &bound, &holds)) && holds != 0;
    }

    // In the order in which the general way asks.
    bool check() noexcept {
        return locate(transaction.sender, bit(NONCE) | bit(BALANCE) | bit(CODE_HASH), sender) && has_nonce() &&
               can_pay() && is_absent(sender[CODE_HASH]) &&
               locate(transaction.to, bit(CODE_HASH) | bit(BALANCE), target) && is_absent(target[CODE_HASH]);
    }

    bool add(blockstm_location location, const u256& amount, bool is_negative) noexcept {
        const blockstm_number delta = number_of(amount, is_negative);
        return is_ok(api.add(view, location, &delta));
    }

    bool put_nonce() noexcept {
        const u256 next = transaction.nonce + 1;  // the largest is refused before
        return is_ok(api.put(view, sender[NONCE], reinterpret_cast<const uint8_t*>(next.limb), sizeof next.limb));
    }

    // The sender can pay it, so that no sum is above 2^256 - 1.
    bool write(const u256& paid, const u256& tip) noexcept {
        return add(sender[BALANCE], transaction.value + paid, true) && put_nonce() &&
               add(target[BALANCE], transaction.value, false) && add(coinbase, tip, false);
    }

    bool report(uint64_t gas_used) noexcept {
        ResultHead head{};
        head.succeeded = true;
        head.gas_used = head.before_refund = gas_used;
        uint8_t output[RESULT_HEAD_BYTES + sizeof(uint32_t)] = {};  // no logs behind it
        encode_head(head, output);
        return is_ok(api.output(view, output, sizeof output)) && is_ok(api.charge(view, gas_used));
    }
};

bool is_precompiled(const BlockEnv& block, const Address& address) noexcept {
    return precompile_at(block.fork, block.added_precompiles, address) != 0;
}

}  // namespace

// From Amsterdam on it logs, and what it costs depends on the state (EIP-7708, EIP-2780). A value of zero creates
// nothing and may delete an empty account (EIP-161); so may a tip of zero.
bool may_be_plain_transfer(const Transaction& transaction, const BlockEnv& block) noexcept {
    return !transaction.creates && transaction.data.size == 0 && transaction.access_count == 0 &&
           transaction.type <= TransactionType::DynamicFee && block.fork < Fork::Amsterdam &&
           !block.records_accesses && !transaction.value.is_zero() && !(transaction.sender == transaction.to) &&
           !(transaction.sender == block.coinbase) && !(transaction.to == block.coinbase) &&
           !is_precompiled(block, transaction.to) && plain_transfers_apart.peek() != 0;
}

bool run_plain_transfer(const Transaction& transaction, const BlockEnv& block, blockstm_view* view,
                        SharedBalance& coinbase, int32_t& status) noexcept {
    const IntrinsicGas gas = intrinsic_gas(transaction, block);
    if (view->api->locate_fields == nullptr) return false;
    if (check_form(transaction, block, gas).reason != Violation::None) return false;
    const GasPrice price = gas_price(transaction, block);
    const uint64_t gas_used = gas.execution > gas.floor ? gas.execution : gas.floor;
    u256 paid, tip;
    multiply(price.effective, gas_used, paid);
    multiply(price.priority, gas_used, tip);
    Transfer transfer{transaction, block, view, *view->api, {}, {}};
    if (tip.is_zero() || !transfer.check()) return false;
    if (coinbase.locate(view, block.coinbase, transfer.coinbase) != BLOCKSTM_OK) return false;
    const bool is_done = transfer.write(paid, tip) && transfer.report(gas_used);
    status = is_done ? BLOCKSTM_SUCCESS : BLOCKSTM_STOPPED;
    return true;
}

}  // namespace blockstm::evm
