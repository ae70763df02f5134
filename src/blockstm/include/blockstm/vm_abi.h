/* The table through which the engine and a VM call each other.
 *
 * The engine knows nothing of what it runs; a VM knows nothing of threads. A VM hands the engine
 * one `blockstm_vm`; the engine hands each run of a transaction one `blockstm_view`.
 *
 * Threads
 *   - `execute` is called by any worker thread, for different transactions at the same time. The
 *     GIL is held during the call if and only if `flags` has BLOCKSTM_VM_NEEDS_GIL. It may be
 *     called several times for one index (incarnations); only the last run becomes final.
 *   - The functions of the view may be called only inside `execute`, only with the view it was
 *     given, only in the thread it was called in. They take no Python lock, except where the
 *     state is a Python object that has not been read at this location before.
 *   - `admit`, `count` and `committed` are called at the commit frontier: by one thread at a time, in block order,
 *     with the GIL as in `execute`.
 *   - `read` of a `blockstm_state` is called by any worker thread without the GIL.
 *
 * Ownership of memory
 *   - Whatever a VM passes in (keys, values, numbers, outputs) is copied before the call returns.
 *   - Bytes that `get` gives out belong to the engine and stay valid until `execute` returns.
 *   - Bytes that `read` of a state gives out are copied at once, unless its flags say that they last.
 *   - The tables themselves must outlive the block.
 *
 * What a view call returns
 *   BLOCKSTM_OK, or BLOCKSTM_ABSENT from `get`. Anything else means: this run is over. The VM
 *   unwinds at once, undoes nothing, and returns BLOCKSTM_STOPPED; later view calls of the run
 *   give the same answer, and whatever `execute` returns is ignored.
 *   The one exception is BLOCKSTM_BAD_NUMBER: the value is not a number, or the sum leaves the
 *   range of numbers; the VM may go on or end the transaction as it likes.
 */
#ifndef BLOCKSTM_VM_ABI_H
#define BLOCKSTM_VM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BLOCKSTM_VM_ABI_VERSION 1
#define BLOCKSTM_VM_CAPSULE "blockstm.vm"
#define BLOCKSTM_STATE_CAPSULE "blockstm.state"
#define BLOCKSTM_PREFETCH_CAPSULE "blockstm.prefetch"

/* What a view call returns. */
enum {
    BLOCKSTM_OK = 0,
    BLOCKSTM_ABSENT = 1,
    BLOCKSTM_BAD_NUMBER = 2,
    BLOCKSTM_STALE = 3,       /* what the run saw is known to be out of date */
    BLOCKSTM_STATE_ERROR = 4, /* the state could not be read */
    BLOCKSTM_NO_MEMORY = 5
};

/* What `execute` returns. */
enum {
    BLOCKSTM_SUCCESS = 0,
    BLOCKSTM_REVERTED = 1, /* the writes are dropped, the block goes on */
    BLOCKSTM_INVALID = 2,  /* the transaction does not belong in the block */
    BLOCKSTM_FAILED = 3,   /* the VM itself failed: ends the block if this run becomes final */
    BLOCKSTM_STOPPED = 4   /* a view call said that this run is over */
};

/* How the values of a VM are numbers; decides what deltas and bounds mean. */
enum {
    BLOCKSTM_NUMBERS_I64 = 1,   /* 8 bytes, little-endian, two's complement */
    BLOCKSTM_NUMBERS_U256 = 2,  /* 32 bytes, little-endian, unsigned; deltas are signed */
    BLOCKSTM_NUMBERS_OBJECT = 3 /* Python objects; for the engine's own use */
};

/* `flags`. */
enum {
    BLOCKSTM_VM_NEEDS_GIL = 1,
    BLOCKSTM_VM_ADMITS = 2, /* it has `admit` and `count` */
    BLOCKSTM_VM_WRAPS = 4,  /* what `add` makes of U256 numbers is taken modulo 2**256 */
    BLOCKSTM_VM_WATCHES = 8, /* it has `committed` */
    BLOCKSTM_VM_ASKS = 16   /* it has `answer` */
};

/* A key's dense number, valid in one block. */
typedef uint32_t blockstm_location;

typedef struct blockstm_bytes {
    const uint8_t *data;
    uint64_t size;
} blockstm_bytes;

/* I64: limb[0] is the number, in two's complement, and `negative` is 0.
 * U256: the magnitude, least significant limb first; `negative` gives a delta its sign. */
