// Why a transaction does not belong in a block, or a block is invalid by what it does around its
// transactions. The names are those of `blockstm.ethereum.reasons.Reason`; the numbers are the codes in the
// output of an invalid step (execute.hpp). New ones go to the end.
#pragma once

#include <cstdint>

#include "base/u256/u256.hpp"

namespace blockstm::evm {

// clang-format off
#define BLOCKSTM_VIOLATIONS(VIOLATION) \
    VIOLATION(1, TypeNotSupported, "type_not_supported") \
    VIOLATION(2, NonceIsMax, "nonce_is_max") \
    VIOLATION(3, IntrinsicGas, "intrinsic_gas") \
    VIOLATION(4, FloorGas, "floor_gas") \
    VIOLATION(5, GasAboveCap, "gas_above_cap") \
    VIOLATION(6, InitcodeTooLarge, "initcode_too_large") \
    VIOLATION(7, PriorityFeeAboveFeeCap, "priority_fee_above_fee_cap") \
    VIOLATION(8, NoBlobs, "no_blobs") \
    VIOLATION(9, TooManyBlobs, "too_many_blobs") \
    VIOLATION(10, BlobHashVersion, "blob_hash_version") \
    VIOLATION(11, BlobTransactionCreates, "blob_transaction_creates") \
    VIOLATION(12, NoAuthorizations, "no_authorizations") \
    VIOLATION(13, SetCodeTransactionCreates, "set_code_transaction_creates") \
    VIOLATION(14, FeeCapBelowBaseFee, "fee_cap_below_base_fee") \
    VIOLATION(15, BlobFeeCapBelowBaseFee, "blob_fee_cap_below_base_fee") \
    VIOLATION(16, GasAboveBlock, "gas_above_block") \
    VIOLATION(17, NonceTooLow, "nonce_too_low") \
    VIOLATION(18, NonceTooHigh, "nonce_too_high") \
    VIOLATION(19, InsufficientFunds, "insufficient_funds") \
    VIOLATION(20, SenderHasCode, "sender_has_code") \
    VIOLATION(21, SystemContractMissing, "system_contract_missing") \
    VIOLATION(22, SystemCallFailed, "system_call_failed") \
    VIOLATION(23, ChainId, "chain_id") \
    VIOLATION(24, Signature, "signature") \
    VIOLATION(25, BlobGasAboveBlock, "blob_gas_above_block")
// clang-format on

enum class Violation : uint16_t {
    None = 0,
#define VIOLATION(code, name, reason) name = code,
    BLOCKSTM_VIOLATIONS(VIOLATION)
#undef VIOLATION
};

// `have` and `want`: what the transaction has and what the rule asks for, where both are numbers.
struct ValidationError {
    Violation reason = Violation::None;
    u256 have{};
    u256 want{};
};

// The name of a code; empty where there is none.
constexpr const char* reason_of(uint16_t code) noexcept {
    switch (code) {
#define VIOLATION(number, name, reason) \
    case number: return reason;
        BLOCKSTM_VIOLATIONS(VIOLATION)
#undef VIOLATION
        default: return "";
    }
}

}  // namespace blockstm::evm
