// The gas of each fork: the table of the fork before it, copied, and what changed.

#include "evm/forks/gas.hpp"

#include <initializer_list>

#include "evm/forks/amsterdam.hpp"
#include "evm/forks/code_size.hpp"
#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {
namespace {

// The groups of the Yellow Paper, appendix G.
constexpr uint16_t BASE = 2, VERY_LOW = 3, LOW = 5, MID = 8, HIGH = 10;
constexpr uint16_t WARM = 100;          // EIP-2929
constexpr int64_t COLD_ACCOUNT = 2600;
constexpr int64_t COLD_SLOT = 2100;
constexpr uint64_t UNLIMITED = ~uint64_t{0};

constexpr GasTable frontier() noexcept {
    GasTable gas{};
    auto cost = [&](uint16_t amount, auto... opcodes) { ((gas.base[opcodes] = amount), ...); };
    using namespace op;

    cost(VERY_LOW, ADD, SUB, NOT, LT, GT, SLT, SGT, EQ, ISZERO, AND, OR, XOR, BYTE);
    cost(LOW, MUL, DIV, SDIV, MOD, SMOD, SIGNEXTEND);
    cost(MID, ADDMOD, MULMOD);
    cost(HIGH, EXP);
    cost(30, KECCAK256);
    cost(BASE, ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATASIZE, CODESIZE, GASPRICE);
    cost(BASE, COINBASE, TIMESTAMP, NUMBER, PREVRANDAO, GASLIMIT);
    cost(VERY_LOW, CALLDATALOAD, CALLDATACOPY, CODECOPY);
    cost(20, BALANCE, EXTCODESIZE, EXTCODECOPY, BLOCKHASH);
    cost(BASE, POP, PC, MSIZE, GAS);
    cost(VERY_LOW, MLOAD, MSTORE, MSTORE8);
    cost(50, SLOAD);
    cost(0, SSTORE);  // all of it by the rule for stores
    cost(MID, JUMP);
    cost(HIGH, JUMPI);
    cost(1, JUMPDEST);
    for (int opcode = PUSH1; opcode <= SWAP16; ++opcode) gas.base[opcode] = VERY_LOW;
    for (uint16_t topics = 0; topics <= 4; ++topics) gas.base[LOG0 + topics] = 375 + 375 * topics;
    cost(32000, CREATE);
    cost(40, CALL, CALLCODE);
    cost(0, STOP, RETURN, SELFDESTRUCT, INVALID);

    gas.exp_byte = 10;
    gas.memory_word = 3;
    gas.copy_word = 3;
    gas.keccak_word = 6;
    gas.log_byte = 8;

    gas.store_rule = StoreRule::Plain;
    gas.store_set = 20000;
    gas.store_reset = 5000;
    gas.store_again = 5000;
    gas.store_clear_refund = 15000;

    gas.call_value = 9000;
    gas.call_stipend = 2300;
    gas.new_account = 25000;
    gas.selfdestruct_refund = 24000;
    gas.initcode_size_max = UNLIMITED;
    return gas;
}

constexpr GasTable homestead() noexcept {
    GasTable gas = frontier();
    gas.base[op::DELEGATECALL] = 40;  // EIP-7
    return gas;
}

constexpr GasTable tangerine_whistle() noexcept {  // EIP-150
    GasTable gas = homestead();
    using namespace op;
    for (uint8_t opcode : {EXTCODESIZE, EXTCODECOPY, CALL, CALLCODE, DELEGATECALL}) gas.base[opcode] = 700;
    gas.base[BALANCE] = 400;
    gas.base[SLOAD] = 200;
    gas.base[SELFDESTRUCT] = 5000;
    gas.new_beneficiary = gas.new_account;
    gas.keeps_64th = true;
    return gas;
}

constexpr GasTable spurious_dragon() noexcept {
    GasTable gas = tangerine_whistle();
    gas.exp_byte = 50;               // EIP-160
    gas.new_only_with_value = true;  // EIP-161
    return gas;
}

constexpr GasTable byzantium() noexcept {
    GasTable gas = spurious_dragon();
    gas.base[op::RETURNDATASIZE] = BASE;  // EIP-211
    gas.base[op::RETURNDATACOPY] = VERY_LOW;
    gas.base[op::STATICCALL] = 700;  // EIP-214
    gas.base[op::REVERT] = 0;        // EIP-140
    return gas;
}

constexpr GasTable constantinople() noexcept {
    GasTable gas = byzantium();
    using namespace op;
    for (uint8_t opcode : {SHL, SHR, SAR}) gas.base[opcode] = VERY_LOW;  // EIP-145
    gas.base[EXTCODEHASH] = 400;                                         // EIP-1052
    gas.base[CREATE2] = 32000;                                           // EIP-1014
    gas.create2_word = gas.keccak_word;
    gas.store_rule = StoreRule::NetMetered;  // EIP-1283
    gas.store_again = 200;
    return gas;
}

constexpr GasTable petersburg() noexcept {  // EIP-1716: without EIP-1283
    GasTable gas = constantinople();
    gas.store_rule = StoreRule::Plain;
    gas.store_again = byzantium().store_again;
    return gas;
}

constexpr GasTable istanbul() noexcept {
    GasTable gas = petersburg();
    using namespace op;
    gas.base[SLOAD] = 800;  // EIP-1884
    gas.base[BALANCE] = gas.base[EXTCODEHASH] = 700;
    gas.base[SELFBALANCE] = LOW;
    gas.base[CHAINID] = BASE;                // EIP-1344
    gas.store_rule = StoreRule::NetMetered;  // EIP-2200
    gas.store_again = 800;
    gas.store_left_min = gas.call_stipend;
    return gas;
}

constexpr GasTable berlin() noexcept {  // EIP-2929
    GasTable gas = istanbul();
    using namespace op;
    for (uint8_t opcode : {BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH}) gas.base[opcode] = WARM;
    for (uint8_t opcode : {CALL, CALLCODE, DELEGATECALL, STATICCALL, SLOAD}) gas.base[opcode] = WARM;
    gas.warm_access = WARM;
    gas.cold_account = COLD_ACCOUNT - WARM;
    gas.cold_slot = COLD_SLOT - WARM;
    gas.cold_store = COLD_SLOT;
    gas.cold_beneficiary = COLD_ACCOUNT;
    gas.store_reset = 5000 - COLD_SLOT;
    gas.store_again = WARM;
    return gas;
}

constexpr GasTable london() noexcept {
    GasTable gas = berlin();
    gas.base[op::BASEFEE] = BASE;   // EIP-3198
    gas.store_clear_refund = 4800;  // EIP-3529
    gas.selfdestruct_refund = 0;
    return gas;
}

constexpr GasTable paris() noexcept { return london(); }

constexpr GasTable shanghai() noexcept {
    GasTable gas = paris();
    gas.base[op::PUSH0] = BASE;  // EIP-3855
    gas.initcode_word = 2;       // EIP-3860
    gas.initcode_size_max = initcode_size_max(Fork::Shanghai);
    return gas;
}

constexpr GasTable cancun() noexcept {
    GasTable gas = shanghai();
    using namespace op;
    gas.base[TLOAD] = gas.base[TSTORE] = WARM;  // EIP-1153
    gas.base[BLOBHASH] = VERY_LOW;              // EIP-4844
    gas.base[BLOBBASEFEE] = BASE;               // EIP-7516
    gas.base[MCOPY] = VERY_LOW;                 // EIP-5656
    return gas;
}

constexpr GasTable prague() noexcept { return cancun(); }

constexpr GasTable osaka() noexcept {
    GasTable gas = prague();
    gas.base[op::CLZ] = LOW;  // EIP-7939
    return gas;
}

// EIP-8038. What touches an account that is dead pays for its growth as state gas, and here for the write.
constexpr GasTable with_state_access_prices(GasTable gas) noexcept {
    using namespace op;
    using namespace amsterdam_gas;
    static_assert(WARM_ACCESS == WARM && COLD_STORAGE_ACCESS == COLD_SLOT);
    gas.base[EXTCODESIZE] = gas.base[EXTCODECOPY] = 2 * WARM;  // the account, and its code
    gas.base[CREATE] = gas.base[CREATE2] = CREATE_ACCESS;
    gas.cold_account = COLD_ACCOUNT_ACCESS - WARM;
    gas.cold_beneficiary = COLD_ACCOUNT_ACCESS;
    gas.cold_store = COLD_SLOT - WARM;
    gas.store_set = gas.store_reset = WARM + STORAGE_WRITE;
    gas.store_clear_refund = STORAGE_CLEAR_REFUND;
    gas.call_value = CALL_VALUE;
    gas.new_account = 0;
    gas.new_beneficiary = ACCOUNT_WRITE;
    return gas;
}

constexpr GasTable amsterdam() noexcept {
    GasTable gas = osaka();
    using namespace op;
    gas.base[SLOTNUM] = BASE;                                                    // EIP-7843
    for (uint8_t opcode : {DUPN, SWAPN, EXCHANGE}) gas.base[opcode] = VERY_LOW;  // EIP-8024
    gas.initcode_size_max = initcode_size_max(Fork::Amsterdam);                  // EIP-7954
    gas.meters_state = true;                                                     // EIP-8037
    gas.store_rule = StoreRule::StateMetered;
    return with_state_access_prices(gas);
}

}  // namespace

constinit const GasTable GAS_TABLES[FORK_COUNT] = {
    frontier(),       homestead(),  tangerine_whistle(), spurious_dragon(), byzantium(), constantinople(),
    petersburg(),     istanbul(),   berlin(),            london(),          paris(),     shanghai(),
    cancun(),         prague(),     osaka(),             amsterdam(),
};

}  // namespace blockstm::evm
