/* An opcode of the embedder's own, as a table with a C function.
 *
 * `blockstm.vm.evm.Opcode(inputs, outputs, gas, capsule)` takes it in a PyCapsule of the name below. The
 * table and what its context leads to must outlive every block that has it.
 *
 * `run` is called by any worker thread without the GIL, by several at the same time, and more than
 * once for one transaction. It depends on nothing but its operands, its gas and the frame's memory: then
 * every number of workers gives the same result.
 */
#ifndef BLOCKSTM_OPCODE_H
#define BLOCKSTM_OPCODE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BLOCKSTM_OPCODE_ABI_VERSION 1
#define BLOCKSTM_OPCODE_CAPSULE "blockstm.opcode"
#define BLOCKSTM_OPCODE_INPUTS_MAX 16

/* What `run` returns. */
enum {
    BLOCKSTM_OPCODE_SUCCESS = 0,
    BLOCKSTM_OPCODE_HALTED = 1,    /* the frame halts and loses all its gas */
    BLOCKSTM_OPCODE_NO_MEMORY = 2, /* the block cannot go on */
    BLOCKSTM_OPCODE_RAISED = 3     /* likewise; `error` says why. For blockstm's own use. */
};

typedef struct blockstm_opcode_call blockstm_opcode_call;
struct blockstm_opcode_call {
    /* Words of 32 bytes, big-endian, the topmost first; valid during the call, as is all of this. */
    const uint8_t *operands;
    /* What is left; take off it what this costs beyond the static gas. Below 0: out of gas. */
    int64_t gas;
    uint64_t error;
    /* The word that is pushed, big-endian; zero at first, not used where none is. */
    uint8_t result[32];
    /* The frame's memory from `offset` on, grown to hold `size` bytes and charged for. NULL where the gas does not
     * last, or memory has run out: then return at once, with any status. Another call makes the pointer invalid. */
    uint8_t *(*memory)(blockstm_opcode_call *call, uint64_t offset, uint64_t size);
};

typedef struct blockstm_opcode {
    uint32_t abi_version; /* BLOCKSTM_OPCODE_ABI_VERSION */
    uint32_t struct_size; /* sizeof(blockstm_opcode) */
    void *context;        /* handed to every call */
    int32_t (*run)(void *context, blockstm_opcode_call *call);
} blockstm_opcode;

#ifdef __cplusplus
}
#endif
#endif
