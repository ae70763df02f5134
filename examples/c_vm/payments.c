/* A VM in C: payments between accounts, keys and values 64-bit integers.
 *
 * Built as a shared library and handed to blockstm by payments.py beside this file. Nothing here
 * is protected against other threads, because nothing needs to be: `execute` reads the block,
 * which does not change, and talks to the view it was given.
 */
#include <blockstm/vm_abi.h>

typedef struct payment {
    int64_t source, target, amount;
} payment;

static blockstm_number number(int64_t value)
{
    blockstm_number result = {{(uint64_t)value, 0, 0, 0}, 0};
    return result;
}

/* Keys are eight bytes, little-endian, as the codec in payments.py says. */
static int32_t account(blockstm_view *view, int64_t key, blockstm_location *location)
{
    uint8_t bytes[8];
    for (int place = 0; place < 8; place++)
        bytes[place] = (uint8_t)((uint64_t)key >> (8 * place));
    return view->api->locate(view, bytes, sizeof bytes, location);
}

static int32_t execute(void *context, blockstm_view *view, int64_t index)
{
    const payment *transaction = (const payment *)context + index;
    const blockstm_number debit = number(-transaction->amount);
    const blockstm_number credit = number(transaction->amount);
    const blockstm_number zero = number(0);
    blockstm_location source, target;
    int32_t paid;

    /* Whatever is not OK ends the run: unwind, and say so. */
    if (account(view, transaction->source, &source) || account(view, transaction->target, &target))
        return BLOCKSTM_STOPPED;
    if (view->api->try_add(view, source, &debit, &zero, 0, &paid))
        return BLOCKSTM_STOPPED;
    if (!paid) {
        static const char reason[] = "insufficient funds";
        view->api->output(view, (const uint8_t *)reason, sizeof reason - 1);
        return BLOCKSTM_REVERTED;
    }
    if (view->api->add(view, target, &credit))
        return BLOCKSTM_STOPPED;
    return BLOCKSTM_SUCCESS;
}

/* Fills the table that the engine is given. The block must outlive it. */
__attribute__((visibility("default"))) void payments_vm(blockstm_vm *vm, payment *block)
{
    vm->abi_version = BLOCKSTM_VM_ABI_VERSION;
    vm->struct_size = sizeof *vm;
    vm->numbers = BLOCKSTM_NUMBERS_I64;
    vm->flags = 0; /* needs no GIL */
    vm->context = block;
    vm->execute = execute;
}
