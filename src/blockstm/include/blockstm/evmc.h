/* EVMC's application binary interface, version 12 (github.com/ethereum/evmc): how an Ethereum client, the host, and
 * an EVM in a shared library call each other.
 *
 * Written from the public interface: names, values and layout are those of `evmc/evmc.h` 12, which may be included in
 * its place, but not beside it. A library exports one function without arguments, `evmc_create_NAME` or `evmc_create`,
 * which gives a new `evmc_vm`. Numbers of 256 bits are big-endian bytes.
 *
 * Threads: one `evmc_vm` is used by one thread at a time. A host's functions are called by the thread that is inside
 * `execute`, and only until that returns.
 */
#ifndef BLOCKSTM_EVMC_H
#define BLOCKSTM_EVMC_H

#ifdef EVMC_H
#error "blockstm/evmc.h declares what evmc/evmc.h does: include one of the two"
#endif
#define EVMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EVMC_ABI_VERSION = 12 };

typedef struct evmc_bytes32 {
    uint8_t bytes[32];
} evmc_bytes32;

typedef evmc_bytes32 evmc_uint256be;

typedef struct evmc_address {
    uint8_t bytes[20];
} evmc_address;

/* The rules of execution, by fork. */
enum evmc_revision {
    EVMC_FRONTIER,
    EVMC_HOMESTEAD,
    EVMC_TANGERINE_WHISTLE,
    EVMC_SPURIOUS_DRAGON,
    EVMC_BYZANTIUM,
    EVMC_CONSTANTINOPLE,
    EVMC_PETERSBURG,
    EVMC_ISTANBUL,
    EVMC_BERLIN,
    EVMC_LONDON,
    EVMC_PARIS,
    EVMC_SHANGHAI,
    EVMC_CANCUN,
    EVMC_PRAGUE,
    EVMC_OSAKA,
    EVMC_EXPERIMENTAL /* what is not yet a fork */
};

/* ------------------------------------------------------------------------------ messages */

enum evmc_call_kind {
    EVMC_CALL, /* of a STATICCALL, too, which `flags` says */
    EVMC_DELEGATECALL,
    EVMC_CALLCODE,
    EVMC_CREATE,
    EVMC_CREATE2,
    EVMC_EOFCREATE /* withdrawn before any fork had it */
};

enum evmc_flags {
    EVMC_STATIC = 1,   /* nothing may be changed (EIP-214); passed on to every call below */
    EVMC_DELEGATED = 2 /* the account has a delegation (EIP-7702), and `code_address` is what that names */
};

/* A call or a creation. */
struct evmc_message {
    enum evmc_call_kind kind;
    uint32_t flags;
    int32_t depth; /* 0 for the transaction's own */
    int64_t gas;
    evmc_address recipient; /* whose storage and balance; of a creation that is asked for: not set */
    evmc_address sender;    /* what CALLER gives */
    const uint8_t *input_data; /* call data; of a creation that is asked for: the initcode */
    size_t input_size;
    evmc_uint256be value; /* what CALLVALUE gives; moves with EVMC_CALL and creations only */
    evmc_bytes32 create2_salt;
    evmc_address code_address; /* whose code runs */
    const uint8_t *code;       /* the same as `execute` is given; of what a VM asks for: not set */
    size_t code_size;
};

enum evmc_status_code {
    EVMC_SUCCESS = 0,
    EVMC_FAILURE = 1, /* an exceptional halt, as are those that follow but for a revert */
    EVMC_REVERT = 2,
    EVMC_OUT_OF_GAS = 3,
    EVMC_INVALID_INSTRUCTION = 4, /* 0xfe */
    EVMC_UNDEFINED_INSTRUCTION = 5,
    EVMC_STACK_OVERFLOW = 6,
    EVMC_STACK_UNDERFLOW = 7,
    EVMC_BAD_JUMP_DESTINATION = 8,
    EVMC_INVALID_MEMORY_ACCESS = 9, /* beyond the return data */
    EVMC_CALL_DEPTH_EXCEEDED = 10,
    EVMC_STATIC_MODE_VIOLATION = 11,
    EVMC_PRECOMPILE_FAILURE = 12,
    EVMC_CONTRACT_VALIDATION_FAILURE = 13,
    EVMC_ARGUMENT_OUT_OF_RANGE = 14,
    EVMC_WASM_UNREACHABLE_INSTRUCTION = 15,
    EVMC_WASM_TRAP = 16,
    EVMC_INSUFFICIENT_BALANCE = 17,
    /* Nothing that a transaction comes to: the VM itself could not do it. */
    EVMC_INTERNAL_ERROR = -1,
    EVMC_REJECTED = -2, /* not this VM: the host may run the message by another one */
    EVMC_OUT_OF_MEMORY = -3
};

struct evmc_result;
typedef void (*evmc_release_result_fn)(const struct evmc_result *result);

/* What a message came to. */
struct evmc_result {
    enum evmc_status_code status_code;
    int64_t gas_left;   /* 0 unless it succeeded or was reverted */
    int64_t gas_refund; /* by all that ran in it; may be negative; 0 unless it succeeded */
    const uint8_t *output_data; /* valid until `release` */
    size_t output_size;
    evmc_release_result_fn release; /* called once when the output is no longer needed; may be null */
    evmc_address create_address;    /* of a creation that succeeded */
    uint8_t padding[4];             /* the result's owner may keep what it likes from `create_address` on */
};

/* ------------------------------------------------------------------------------ the host */

typedef struct evmc_tx_initcode {
    evmc_bytes32 hash;
    const uint8_t *code;
    size_t code_size;
} evmc_tx_initcode;

