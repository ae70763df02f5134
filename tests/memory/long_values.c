/* A VM in C for tests: transaction i reads key i % keys and puts a value of `size` bytes there, all of them
 * i + the first byte that was there. Its output is what it read of the value before. Where it `changes`, the
 * size falls and rises by eighths, and every third transaction removes the value or puts a short one. */
#include <stdlib.h>
#include <string.h>

#include "filled.h"

struct long_values {
    uint64_t keys;
    uint64_t size;
    uint64_t reads;   /* whether a transaction looks at what it overwrites */
    uint64_t outputs; /* bytes of output */
    uint64_t changes;
    blockstm_vm vm;
};

static int32_t put(const struct long_values *block, blockstm_view *view, blockstm_location location,
                   const uint8_t *value, uint64_t index) {
    uint64_t size = block->size;
    if (block->changes) {
        if (index % 6 == 1) return view->api->remove(view, location);
        size = index % 6 == 4 ? 8 : size - index * 5 % 8 * (size / 8);
    }
    return view->api->put(view, location, value, size);
}

static int32_t execute(void *context, blockstm_view *view, int64_t index) {
    const struct long_values *block = context;
    const uint64_t key = (uint64_t)index % block->keys;
    blockstm_location location;
    blockstm_bytes before = {0, 0};
    int32_t status = view->api->locate(view, (const uint8_t *)&key, sizeof key, &location);
    uint8_t first = (uint8_t)index;
    if (status != BLOCKSTM_OK) return BLOCKSTM_STOPPED;
    if (block->reads) {
        status = view->api->get(view, location, &before);
        if (status != BLOCKSTM_OK && status != BLOCKSTM_ABSENT) return BLOCKSTM_STOPPED;
        if (status == BLOCKSTM_OK && before.size) first = (uint8_t)(first + before.data[0]);
    }
    uint8_t *value = malloc(block->size + block->outputs + 1);
    if (value == NULL) return BLOCKSTM_FAILED;
    memset(value, first, block->size + block->outputs);
    status = put(block, view, location, value, (uint64_t)index);
    if (status == BLOCKSTM_OK) status = view->api->output(view, value, block->outputs);
    free(value);
    return status == BLOCKSTM_OK ? BLOCKSTM_SUCCESS : BLOCKSTM_STOPPED;
}

blockstm_vm *long_values_vm(struct long_values *block) {
    return filled(&block->vm, block, execute);
}
