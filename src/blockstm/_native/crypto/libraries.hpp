// The functions of other people's libraries that the EVM calls: one table of C pointers, with their
// signatures from those libraries' headers. `blockstm.vm.evm.libraries` finds the shared objects; the first
// thread that needs a library loads it, as most blocks need none, and to link one takes longer than many a block.
// From then on its part of the table is read-only, and any thread calls through it without the GIL. Each of these
// functions keeps its state in its arguments, so calls from many threads never meet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomics.hpp"

namespace blockstm {

// ---- blst, from ckzg: BLS12-381

struct BlstFp {
    uint64_t limbs[6];  // in Montgomery form
};
struct BlstFp2 {
    BlstFp c0, c1;
};
struct BlstFp6 {
    BlstFp2 c0, c1, c2;
};
struct BlstFp12 {
    BlstFp6 c0, c1;
};
struct BlstScalar {
    uint8_t bytes[32];  // little-endian
};
struct BlstP1Affine {
    BlstFp x, y;
};
struct BlstP1 {
    BlstFp x, y, z;
};
struct BlstP2Affine {
    BlstFp2 x, y;
};
struct BlstP2 {
    BlstFp2 x, y, z;
};

#define BLOCKSTM_BLST_FUNCTIONS(FUNCTION)                                                                    \
    FUNCTION(fp_from_bendian, "blst_fp_from_bendian", void, (BlstFp * out, const uint8_t* bytes48))          \
    FUNCTION(bendian_from_fp, "blst_bendian_from_fp", void, (uint8_t * bytes48, const BlstFp* value))        \
    FUNCTION(scalar_from_be_bytes, "blst_scalar_from_be_bytes", bool,                                        \
             (BlstScalar * out, const uint8_t* bytes, size_t size))                                          \
    FUNCTION(scalar_from_bendian, "blst_scalar_from_bendian", void,                                          \
             (BlstScalar * out, const uint8_t* bytes32))                                                     \
    FUNCTION(scalar_fr_check, "blst_scalar_fr_check", bool, (const BlstScalar* scalar))                      \
    FUNCTION(p1_uncompress, "blst_p1_uncompress", int, (BlstP1Affine * out, const uint8_t* bytes48))         \
    FUNCTION(p2_uncompress, "blst_p2_uncompress", int, (BlstP2Affine * out, const uint8_t* bytes96))         \
    FUNCTION(p1_affine_on_curve, "blst_p1_affine_on_curve", bool, (const BlstP1Affine* point))               \
    FUNCTION(p2_affine_on_curve, "blst_p2_affine_on_curve", bool, (const BlstP2Affine* point))               \
    FUNCTION(p1_affine_in_g1, "blst_p1_affine_in_g1", bool, (const BlstP1Affine* point))                     \
    FUNCTION(p2_affine_in_g2, "blst_p2_affine_in_g2", bool, (const BlstP2Affine* point))                     \
    FUNCTION(p1_affine_is_inf, "blst_p1_affine_is_inf", bool, (const BlstP1Affine* point))                   \
    FUNCTION(p2_affine_is_inf, "blst_p2_affine_is_inf", bool, (const BlstP2Affine* point))                   \
    FUNCTION(p1_from_affine, "blst_p1_from_affine", void, (BlstP1 * out, const BlstP1Affine* point))         \
    FUNCTION(p2_from_affine, "blst_p2_from_affine", void, (BlstP2 * out, const BlstP2Affine* point))         \
    FUNCTION(p1_to_affine, "blst_p1_to_affine", void, (BlstP1Affine * out, const BlstP1* point))             \
    FUNCTION(p2_to_affine, "blst_p2_to_affine", void, (BlstP2Affine * out, const BlstP2* point))             \
    FUNCTION(p1_add_or_double_affine, "blst_p1_add_or_double_affine", void,                                  \
             (BlstP1 * out, const BlstP1* left, const BlstP1Affine* right))                                  \
    FUNCTION(p2_add_or_double_affine, "blst_p2_add_or_double_affine", void,                                  \
             (BlstP2 * out, const BlstP2* left, const BlstP2Affine* right))                                  \
    FUNCTION(p1_add_or_double, "blst_p1_add_or_double", void,                                                \
             (BlstP1 * out, const BlstP1* left, const BlstP1* right))                                        \
    FUNCTION(p1_cneg, "blst_p1_cneg", void, (BlstP1 * point, bool negate))                                   \
    FUNCTION(p1_mult, "blst_p1_mult", void,                                                                  \
             (BlstP1 * out, const BlstP1* point, const uint8_t* scalar, size_t bits))                        \
    FUNCTION(p2_mult, "blst_p2_mult", void,                                                                  \
             (BlstP2 * out, const BlstP2* point, const uint8_t* scalar, size_t bits))                        \
    FUNCTION(p1s_mult_scratch_size, "blst_p1s_mult_pippenger_scratch_sizeof", size_t, (size_t count))        \
    FUNCTION(p2s_mult_scratch_size, "blst_p2s_mult_pippenger_scratch_sizeof", size_t, (size_t count))        \
    FUNCTION(p1s_mult, "blst_p1s_mult_pippenger", void,                                                      \
             (BlstP1 * out, const BlstP1Affine* const points[], size_t count,                                \
              const uint8_t* const scalars[], size_t bits, uint64_t* scratch))                               \
    FUNCTION(p2s_mult, "blst_p2s_mult_pippenger", void,                                                      \
             (BlstP2 * out, const BlstP2Affine* const points[], size_t count,                                \
              const uint8_t* const scalars[], size_t bits, uint64_t* scratch))                               \
    FUNCTION(map_to_g1, "blst_map_to_g1", void, (BlstP1 * out, const BlstFp* u, const BlstFp* v))            \
    FUNCTION(map_to_g2, "blst_map_to_g2", void, (BlstP2 * out, const BlstFp2* u, const BlstFp2* v))          \
    FUNCTION(p1_generator, "blst_p1_generator", const BlstP1*, ())                                           \
    FUNCTION(p2_affine_generator, "blst_p2_affine_generator", const BlstP2Affine*, ())                       \
    FUNCTION(precompute_lines, "blst_precompute_lines", void, (BlstFp6 * lines68, const BlstP2Affine* q))    \
    FUNCTION(miller_loop_lines, "blst_miller_loop_lines", void,                                              \
             (BlstFp12 * out, const BlstFp6* lines68, const BlstP1Affine* p))                                \
    FUNCTION(miller_loop_n, "blst_miller_loop_n", void,                                                      \
             (BlstFp12 * out, const BlstP2Affine* const qs[], const BlstP1Affine* const ps[], size_t count)) \
    FUNCTION(fp12_mul, "blst_fp12_mul", void, (BlstFp12 * out, const BlstFp12* left, const BlstFp12* right)) \
    FUNCTION(final_exp, "blst_final_exp", void, (BlstFp12 * out, const BlstFp12* value))                     \
    FUNCTION(fp12_is_one, "blst_fp12_is_one", bool, (const BlstFp12* value))

// ---- GMP, from gmpy2: MODEXP

struct GmpInteger {
    int allocated, size;
    uint64_t* limbs;
};

#define BLOCKSTM_GMP_FUNCTIONS(FUNCTION)                                                                    \
    FUNCTION(init, "__gmpz_init", void, (GmpInteger * value))                                               \
    FUNCTION(clear, "__gmpz_clear", void, (GmpInteger * value))                                             \
    FUNCTION(import_bytes, "__gmpz_import", void,                                                           \
             (GmpInteger * out, size_t count, int order, size_t size, int endian, size_t nails,             \
              const void* bytes))                                                                           \
    FUNCTION(powm, "__gmpz_powm", void,                                                                     \
             (GmpInteger * out, const GmpInteger* base, const GmpInteger* exponent,                         \
              const GmpInteger* modulus))

#define BLOCKSTM_MEMBER(name, symbol, result, arguments) result(*name) arguments = nullptr;

struct Blst {
    static constexpr int LINES = 68;

