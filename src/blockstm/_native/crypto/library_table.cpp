// Filling the table of libraries; see libraries.hpp.
#include "crypto/libraries.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <mutex>

#include "base/fork_locks.hpp"

namespace blockstm {
namespace {

// [tau]G2 of the KZG ceremony (EIP-4844; trusted_setup_4096.json of the consensus specifications, second
// of the powers in G2), compressed. Point evaluation needs no other part of the setup.
constexpr uint8_t SETUP_G2[96] = {
    0xb5, 0xbf, 0xd7, 0xdd, 0x8c, 0xde, 0xb1, 0x28, 0x84, 0x3b, 0xc2, 0x87, 0x23, 0x0a, 0xf3, 0x89,
    0x26, 0x18, 0x70, 0x75, 0xcb, 0xfb, 0xef, 0xa8, 0x10, 0x09, 0xa2, 0xce, 0x61, 0x5a, 0xc5, 0x3d,
    0x29, 0x14, 0xe5, 0x87, 0x0c, 0xb4, 0x52, 0xd2, 0xaf, 0xaa, 0xab, 0x24, 0xf3, 0x49, 0x9f, 0x72,
    0x18, 0x5c, 0xbf, 0xee, 0x53, 0x49, 0x27, 0x14, 0x73, 0x44, 0x29, 0xb7, 0xb3, 0x86, 0x08, 0xe2,
    0x39, 0x26, 0xc9, 0x11, 0xcc, 0xec, 0xea, 0xc9, 0xa3, 0x68, 0x51, 0x47, 0x7b, 0xa4, 0xc6, 0x0b,
    0x08, 0x70, 0x41, 0xde, 0x62, 0x10, 0x00, 0xed, 0xc9, 0x8e, 0xda, 0xda, 0x20, 0xc1, 0xde, 0xf2,
};

#define BLOCKSTM_FIND(name, symbol, result, arguments) \
    if (!find(handle, symbol, library.name)) return false;
template <class Function>
bool find(void* handle, const char* symbol, Function& function) noexcept {
    function = reinterpret_cast<Function>(dlsym(handle, symbol));
    return function != nullptr;
}
bool find_all(void* handle, Blst& library) noexcept {
    BLOCKSTM_BLST_FUNCTIONS(BLOCKSTM_FIND)
    return true;
}
bool find_all(void* handle, Gmp& library) noexcept {
    BLOCKSTM_GMP_FUNCTIONS(BLOCKSTM_FIND)
    return true;
}
#undef BLOCKSTM_FIND

bool prepare(Blst& blst) noexcept {
    BlstP2Affine setup;
    if (blst.p2_uncompress(&setup, SETUP_G2) != 0 || !blst.p2_affine_in_g2(&setup)) return false;
    blst.precompute_lines(blst.setup_lines, &setup);
    blst.precompute_lines(blst.g2_lines, blst.p2_affine_generator());
    return true;
}

bool prepare(Gmp&) noexcept { return true; }

bool fail(char* error, const char* why) noexcept {
    if (error != nullptr) std::snprintf(error, ERROR_BYTES, "%s", why);
    return false;
}

// What is loaded stays loaded: the pointers live as long as the process.
template <class Functions>
bool load(Functions& library, const char* file, char* error) noexcept {
    if (library.loaded.read_plain()) return true;  // under the lock
    if (file == nullptr) return fail(error, "it was not looked for");
    void* const handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr || !find_all(handle, library)) return fail(error, dlerror());
    if (!prepare(library)) return fail(error, "it refuses to be set up");
    library.loaded.publish(true);
    return true;
}

}  // namespace

bool load_library(Libraries& table, Library library, char* error) noexcept {
    static ForkMutex lock;
    const std::lock_guard guard(lock);
    const char* const file = table.file[static_cast<int>(library)].observe();
    return library == Library::Blst ? load(table.blst, file, error) : load(table.gmp, file, error);
}

}  // namespace blockstm
