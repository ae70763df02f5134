// Why a transaction does not belong in a block, or a block is invalid by what it does around its
// transactions. The names are those of `blockstm.ethereum.reasons.Reason`; the numbers are the codes in the
// output of an invalid step (execute.hpp). New ones go to the end.
#pragma once

#include <cstdint>

#include "base/u256/u256.hpp"

namespace blockstm::evm {

// clang-format off
#define BLOCKSTM_INVALIDITIES(INVALIDITY) \
    INVALIDITY(1, TypeNotSupported, "type_not_supported") \
    INVALIDITY(2, NonceIsMax, "nonce_is_max") \
    INVALIDITY(3, IntrinsicGas, "intrinsic_gas") \
    INVALIDITY(4, FloorGas, "floor_gas") \
    INVALIDITY(5, GasAboveCap, "gas_above_cap") \
    INVALIDITY(6, InitcodeTooLarge, "initcode_too_large") \
    INVALIDITY(7, PriorityFeeAboveFeeCap, "priority_fee_above_fee_cap") \
    INVALIDITY(8, NoBlobs, "no_blobs") \
    INVALIDITY(9, TooManyBlobs, "too_many_blobs") \
    INVALIDITY(10, BlobHashVersion, "blob_hash_version") \
    INVALIDITY(11, BlobTransactionCreates, "blob_transaction_creates") \
    INVALIDITY(12, NoAuthorizations, "no_authorizations") \
    INVALIDITY(13, SetCodeTransactionCreates, "set_code_transaction_creates") \
    INVALIDITY(14, FeeCapBelowBaseFee, "fee_cap_below_base_fee") \
    INVALIDITY(15, BlobFeeCapBelowBaseFee, "blob_fee_cap_below_base_fee") \
    INVALIDITY(16, GasAboveBlock, "gas_above_block") \
    INVALIDITY(17, NonceTooLow, "nonce_too_low") \
    INVALIDITY(18, NonceTooHigh, "nonce_too_high") \
    INVALIDITY(19, InsufficientFunds, "insufficient_funds") \
    INVALIDITY(20, SenderHasCode, "sender_has_code") \
    INVALIDITY(21, SystemContractMissing, "system_contract_missing") \
    INVALIDITY(22, SystemCallFailed, "system_call_failed") \
    INVALIDITY(23, ChainId, "chain_id") \
    INVALIDITY(24, Signature, "signature") \
    INVALIDITY(25, BlobGasAboveBlock, "blob_gas_above_block")
// clang-format on

enum class Invalidity : uint16_t {
    None = 0,
#define INVALIDITY(code, name, reason) name = code,
    BLOCKSTM_INVALIDITIES(INVALIDITY)
#undef INVALIDITY
};

// `have` and `want`: what the transaction has and what the rule asks for, where both are numbers.
struct Refusal {
    Invalidity reason = Invalidity::None;
    u256 have{};
    u256 want{};
};

// The name of a code; empty where there is none.
constexpr const char* reason_of(uint16_t code) noexcept {
    switch (code) {
#define INVALIDITY(number, name, reason) \
    case number: return reason;
        BLOCKSTM_INVALIDITIES(INVALIDITY)
#undef INVALIDITY
        default: return "";
    }
}

}  // namespace blockstm::evm
