// One entry point for all precompiles: find it in the table, charge its gas, run it. See precompiles.hpp.
#include "evm/precompiles/precompiles.hpp"

#include "evm/precompiles/families.hpp"
#include "evm/precompiles/computed_results.hpp"
#include "evm/precompiles/result_memo.hpp"

namespace blockstm::evm {
namespace {

struct Precompile {
    PrecompileGas* gas;
    PrecompileRun* run;
    bool is_remembered = false;  // almost all of its time goes into the arithmetic of curves
};

// By number; P256VERIFY, whose number is far off, is the last. Sums are not remembered, which take as long as to look
// them up, nor is MODEXP, whose cheapest calls do.
constexpr Precompile PRECOMPILES[] = {
    {nullptr, nullptr},
    {ecrecover_gas, run_ecrecover, true},
    {sha256_gas, run_sha256},
    {ripemd160_gas, run_ripemd160},
    {identity_gas, run_identity},
    {modexp_gas, run_modexp},
    {bn254_add_gas, run_bn254_add},
    {bn254_mul_gas, run_bn254_mul, true},
    {bn254_pairing_gas, run_bn254_pairing, true},
    {blake2f_gas, run_blake2f},
    {point_evaluation_gas, run_point_evaluation, true},
    {bls12_g1add_gas, run_bls12_g1add},
    {bls12_g1msm_gas, run_bls12_g1msm, true},
    {bls12_g2add_gas, run_bls12_g2add},
    {bls12_g2msm_gas, run_bls12_g2msm, true},
    {bls12_pairing_gas, run_bls12_pairing, true},
    {bls12_map_fp_to_g1_gas, run_bls12_map_fp_to_g1, true},
    {bls12_map_fp2_to_g2_gas, run_bls12_map_fp2_to_g2, true},
    {p256verify_gas, run_p256verify, true},
};
constexpr int P256VERIFY_PLACE = precompile::BLS12_MAP_FP2_TO_G2 + 1;

PrecompileStatus run_remembered(const Precompile& precompile, int number, Span input, Bytes& output,
                                const RunResults& known) noexcept {
    const ResultMemo::Key key(number, input);
    if (known.memo->find(known.run, key, output)) return PrecompileStatus::Success;
    computed_results.count_up(1);
    const PrecompileStatus status = precompile.run(input, output);
    if (status == PrecompileStatus::Success) known.memo->put(known.run, key, {output.data(), output.size()});
    return status;
}

}  // namespace

Atomic<uint64_t> computed_results{0};

PrecompileStatus run_precompile(Fork fork, int number, Span input, int64_t& gas_left, Bytes& output,
                                const RunResults& known) noexcept {
    output.clear();
    if (!is_precompile(fork, number)) return PrecompileStatus::Unavailable;
    const Precompile& found = PRECOMPILES[number == precompile::P256VERIFY ? P256VERIFY_PLACE : number];
    const int64_t gas = found.gas(fork, input);
    PrecompileStatus status = PrecompileStatus::Failure;
    if (gas != REFUSED && gas <= gas_left) {
        gas_left -= gas;
        const bool may_know = known.memo != nullptr && found.is_remembered && ResultMemo::holds(input);
        status = may_know ? run_remembered(found, number, input, output, known) : found.run(input, output);
    }
    if (status == PrecompileStatus::Failure) gas_left = 0;
    if (status != PrecompileStatus::Success) output.clear();
    return status;
}

}  // namespace blockstm::evm
