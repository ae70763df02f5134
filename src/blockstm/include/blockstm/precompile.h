/* A precompiled contract of the embedder's own, as a table with a C function.
 *
 * `blockstm.vm.evm.Evm(..., precompiles={address: capsule})` takes it in a PyCapsule of the name
 * below. The table and what its context leads to must outlive every block that has it.
 *
 * `run` is called by any worker thread without the GIL, by several at the same time, and more than
 * once for one transaction. It depends on nothing but its input, its gas and the codes that it reads
 * by `code`: then every number of workers gives the same result.
 */
#ifndef BLOCKSTM_PRECOMPILE_H
#define BLOCKSTM_PRECOMPILE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tables of version 1, whose calls have no `code`, are taken as well. */
#define BLOCKSTM_PRECOMPILE_ABI_VERSION 2
#define BLOCKSTM_PRECOMPILE_CAPSULE "blockstm.precompile"

/* What `run` returns. */
enum {
    BLOCKSTM_PRECOMPILE_SUCCESS = 0,
    BLOCKSTM_PRECOMPILE_REVERTED = 1, /* the call fails; the gas that was not used goes back, and so does the output */
    BLOCKSTM_PRECOMPILE_FAILED = 2,   /* the call fails and loses all its gas */
    BLOCKSTM_PRECOMPILE_NO_MEMORY = 3, /* the block cannot go on */
    BLOCKSTM_PRECOMPILE_RAISED = 4,   /* likewise; `error` says why. For blockstm's own use. */
    BLOCKSTM_PRECOMPILE_OVER = 5      /* what `code` gave: the run does not count any more */
};

/* The code of an account; valid during the call. */
typedef struct blockstm_precompile_code {
    const uint8_t *data;
    uint64_t size; /* 0 where the account has none */
    uint8_t hash[32]; /* Keccak-256 of the bytes */
} blockstm_precompile_code;

typedef struct blockstm_precompile_call blockstm_precompile_call;
struct blockstm_precompile_call {
    const uint8_t *input; /* valid during the call, as is all of this */
    uint64_t size;
    int64_t gas;      /* that the call has; 0 or more; `code` takes off what it costs */
    int64_t gas_used; /* to be set: more than `gas` is out of gas, less than 0 is refused like it */
    uint64_t error;
    /* Appends to the output, which is copied: 0, or BLOCKSTM_PRECOMPILE_NO_MEMORY, to be returned. */
    int32_t (*write)(blockstm_precompile_call *call, const uint8_t *data, uint64_t size);
    /* Reads the code of an account, at the price of an EXTCODECOPY of nothing: its static gas and, where the
     * account is cold, what that adds; the account is warm afterwards (EIP-2929). The transaction depends on
     * that code from then on, as on all it reads. A delegation (EIP-7702) is not followed. SUCCESS; FAILED
     * where the gas does not suffice; OVER or NO_MEMORY. All but the first are to be returned at once. */
    int32_t (*code)(blockstm_precompile_call *call, const uint8_t *address, blockstm_precompile_code *code);
};

typedef struct blockstm_precompile {
    uint32_t abi_version; /* BLOCKSTM_PRECOMPILE_ABI_VERSION */
    uint32_t struct_size; /* sizeof(blockstm_precompile) */
    void *context;        /* handed to every call */
    int32_t (*run)(void *context, blockstm_precompile_call *call);
} blockstm_precompile;

#ifdef __cplusplus
}
#endif
#endif