typedef struct blockstm_number {
    uint64_t limb[4];
    uint64_t negative;
} blockstm_number;

typedef struct blockstm_view blockstm_view;

/* The functions of a view. New ones are only ever added at the end. */
typedef struct blockstm_view_api {
    uint32_t abi_version; /* BLOCKSTM_VM_ABI_VERSION of the engine */
    uint32_t struct_size; /* sizeof(blockstm_view_api) of the engine */

    /* The location of a key of `size` bytes (0 to 2**31-1). */
    int32_t (*locate)(blockstm_view *view, const uint8_t *key, uint64_t size,
                      blockstm_location *location);
    /* The value there: OK and `value`, or ABSENT. Recorded as a condition on the exact value. */
    int32_t (*get)(blockstm_view *view, blockstm_location location, blockstm_bytes *value);
    int32_t (*put)(blockstm_view *view, blockstm_location location, const uint8_t *data,
                   uint64_t size);
    int32_t (*remove)(blockstm_view *view, blockstm_location location);
    /* Adds without looking: commutes with the deltas of others. Absent counts as 0. If it turns
     * out, at the frontier, not to be possible, the transaction ends in an error. */
    int32_t (*add)(blockstm_view *view, blockstm_location location, const blockstm_number *delta);
    /* `*holds` = (value >= bound). Only the answer is recorded. */
    int32_t (*at_least)(blockstm_view *view, blockstm_location location,
                        const blockstm_number *bound, int32_t *holds);
    /* Adds if lower <= value + delta <= upper; `*done` tells. The range of numbers is a bound, too,
     * and the only one where a pointer is NULL. Only the answer is recorded. */
    int32_t (*try_add)(blockstm_view *view, blockstm_location location,
                       const blockstm_number *delta, const blockstm_number *lower,
                       const blockstm_number *upper, int32_t *done);
    /* Counts gas towards the outcome; saturates at 2**63-1. */
    int32_t (*charge)(blockstm_view *view, uint64_t gas);
    /* The bytes that the outcome's value or error carries. */
    int32_t (*output)(blockstm_view *view, const uint8_t *data, uint64_t size);
    /* `*holds` = (the value there is `data`). Recorded as a condition on the exact value. Where the
     * value may still change, the answer may be a yes without a read: if it turns out wrong, the
     * transaction runs again. So a transaction that expects what an earlier one will write need
     * not run after it. */
    int32_t (*expect)(blockstm_view *view, blockstm_location location, const uint8_t *data,
                      uint64_t size, int32_t *holds);
    /* OK where the run still counts. A VM that computes for long without another call calls this
     * every few milliseconds: else the run cannot be stopped. */
    int32_t (*poll)(blockstm_view *view);
    /* A later transaction will most likely read this key, or one that differs in its last byte only: has
     * what a lookup touches come into the cache meanwhile. It records and changes nothing. */
    void (*prefetch)(blockstm_view *view, const uint8_t *key, uint64_t size);
    /* The locations of keys that differ in their last byte only, at less than `locate` of each costs: for each
     * bit of `wanted`, `locations` at its place is of the `size` bytes of `prefix` (8 to 62) and the byte of
     * `last` at the same place. */
    int32_t (*locate_fields)(blockstm_view *view, const uint8_t *prefix, uint64_t size,
                             const uint8_t *last, uint32_t wanted, blockstm_location *locations);
    /* The `flags` of the block's state; 0 where it is a Python object. */
    uint32_t (*state_flags)(blockstm_view *view);
    /* The number there before the transaction, which the run shows and does not use. Where it may still change,
     * `*is_final` is 0, no condition is recorded, and `answer` of the VM has it, with `tag`, when the run becomes
     * final. Otherwise OK and `value`, or ABSENT, as of `get`. For VMs with BLOCKSTM_VM_ASKS; may be NULL. */
    int32_t (*ask)(blockstm_view *view, blockstm_location location, uint64_t tag, blockstm_bytes *value,
                   int32_t *is_final);
} blockstm_view_api;

struct blockstm_view {
    const blockstm_view_api *api;
    int64_t index;
    uint64_t run; /* of a block by one worker: locations stay the same as long as this does; 0: do not rely on it */
};

/* What the transactions of a block share and use up besides the state, in units of the VM's own: how
 * much is used so far. Zeros before the first. */
