/* An EVM by EVMC that is none: each byte of code is an order, which most of the time works on the call data. And a host
 * by EVMC that has one account with one slot. Between them they call every function of the interface. */
#include "blockstm/evmc.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct tiny {
    struct evmc_vm vm;
    int64_t gas_a_call; /* an option */
};

static void free_output(const struct evmc_result *result) { free((void *)result->output_data); }

static struct evmc_result ended(enum evmc_status_code status, int64_t gas_left, const void *output, size_t size) {
    struct evmc_result result = {0};
    result.status_code = status;
    result.gas_left = gas_left;
    if (size != 0) {
        uint8_t *copy = malloc(size);
        memcpy(copy, output, size);
        result.output_data = copy;
        result.output_size = size;
        result.release = free_output;
    }
    return result;
}

/* What a call came to, as bytes: status, gas left, refund, created address, output. */
static struct evmc_result told(const struct evmc_result *called, int64_t gas_left) {
    const size_t head = 1 + 8 + 8 + 20;
    uint8_t *bytes = malloc(head + called->output_size);
    bytes[0] = (uint8_t)called->status_code;
    memcpy(bytes + 1, &called->gas_left, 8);
    memcpy(bytes + 9, &called->gas_refund, 8);
    memcpy(bytes + 17, called->create_address.bytes, 20);
    if (called->output_size != 0) memcpy(bytes + head, called->output_data, called->output_size);
    struct evmc_result result = ended(EVMC_SUCCESS, gas_left, bytes, head + called->output_size);
    result.gas_refund = called->gas_refund;
    free(bytes);
    return result;
}

/* Call data: kind, flags, address, value, input. */
static struct evmc_result call_out(struct tiny *tiny, const struct evmc_host_interface *host,
                                   struct evmc_host_context *context, const struct evmc_message *message) {
    struct evmc_message asked = {0};
    const uint8_t *data = message->input_data;
    asked.kind = (enum evmc_call_kind)data[0];
    asked.flags = data[1] | (message->flags & EVMC_STATIC);
    asked.depth = message->depth + 1;
    asked.gas = tiny->gas_a_call < 0 ? message->gas / 2 : tiny->gas_a_call;
    memcpy(asked.recipient.bytes, data + 2, 20);
    asked.code_address = asked.recipient;
    if (asked.kind == EVMC_CALLCODE || asked.kind == EVMC_DELEGATECALL) asked.recipient = message->recipient;
    asked.sender = asked.kind == EVMC_DELEGATECALL ? message->sender : message->recipient;
    memcpy(asked.value.bytes, data + 22, 32);
    asked.input_data = data + 54;
    asked.input_size = message->input_size - 54;
    struct evmc_result called = host->call(context, &asked);
    const struct evmc_result result = told(&called, message->gas - asked.gas + called.gas_left);
    if (called.release != NULL) called.release(&called);
    return result;
}

static struct evmc_result misbehave(uint8_t how, const struct evmc_host_interface *host,
                                    struct evmc_host_context *context, const struct evmc_message *message) {
    static const evmc_bytes32 words[6];
    struct evmc_message asked = {0};
    struct evmc_result result = ended(EVMC_SUCCESS, message->gas, NULL, 0);
    switch (how) {
        case 5: result.status_code = EVMC_INTERNAL_ERROR, result.gas_left = 0; break;
        case 6: result.status_code = (enum evmc_status_code)-77; break;
        case 7: result.gas_left = message->gas + 1; break;
        case 8: result.status_code = EVMC_OUT_OF_GAS; break;
        case 9: result.output_size = 5; break;
        case 10: host->get_balance(context, NULL); break;
        case 11: host->set_storage(context, &message->recipient, words, words + 1); break;
        case 12:
            asked.gas = message->gas + 100000;
            host->call(context, &asked);
            break;
        case 13: result.gas_refund = INT64_MAX; break;
        case 14: host->emit_log(context, &message->recipient, NULL, 0, words, 5); break;
        case 15:
            asked.kind = EVMC_EOFCREATE;
            host->call(context, &asked);
            break;
        case 16: result.gas_left = -1; break;
        case 17: host->emit_log(context, &message->recipient, NULL, 3, NULL, 0); break;
        case 18: host->call(context, NULL); break;
        case 19:
            asked.input_size = 1;
            host->call(context, &asked);
            break;
        case 20: result.status_code = EVMC_OUT_OF_MEMORY; break;
        case 21: /* goes on for long after it was told that nothing counts any more */
            for (int i = 0; i < 100; ++i) host->get_storage(context, NULL, NULL);
            asked.code_address = asked.recipient = message->recipient;
            result = host->call(context, &asked);
            break;
        case 22: host->emit_log(context, &message->recipient, words[0].bytes, (size_t)1 << 32, NULL, 0); break;
        case 23: result.output_data = words[0].bytes, result.output_size = (size_t)1 << 32; break;
    }
    return result;
}

