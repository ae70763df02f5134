/* A VM in C for tests: every transaction asks for the number at key 0, which each adds 1 to, and notes what it is told.
 * Some of them take their runs back. */
#include <string.h>

#include "filled.h"

struct asking {
    int64_t *told;
    uint64_t refuses; /* every so many is reverted; 0: none */
    blockstm_vm vm;
};

static void answer(void *context, int64_t index, uint64_t tag, const blockstm_bytes *value) {
    const struct asking *block = context;
    int64_t number = 0;
    if (value != NULL) memcpy(&number, value->data, sizeof number);
    block->told[index] = tag == (uint64_t)index * 3 ? number : -2;
}

static int32_t execute(void *context, blockstm_view *view, int64_t index) {
    const struct asking *block = context;
    const uint64_t key = 0;
    blockstm_location location;
    blockstm_bytes found;
    int32_t is_final = 0;
    const blockstm_number one = {.limb = {1}};
    int32_t status = view->api->locate(view, (const uint8_t *)&key, sizeof key, &location);
    if (status != BLOCKSTM_OK) return BLOCKSTM_STOPPED;
    block->told[index] = -1;
    status = view->api->ask(view, location, (uint64_t)index * 3, &found, &is_final);
    if (status != BLOCKSTM_OK && status != BLOCKSTM_ABSENT) return BLOCKSTM_STOPPED;
    if (is_final) answer(context, index, (uint64_t)index * 3, status == BLOCKSTM_OK ? &found : NULL);
    if (block->refuses != 0 && (uint64_t)index % block->refuses == 0) return BLOCKSTM_REVERTED;
    return view->api->add(view, location, &one) == BLOCKSTM_OK ? BLOCKSTM_SUCCESS : BLOCKSTM_STOPPED;
}

blockstm_vm *asking_vm(struct asking *block, uint32_t flags) {
    block->vm.flags = flags;
    block->vm.answer = answer;
    return filled(&block->vm, block, execute);
}
