// BLS12-381: sums of multiples of points, G1MSM and G2MSM (EIP-2537), by blst. The more terms, the less
// each costs: the discount is in thousandths, by the number of terms, and stays where its table ends.
#include <algorithm>
#include <cstdlib>

#include "evm/precompiles/bls12_381.hpp"

namespace blockstm::evm {
namespace {

using bls12::G1;
using bls12::G2;

constexpr uint64_t DISCOUNTS = 128;

constexpr int16_t G1_DISCOUNT[DISCOUNTS] = {
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677,
    673, 669, 665, 661, 658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627,
    625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604, 603, 601, 599, 598,
    596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576,
    575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
    558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544,
    543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531,
    530, 529, 528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
};

constexpr int16_t G2_DISCOUNT[DISCOUNTS] = {
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717,
    711, 704, 699, 693, 688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646,
    643, 640, 637, 634, 632, 629, 627, 624, 622, 620, 618, 615, 613, 611, 609, 607,
    606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587, 586, 584, 583, 582,
    580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
    561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547,
    546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535,
    534, 533, 532, 532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
};

template <class Group>
constexpr uint64_t TERM_SIZE = Group::SIZE + bls12::SCALAR_SIZE;

template <class Group>
int64_t gas(Span input, int64_t multiplication, const int16_t* discounts) noexcept {
    const uint64_t terms = input.size / TERM_SIZE<Group>;
    if (terms == 0) return 0;
    const int64_t discount = discounts[std::min(terms, DISCOUNTS) - 1];
    return static_cast<int64_t>(terms) * multiplication * discount / 1000;
}

constexpr size_t SCALAR_BITS = 255;  // of a scalar below the groups' order

// A term that adds nothing is left out: it would cost as much as any.
template <class Group>
struct Term {
    typename Group::Affine point;
    BlstScalar scalar;
};

enum class Read : uint8_t { Something, Nothing, Refused };

// Scalars are any 256-bit numbers; reduced by the order of the groups, they multiply alike.
template <class Group>
Read read_term(const Blst& blst, const uint8_t* bytes, Term<Group>& out) noexcept {
    if (!bls12::read_in_group<Group>(blst, bytes, out.point)) return Read::Refused;
    const bool is_zero = !blst.scalar_from_be_bytes(&out.scalar, bytes + Group::SIZE, bls12::SCALAR_SIZE);
    return is_zero || (blst.*Group::is_infinity)(&out.point) ? Read::Nothing : Read::Something;
}

// A term alone: quicker without blst's sum, which is quicker from two terms on.
template <class Group>
PrecompileStatus multiply(const Blst& blst, Span input, Bytes& output) noexcept {
    Term<Group> term;
    const Read read = read_term<Group>(blst, input.data, term);
    if (read == Read::Refused) return PrecompileStatus::Failure;
    typename Group::Point product{};
    if (read == Read::Something) {
        (blst.*Group::from_affine)(&product, &term.point);
        (blst.*Group::multiply)(&product, &product, term.scalar.bytes, SCALAR_BITS);
    }
    return bls12::write<Group>(blst, product, output);
}

// One allocation: the terms, then the pointers to their two halves, then blst's scratch.
template <class Group>
class Terms {
public:
    Terms(const Blst& blst, uint64_t count) noexcept {
        const size_t scratch_size = (blst.*Group::scratch_size)(count);
        const size_t pointers_at = count * sizeof(Term<Group>);
        const size_t scratch_at = pointers_at + 2 * count * sizeof(void*);
        memory_ = static_cast<uint8_t*>(std::malloc(scratch_at + scratch_size));
        if (memory_ == nullptr) return;
        terms = reinterpret_cast<Term<Group>*>(memory_);
        points = reinterpret_cast<const typename Group::Affine**>(memory_ + pointers_at);
        scalars = reinterpret_cast<const uint8_t**>(points + count);
        scratch = reinterpret_cast<uint64_t*>(memory_ + scratch_at);
    }
    ~Terms() { std::free(memory_); }
    Terms(const Terms&) = delete;
    Terms& operator=(const Terms&) = delete;

    Term<Group>* terms = nullptr;
    const typename Group::Affine** points = nullptr;
    const uint8_t** scalars = nullptr;
    uint64_t* scratch = nullptr;

private:
    uint8_t* memory_ = nullptr;
};

template <class Group>
PrecompileStatus sum(const Blst& blst, Span input, Bytes& output) noexcept {
    Terms<Group> all(blst, input.size / TERM_SIZE<Group>);
    if (all.terms == nullptr) return PrecompileStatus::NoMemory;
    size_t used = 0;
    for (uint64_t place = 0; place < input.size; place += TERM_SIZE<Group>) {
        Term<Group>& term = all.terms[used];
        const Read read = read_term<Group>(blst, input.data + place, term);
        if (read == Read::Refused) return PrecompileStatus::Failure;
        if (read == Read::Nothing) continue;
        all.points[used] = &term.point;
        all.scalars[used] = term.scalar.bytes;
        ++used;
    }
    typename Group::Point total{};
    if (used != 0) {
        (blst.*Group::multiply_many)(&total, all.points, used, all.scalars, SCALAR_BITS, all.scratch);
    }
    return bls12::write<Group>(blst, total, output);
}

template <class Group>
PrecompileStatus run(Span input, Bytes& output) noexcept {
    const Blst* const functions = blst_functions();
    if (functions == nullptr) return PrecompileStatus::Unavailable;
    const Blst& blst = *functions;
    if (input.size == 0 || input.size % TERM_SIZE<Group> != 0) return PrecompileStatus::Failure;
    const bool alone = input.size == TERM_SIZE<Group>;
    return alone ? multiply<Group>(blst, input, output) : sum<Group>(blst, input, output);
}

}  // namespace

int64_t bls12_g1msm_gas(Fork, Span input) noexcept { return gas<G1>(input, 12000, G1_DISCOUNT); }
int64_t bls12_g2msm_gas(Fork, Span input) noexcept { return gas<G2>(input, 22500, G2_DISCOUNT); }

PrecompileStatus run_bls12_g1msm(Span input, Bytes& output) noexcept { return run<G1>(input, output); }
PrecompileStatus run_bls12_g2msm(Span input, Bytes& output) noexcept { return run<G2>(input, output); }

}  // namespace blockstm::evm