static struct evmc_result execute(struct evmc_vm *vm, const struct evmc_host_interface *host,
                                  struct evmc_host_context *context, enum evmc_revision revision,
                                  const struct evmc_message *message, const uint8_t *code, size_t size) {
    const evmc_address *const own = &message->recipient;
    const evmc_bytes32 *const words = (const evmc_bytes32 *)message->input_data;
    const evmc_address *const address = (const evmc_address *)message->input_data;
    const int64_t left = message->gas - 100; /* the price of everything */
    uint8_t bytes[sizeof(struct evmc_tx_context)] = {0};
    evmc_bytes32 word;
    if (size == 0 || left < 0) return ended(EVMC_OUT_OF_GAS, 0, NULL, 0);
    switch (code[0]) {
        case 'I': return ended(EVMC_SUCCESS, left, message->input_data, message->input_size);
        case 'V': return ended(EVMC_REVERT, left, message->input_data, message->input_size);
        case 'F': return ended(EVMC_INVALID_INSTRUCTION, 0, NULL, 0);
        case 'J': return ended(EVMC_REJECTED, 0, NULL, 0);
        case 'N': /* initcode: the rest of it is the code */ return ended(EVMC_SUCCESS, left, code + 1, size - 1);
        case 'M': return misbehave(code[1], host, context, message);
        case 'C': return call_out((struct tiny *)vm, host, context, message);
        case 'W':
            bytes[0] = (uint8_t)host->access_storage(context, own, words);
            bytes[1] = (uint8_t)host->set_storage(context, own, words, words + 1);
            return ended(EVMC_SUCCESS, left, bytes, 2);
        case 'S': word = host->get_storage(context, own, words); break;
        case 'P':
            host->set_transient_storage(context, own, words, words + 1);
            word = host->get_transient_storage(context, own, words);
            break;
        case 'B': word = host->get_balance(context, address); break;
        case 'K': word = host->get_code_hash(context, address); break;
        case 'H': word = host->get_block_hash(context, message->input_data[0] | message->input_data[1] << 8); break;
        case 'A':
            bytes[0] = host->account_exists(context, address);
            bytes[1] = (uint8_t)host->access_account(context, address);
            bytes[2] = (uint8_t)host->access_account(context, address);
            bytes[3] = (uint8_t)host->get_code_size(context, address);
            return ended(EVMC_SUCCESS, left, bytes, 4 + host->copy_code(context, address, 1, bytes + 4, 8));
        case 'D':
            bytes[0] = host->selfdestruct(context, own, address);
            bytes[1] = host->selfdestruct(context, own, address);
            return ended(EVMC_SUCCESS, left, bytes, 2);
        case 'E':
            host->emit_log(context, own, message->input_data, message->input_size, words, 2);
            return ended(EVMC_SUCCESS, left, NULL, 0);
        case 'T': {
            const struct evmc_tx_context given = host->get_tx_context(context);
            memcpy(bytes, &given, sizeof given);
            return ended(EVMC_SUCCESS, left, bytes, offsetof(struct evmc_tx_context, blob_hashes));
        }
        case 'Q': /* the message itself */
            bytes[0] = (uint8_t)message->kind, bytes[1] = (uint8_t)message->flags, bytes[2] = (uint8_t)message->depth;
            bytes[3] = (uint8_t)revision, bytes[4] = message->code == code && message->code_size == size;
            memcpy(bytes + 5, own->bytes, 20);
            memcpy(bytes + 25, message->sender.bytes, 20);
            memcpy(bytes + 45, message->code_address.bytes, 20);
            memcpy(bytes + 65, message->value.bytes, 32);
            return ended(EVMC_SUCCESS, left, bytes, 97);
        default: return ended(EVMC_UNDEFINED_INSTRUCTION, 0, NULL, 0);
    }
    return ended(EVMC_SUCCESS, left, word.bytes, sizeof word.bytes);
}

static void destroy(struct evmc_vm *vm) { free(vm); }

static evmc_capabilities_flagset get_capabilities(struct evmc_vm *vm) {
    (void)vm;
#ifdef TINY_EWASM
    return EVMC_CAPABILITY_EWASM;
#else
    return EVMC_CAPABILITY_EVM1;
#endif
}

/* gas=N: what each call gets; else half of what is left. */
static enum evmc_set_option_result set_option(struct evmc_vm *vm, const char *name, const char *value) {
    if (strcmp(name, "gas") != 0) return EVMC_SET_OPTION_INVALID_NAME;
    if (value[0] < '0' || value[0] > '9') return EVMC_SET_OPTION_INVALID_VALUE;
    ((struct tiny *)vm)->gas_a_call = strtoll(value, NULL, 10);
    return EVMC_SET_OPTION_SUCCESS;
}

#ifndef TINY_CREATE
#define TINY_CREATE evmc_create_tiny
#endif
#ifndef TINY_ABI
#define TINY_ABI EVMC_ABI_VERSION
#endif
#ifndef TINY_EXECUTE
#define TINY_EXECUTE execute
#endif