typedef struct blockstm_tally {
    uint64_t used[4];
} blockstm_tally;

/* Why a transaction is not admitted: the output of a run that would have said BLOCKSTM_INVALID. */
#define BLOCKSTM_REFUSAL_MAX 120
typedef struct blockstm_refusal {
    uint64_t size;
    uint8_t data[BLOCKSTM_REFUSAL_MAX];
} blockstm_refusal;

/* New members are only ever added at the end; a flag says that a VM has them. */
typedef struct blockstm_vm {
    uint32_t abi_version; /* BLOCKSTM_VM_ABI_VERSION the VM was built with */
    uint32_t struct_size; /* sizeof(blockstm_vm) the VM was built with */
    uint32_t numbers;
    uint32_t flags;
    void *context; /* handed to every call */
    /* Runs transaction `index` once. */
    int32_t (*execute)(void *context, blockstm_view *view, int64_t index);
    /* With BLOCKSTM_VM_ADMITS. Whether there is room for transaction `index` beside those before it:
     * SUCCESS, or INVALID and why. Asked once, before it becomes final and whatever its run came to;
     * where it is refused, no run of it counts. */
    int32_t (*admit)(void *context, int64_t index, const blockstm_tally *tally,
                     blockstm_refusal *refusal);
    /* It becomes final with SUCCESS or REVERTED and this output: add what it used. */
    void (*count)(void *context, int64_t index, const uint8_t *output, uint64_t size,
                  blockstm_tally *tally);
    /* With BLOCKSTM_VM_WATCHES. It becomes final with SUCCESS or REVERTED, and what it used is counted: the
     * last run of it is the one that counts. SUCCESS; or FAILED, and the block ends before it. */
    int32_t (*committed)(void *context, int64_t index);
    /* With BLOCKSTM_VM_ASKS. The last run of it, which ended with SUCCESS or REVERTED, becomes final, and is about
     * to be counted: the value that it has asked for with this tag. NULL: there is none. */
    void (*answer)(void *context, int64_t index, uint64_t tag, const blockstm_bytes *value);
} blockstm_vm;

/* Of the first table, which ended with `execute`; the least that a VM may have. */
#define BLOCKSTM_VM_SIZE_MIN offsetof(blockstm_vm, admit)
/* Of one that admits, and no more. */
#define BLOCKSTM_VM_SIZE_ADMITS offsetof(blockstm_vm, committed)
/* Of one that watches, and does not ask. */
#define BLOCKSTM_VM_SIZE_WATCHES offsetof(blockstm_vm, answer)

/* `flags` of a state. */
enum {
    BLOCKSTM_STATE_LASTS = 1,  /* bytes that `read` gives out stay until the block is over, as does what a key has */
    BLOCKSTM_STATE_HASHED = 2, /* what a key of 32 bytes has is bytes whose Keccak-256 is that key */
    BLOCKSTM_STATE_LONG_LASTS = 4 /* bytes of more than 32 that `read` gives out stay until the block is over */
};

typedef struct blockstm_state {
    uint32_t abi_version;
    uint32_t struct_size;
    void *context;
    /* The value of a key: OK and `value`, ABSENT, or STATE_ERROR. */
    int32_t (*read)(void *context, const uint8_t *key, uint64_t size, blockstm_bytes *value);
    /* What may be relied on; a table that ends before it promises nothing. */
    uint32_t flags;
} blockstm_state;

/* Of the first table, which ended with `read`. */
#define BLOCKSTM_STATE_SIZE_MIN offsetof(blockstm_state, flags)

/* What a native state may have beside its table: it is told which keys will be read. */
typedef struct blockstm_prefetch {
    uint32_t abi_version;
    uint32_t struct_size;
    void *context;
    /* Called by any worker thread without the GIL, between reads; changes nothing. For each key in steps 0,
     * 1 and 2, with some time between them, so that each can follow a pointer that the one before has
     * asked for. The key is given in step 0 only; `*memo` is the state's own from step to step. */
    void (*prefetch)(void *context, const uint8_t *key, uint64_t size, uint32_t step, uint64_t *memo);
} blockstm_prefetch;

/* What is the same in the `run` of a view for all workers of a block, and differs from run to run; 0: not known. */
#define BLOCKSTM_RUN_OF_BLOCK(run) ((run) >> 16)

#ifdef __cplusplus
}
#endif
#endif
