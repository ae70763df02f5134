/* A VM in C for tests: every transaction reads the keys 0 to `reads` - 1, of which none is ever there, and puts its
 * index at a key that few others write. It has no output. */
#include "filled.h"

struct many_reads {
    uint64_t reads;
    blockstm_vm vm;
};

static int32_t execute(void *context, blockstm_view *view, int64_t index) {
    const struct many_reads *block = context;
    blockstm_location location;
    blockstm_bytes found;
    for (uint64_t key = 0; key < block->reads; key++) {
        int32_t status = view->api->locate(view, (const uint8_t *)&key, sizeof key, &location);
        if (status == BLOCKSTM_OK) status = view->api->get(view, location, &found);
        if (status != BLOCKSTM_ABSENT) return BLOCKSTM_STOPPED;
    }
    const uint64_t own = block->reads + (uint64_t)index % 1024;
    int32_t status = view->api->locate(view, (const uint8_t *)&own, sizeof own, &location);
    if (status == BLOCKSTM_OK) status = view->api->put(view, location, (const uint8_t *)&index, sizeof index);
    return status == BLOCKSTM_OK ? BLOCKSTM_SUCCESS : BLOCKSTM_STOPPED;
}

blockstm_vm *many_reads_vm(struct many_reads *block) {
    return filled(&block->vm, block, execute);
}