EXPORT struct evmc_vm *TINY_CREATE(void) {
#ifdef TINY_NULL
    return NULL;
#else
    struct tiny *tiny = malloc(sizeof *tiny);
    const struct tiny made = {{TINY_ABI, "tiny", "1", destroy, TINY_EXECUTE, get_capabilities, set_option}, -1};
    memcpy(tiny, &made, sizeof made);
    return &tiny->vm;
#endif
}

/* ------------------------------------------------------------------------------ a host */

struct evmc_host_context {
    evmc_bytes32 slot;
    int32_t calls;
    struct evmc_message last;
};

static bool host_exists(struct evmc_host_context *context, const evmc_address *address) {
    (void)context;
    return address->bytes[19] == 0xaa;
}
static evmc_bytes32 host_load(struct evmc_host_context *context, const evmc_address *address, const evmc_bytes32 *key) {
    (void)address, (void)key;
    return context->slot;
}
static enum evmc_storage_status host_store(struct evmc_host_context *context, const evmc_address *address,
                                           const evmc_bytes32 *key, const evmc_bytes32 *value) {
    (void)address, (void)key;
    context->slot = *value;
    return EVMC_STORAGE_ADDED;
}
static evmc_uint256be host_balance(struct evmc_host_context *context, const evmc_address *address) {
    evmc_uint256be balance = {{0}};
    (void)context;
    balance.bytes[31] = address->bytes[19];
    return balance;
}
static evmc_bytes32 host_load_hash(struct evmc_host_context *context, const evmc_address *address) {
    return host_balance(context, address);
}
static size_t host_code_size(struct evmc_host_context *context, const evmc_address *address) {
    (void)context;
    return address->bytes[19];
}
static size_t host_copy_code(struct evmc_host_context *context, const evmc_address *address, size_t offset,
                             uint8_t *buffer, size_t size) {
    (void)context, (void)address, (void)offset;
    if (size != 0) buffer[0] = 0x77;
    return size == 0 ? 0 : 1;
}
static struct evmc_result host_call(struct evmc_host_context *context, const struct evmc_message *message) {
    ++context->calls;
    context->last = *message;
    return ended(EVMC_SUCCESS, message->gas - 7, "called", 6);
}
static struct evmc_tx_context host_tx_context(struct evmc_host_context *context) {
    struct evmc_tx_context given;
    memset(&given, 0, sizeof given);
    (void)context;
    given.block_number = 1000;
    return given;
}
static evmc_bytes32 host_block_hash(struct evmc_host_context *context, int64_t number) {
    evmc_bytes32 hash = {{0}};
    (void)context;
    hash.bytes[31] = (uint8_t)number;
    return hash;
}
static bool host_selfdestruct(struct evmc_host_context *context, const evmc_address *address,
                              const evmc_address *beneficiary) {
    (void)context, (void)address, (void)beneficiary;
    return true;
}
static void host_log(struct evmc_host_context *context, const evmc_address *address, const uint8_t *data, size_t size,
                     const evmc_bytes32 topics[], size_t count) {
    (void)address, (void)data, (void)size, (void)topics;
    context->calls += (int32_t)(100 * (count + 1));
}
static enum evmc_access_status host_access(struct evmc_host_context *context, const evmc_address *address) {
    (void)context, (void)address;
    return EVMC_ACCESS_WARM;
}
static enum evmc_access_status host_access_slot(struct evmc_host_context *context, const evmc_address *address,
                                                const evmc_bytes32 *key) {
    (void)context, (void)address, (void)key;
    return EVMC_ACCESS_WARM;
}
static void host_store_transient(struct evmc_host_context *context, const evmc_address *address,
                                 const evmc_bytes32 *key, const evmc_bytes32 *value) {
    host_store(context, address, key, value);
}

static const struct evmc_host_interface HOST = {
    host_exists,     host_load,         host_store,      host_balance,     host_code_size, host_load_hash,
    host_copy_code,  host_selfdestruct, host_call,       host_tx_context,  host_block_hash, host_log,
    host_access,     host_access_slot,  host_load,       host_store_transient,
};

/* Runs code on a VM, with this much gas; the status, the gas left, and what the host has by then. */
EXPORT int host_run(struct evmc_vm *vm, int revision, int64_t gas, const uint8_t *code, size_t size, int64_t *gas_left,
                    uint8_t output[64], size_t *output_size, uint8_t slot[32], int32_t *calls, uint8_t callee[20]) {
    struct evmc_host_context context = {0};
    struct evmc_message message = {0};
    message.gas = gas;
    message.recipient.bytes[19] = 0xaa;
    const struct evmc_result result =
        vm->execute(vm, &HOST, &context, (enum evmc_revision)revision, &message, code, size);
    *gas_left = result.gas_left;
    *output_size = result.output_size;
    if (result.output_size != 0 && result.output_size <= 64) memcpy(output, result.output_data, result.output_size);
    memcpy(slot, context.slot.bytes, 32);
    memcpy(callee, context.last.code_address.bytes, 20);
    *calls = context.calls;
    if (result.release != NULL) result.release(&result);
    return result.status_code;
}
