/* What the tables of all VMs in C for tests have. */
#pragma once

#include "blockstm/vm_abi.h"

static inline blockstm_vm *filled(blockstm_vm *vm, void *context,
                                  int32_t (*execute)(void *, blockstm_view *, int64_t)) {
    vm->abi_version = BLOCKSTM_VM_ABI_VERSION;
    vm->struct_size = sizeof *vm;
    vm->numbers = BLOCKSTM_NUMBERS_I64;
    vm->context = context;
    vm->execute = execute;
    return vm;
}
