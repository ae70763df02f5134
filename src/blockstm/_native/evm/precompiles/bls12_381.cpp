// BLS12-381: additions, the pairing check and the maps to the curves (EIP-2537), by blst. Additions take
// any points of the curves; the pairing wants the groups of prime order.
#include "evm/precompiles/bls12_381.hpp"

#include <algorithm>

namespace blockstm::evm {
namespace {

using bls12::G1;
using bls12::G2;

constexpr uint64_t PAIR_SIZE = G1::SIZE + G2::SIZE;
constexpr uint64_t PAIRS_AT_ONCE = 16;  // they share the squarings of one Miller loop

template <class Group>
PrecompileStatus add(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    if (input.size != 2 * Group::SIZE) return PrecompileStatus::Failure;
    typename Group::Affine left, right;
    if (!bls12::read_on_curve<Group>(blst, input.data, left) ||
        !bls12::read_on_curve<Group>(blst, input.data + Group::SIZE, right)) {
        return PrecompileStatus::Failure;
    }
    typename Group::Point sum;
    (blst.*Group::from_affine)(&sum, &left);
    (blst.*Group::add_affine)(&sum, &sum, &right);
    return bls12::write<Group>(blst, sum, output);
}

// Reads `count` pairs and takes their product before the final exponentiation: the Miller loop, in which a
// pair with a point at infinity counts as one.
class Product {
public:
    explicit Product(const Blst& blst) noexcept : blst_(blst) {}

    // False if a point is refused.
    bool multiply(const uint8_t* bytes, uint64_t count) noexcept {
        BlstP1Affine p[PAIRS_AT_ONCE];
        BlstP2Affine q[PAIRS_AT_ONCE];
        const BlstP1Affine* ps[PAIRS_AT_ONCE];
        const BlstP2Affine* qs[PAIRS_AT_ONCE];
        uint64_t used = 0;
        for (; count != 0; --count, bytes += PAIR_SIZE) {
            if (!bls12::read_in_group<G1>(blst_, bytes, p[used]) ||
                !bls12::read_in_group<G2>(blst_, bytes + G1::SIZE, q[used])) {
                return false;
            }
            if (blst_.p1_affine_is_inf(&p[used]) || blst_.p2_affine_is_inf(&q[used])) continue;
            ps[used] = &p[used];
            qs[used] = &q[used];
            ++used;
        }
        if (used == 0) return true;
        BlstFp12 here;
        blst_.miller_loop_n(&here, qs, ps, used);
        if (empty_) {
            value_ = here;
        } else {
            blst_.fp12_mul(&value_, &value_, &here);
        }
        empty_ = false;
        return true;
    }

    bool is_one() noexcept {
        if (empty_) return true;
        blst_.final_exp(&value_, &value_);
        return blst_.fp12_is_one(&value_);
    }

private:
    const Blst& blst_;
    BlstFp12 value_;
    bool empty_ = true;
};

}  // namespace

int64_t bls12_g1add_gas(Fork, Span) noexcept { return 375; }
int64_t bls12_g2add_gas(Fork, Span) noexcept { return 600; }
int64_t bls12_map_fp_to_g1_gas(Fork, Span) noexcept { return 5500; }
int64_t bls12_map_fp2_to_g2_gas(Fork, Span) noexcept { return 23800; }

int64_t bls12_pairing_gas(Fork, Span input) noexcept {
    return 37700 + 32600 * static_cast<int64_t>(input.size / PAIR_SIZE);
}

PrecompileStatus run_bls12_g1add(Span input, Bytes& output) noexcept { return add<G1>(input, output); }
PrecompileStatus run_bls12_g2add(Span input, Bytes& output) noexcept { return add<G2>(input, output); }

PrecompileStatus run_bls12_pairing(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    if (input.size == 0 || input.size % PAIR_SIZE != 0) return PrecompileStatus::Failure;
    Product product(blst);
    const uint8_t* bytes = input.data;
    for (uint64_t pairs = input.size / PAIR_SIZE; pairs != 0;) {
        const uint64_t count = std::min(pairs, PAIRS_AT_ONCE);
        if (!product.multiply(bytes, count)) return PrecompileStatus::Failure;
        bytes += count * PAIR_SIZE;
        pairs -= count;
    }
    return answer(output, product.is_one());
}

PrecompileStatus run_bls12_map_fp_to_g1(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    BlstFp element;
    if (input.size != bls12::FP_SIZE || !bls12::read_fp(blst, input.data, element)) {
        return PrecompileStatus::Failure;
    }
    BlstP1 point;
    blst.map_to_g1(&point, &element, nullptr);
    return bls12::write<G1>(blst, point, output);
}

PrecompileStatus run_bls12_map_fp2_to_g2(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    BlstFp2 element;
    if (input.size != 2 * bls12::FP_SIZE || !bls12::read_fp2(blst, input.data, element)) {
        return PrecompileStatus::Failure;
    }
    BlstP2 point;
    blst.map_to_g2(&point, &element, nullptr);
    return bls12::write<G2>(blst, point, output);
}

}  // namespace blockstm::evm