struct evmc_tx_context {
    evmc_uint256be tx_gas_price; /* effective, in wei */
    evmc_address tx_origin;
    evmc_address block_coinbase;
    int64_t block_number;
    int64_t block_timestamp; /* s since 1970 */
    int64_t block_gas_limit;
    evmc_uint256be block_prev_randao; /* before Paris: the difficulty */
    evmc_uint256be chain_id;
    evmc_uint256be block_base_fee; /* wei per gas */
    evmc_uint256be blob_base_fee;  /* wei per blob gas */
    const evmc_bytes32 *blob_hashes;
    size_t blob_hashes_count;
    const evmc_tx_initcode *initcodes; /* of a transaction type that was withdrawn */
    size_t initcodes_count;
};

struct evmc_host_context; /* the host's own */

/* What a store has done, by the slot's value at the start of the transaction, its value before the store, and the
 * stored one: 0 is none, X, Y and Z are values that differ. Prices follow from it (EIP-2200). */
enum evmc_storage_status {
    EVMC_STORAGE_ASSIGNED = 0,          /* whatever is none of these, as where nothing changed */
    EVMC_STORAGE_ADDED = 1,             /* 0, 0, Z */
    EVMC_STORAGE_DELETED = 2,           /* X, X, 0 */
    EVMC_STORAGE_MODIFIED = 3,          /* X, X, Z */
    EVMC_STORAGE_DELETED_ADDED = 4,     /* X, 0, Z */
    EVMC_STORAGE_MODIFIED_DELETED = 5,  /* X, Y, 0 */
    EVMC_STORAGE_DELETED_RESTORED = 6,  /* X, 0, X */
    EVMC_STORAGE_ADDED_DELETED = 7,     /* 0, Y, 0 */
    EVMC_STORAGE_MODIFIED_RESTORED = 8  /* X, Y, X */
};

enum evmc_access_status { EVMC_ACCESS_COLD = 0, EVMC_ACCESS_WARM = 1 };

/* The host's functions; all are there. */
struct evmc_host_interface {
    /* Whether there is such an account; from Spurious Dragon on, one that is not empty (EIP-161). */
    bool (*account_exists)(struct evmc_host_context *context, const evmc_address *address);
    evmc_bytes32 (*get_storage)(struct evmc_host_context *context, const evmc_address *address,
                                const evmc_bytes32 *key);
    enum evmc_storage_status (*set_storage)(struct evmc_host_context *context, const evmc_address *address,
                                            const evmc_bytes32 *key, const evmc_bytes32 *value);
    evmc_uint256be (*get_balance)(struct evmc_host_context *context, const evmc_address *address);
    size_t (*get_code_size)(struct evmc_host_context *context, const evmc_address *address);
    /* Zero of what is no account, or an empty one. */
    evmc_bytes32 (*get_code_hash)(struct evmc_host_context *context, const evmc_address *address);
    /* Copies code from an offset on, as far as there is any and room for it; how many bytes. */
    size_t (*copy_code)(struct evmc_host_context *context, const evmc_address *address, size_t code_offset,
                        uint8_t *buffer_data, size_t buffer_size);
    /* The balance goes to the beneficiary; whether the account is registered to go, for the first time. */
    bool (*selfdestruct)(struct evmc_host_context *context, const evmc_address *address,
                         const evmc_address *beneficiary);
    struct evmc_result (*call)(struct evmc_host_context *context, const struct evmc_message *message);
    struct evmc_tx_context (*get_tx_context)(struct evmc_host_context *context);
    /* Of one of the 256 blocks before this one; zero of any other. */
    evmc_bytes32 (*get_block_hash)(struct evmc_host_context *context, int64_t number);
    void (*emit_log)(struct evmc_host_context *context, const evmc_address *address, const uint8_t *data,
                     size_t data_size, const evmc_bytes32 topics[], size_t topics_count);
    /* These two mark it as accessed (EIP-2929), and say what it was before. */
    enum evmc_access_status (*access_account)(struct evmc_host_context *context, const evmc_address *address);
    enum evmc_access_status (*access_storage)(struct evmc_host_context *context, const evmc_address *address,
                                              const evmc_bytes32 *key);
    evmc_bytes32 (*get_transient_storage)(struct evmc_host_context *context, const evmc_address *address,
                                          const evmc_bytes32 *key);
    void (*set_transient_storage)(struct evmc_host_context *context, const evmc_address *address,
                                  const evmc_bytes32 *key, const evmc_bytes32 *value);
};

/* ------------------------------------------------------------------------------ the VM */

enum evmc_set_option_result {
    EVMC_SET_OPTION_SUCCESS = 0,
    EVMC_SET_OPTION_INVALID_NAME = 1,
    EVMC_SET_OPTION_INVALID_VALUE = 2
};

enum evmc_capabilities {
    EVMC_CAPABILITY_EVM1 = 1,
    EVMC_CAPABILITY_EWASM = 2,
    EVMC_CAPABILITY_PRECOMPILES = 4
};

typedef uint32_t evmc_capabilities_flagset;

struct evmc_vm {
    const int abi_version;
    const char *name;
    const char *version;
    void (*destroy)(struct evmc_vm *vm);
    struct evmc_result (*execute)(struct evmc_vm *vm, const struct evmc_host_interface *host,
                                  struct evmc_host_context *context, enum evmc_revision revision,
                                  const struct evmc_message *message, const uint8_t *code, size_t code_size);
    evmc_capabilities_flagset (*get_capabilities)(struct evmc_vm *vm);
    /* Null where there are no options. */
    enum evmc_set_option_result (*set_option)(struct evmc_vm *vm, const char *name, const char *value);
};

#ifdef __cplusplus
}
#endif
#endif