    Atomic<bool> loaded{false};  // published when all else is there
    BlstFp6 g2_lines[LINES];      // the Miller loop's lines through the generator of G2
    BlstFp6 setup_lines[LINES];   // and through tau times it, from the KZG ceremony
    BLOCKSTM_BLST_FUNCTIONS(BLOCKSTM_MEMBER)
};

struct Gmp {
    Atomic<bool> loaded{false};
    BLOCKSTM_GMP_FUNCTIONS(BLOCKSTM_MEMBER)
};

#undef BLOCKSTM_MEMBER

enum class Library : uint8_t { Blst, Gmp };
inline constexpr int LIBRARIES = 2;

struct Libraries {
    Blst blst;
    Gmp gmp;
    Atomic<const char*> file[LIBRARIES]{nullptr, nullptr};  // where each is loaded from; null: nobody said
    bool (*load)(Library library) = nullptr;  // as `load_library`, on this table; throws nothing
};

inline const Libraries NO_LIBRARIES{};
inline const Libraries* library_table = &NO_LIBRARIES;

// Every extension module that calls libraries says once, when it is imported, where the one table is.
inline void use_libraries(const Libraries* table) noexcept { library_table = table; }

// A library's functions, loaded where they are not yet; null where they cannot be. From any thread.
inline const Blst* blst_functions() noexcept {
    const Libraries& table = *library_table;
    if (table.blst.loaded.observe()) return &table.blst;
    return table.load != nullptr && table.load(Library::Blst) ? &table.blst : nullptr;
}

inline const Gmp* gmp_functions() noexcept {
    const Libraries& table = *library_table;
    if (table.gmp.loaded.observe()) return &table.gmp;
    return table.load != nullptr && table.load(Library::Gmp) ? &table.gmp : nullptr;
}

// Says where a library is to be loaded from; the text stays. From any thread.
inline void promise_library(Libraries& table, Library library, const char* file) noexcept {
    table.file[static_cast<int>(library)].publish(file);
}

// Loads a library from its file, unless it is there already. From any thread, with or without the GIL; a fork waits
// until it is done. Where that fails, false, and `error`, if not null, has `ERROR_BYTES` of why.
inline constexpr size_t ERROR_BYTES = 512;
bool load_library(Libraries& table, Library library, char* error) noexcept;

}  // namespace blockstm
