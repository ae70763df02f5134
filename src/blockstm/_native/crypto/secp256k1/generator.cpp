#include "crypto/secp256k1/generator.hpp"

namespace blockstm::secp256k1 {
namespace {

constexpr int COUNT = GeneratorTable::ODD_MULTIPLES;
constexpr int TOGETHER = 4;  // digits whose sums share inversions, and that are one constant: compilers bound those
constexpr int INVERTED_MAX = TOGETHER * (COUNT / 2 + 1);

static_assert(GENERATOR_DIGITS % TOGETHER == 0 && GENERATOR_DIGITS <= INVERTED_MAX);

// All by one inversion (P. Montgomery's trick); none of them is zero.
constexpr void invert_all(Field* fields, int count) noexcept {
    Field products[INVERTED_MAX];  // of those before
    Field all = Field::one();
    for (int place = 0; place < count; ++place) {
        products[place] = all;
        all = all * fields[place];
    }
    Field inverse = all.inverse();
    for (int place = count - 1; place >= 0; --place) {
        const Field own = inverse * products[place];
        inverse = inverse * fields[place];
        fields[place] = own;
    }
}

// The third point of the line through two with this slope, on the other side of the axis.
constexpr Affine along(const Affine& one, const Affine& other, const Field& slope) noexcept {
    const Field x = slope.square() - one.x - other.x;
    return {x, slope * (one.x - x) - one.y};
}

// From a few bases on: their odd multiples so far, and the even multiple that leads to as many more.
struct Multiples {
    Affine odd[TOGETHER][COUNT];
    Affine even[TOGETHER];

    // The bases themselves, and twice each.
    constexpr void begin(const Affine* bases) noexcept {
        Field inverses[TOGETHER];
        for (int digit = 0; digit < TOGETHER; ++digit) inverses[digit] = bases[digit].y.twice();
        invert_all(inverses, TOGETHER);
        for (int digit = 0; digit < TOGETHER; ++digit) {
            odd[digit][0] = bases[digit];
            even[digit] = twice(bases[digit], inverses[digit]);
        }
    }

    // To `count` odd multiples as many are added, each plus the even one; that is never the same point nor its
    // negative, as their difference and sum are small odd multiples.
    constexpr void grow(int count) noexcept {
        Field inverses[INVERTED_MAX];
        Field* place = inverses;
        for (int digit = 0; digit < TOGETHER; ++digit) {
            for (int index = 0; index < count; ++index) *place++ = even[digit].x - odd[digit][index].x;
            *place++ = even[digit].y.twice();
        }
        invert_all(inverses, static_cast<int>(place - inverses));
        place = inverses;
        for (int digit = 0; digit < TOGETHER; ++digit) {
            for (int index = 0; index < count; ++index) {
                const Affine& point = odd[digit][index];
                const Field slope = (even[digit].y - point.y) * *place++;
                odd[digit][count + index] = along(point, even[digit], slope);
            }
            even[digit] = twice(even[digit], *place++);
        }
    }

private:
    // With the inverse of twice its y.
    static constexpr Affine twice(const Affine& point, const Field& inverse) noexcept {
        const Field square = point.x.square();
        return along(point, point, (square.twice() + square) * inverse);
    }
};

struct Bases {
    Affine point[GENERATOR_DIGITS];  // 256 ** digit * G
};

constexpr Bases make_bases() noexcept {
    Bases bases;
    Point points[GENERATOR_DIGITS];
    Field inverses[GENERATOR_DIGITS];
    points[0] = Point::from({Field::from(G_X), Field::from(G_Y)});
    for (int digit = 0; digit < GENERATOR_DIGITS; ++digit) {
        if (digit != 0) points[digit] = points[digit - 1];
        for (int doubling = 0; digit != 0 && doubling < 8; ++doubling) points[digit] = points[digit].twice();
        inverses[digit] = points[digit].z;
    }
    invert_all(inverses, GENERATOR_DIGITS);
    for (int digit = 0; digit < GENERATOR_DIGITS; ++digit) {
        const Field square = inverses[digit].square();
        bases.point[digit] = {points[digit].x * square, points[digit].y * square * inverses[digit]};
    }
    return bases;
}

constexpr Bases BASES = make_bases();

// The odd multiples of the bases from `first` on.
template <int first>
constexpr Multiples make_multiples() noexcept {
    Multiples multiples;
    multiples.begin(BASES.point + first);
    for (int count = 1; count < COUNT; count *= 2) multiples.grow(count);
    return multiples;
}

template <int first>
constexpr Multiples MULTIPLES = make_multiples<first>();

template <int first = 0>
constexpr void fill(GeneratorTable& table) noexcept {
    for (int digit = 0; digit < TOGETHER; ++digit) {
        for (int index = 0; index < COUNT; ++index) {
            const Affine& point = MULTIPLES<first>.odd[digit][index];
            table.multiple[first + digit][index] = {point.x.number(), point.y.number()};
        }
    }
    if constexpr (first + TOGETHER < GENERATOR_DIGITS) fill<first + TOGETHER>(table);
}

constexpr GeneratorTable make_table() noexcept {
    GeneratorTable table;
    fill(table);
    return table;
}

}  // namespace

// Made by the compiler: a process reads the pages of it that it needs, and writes none.
constinit const GeneratorTable GENERATOR_TABLE = make_table();

}  // namespace blockstm::secp256k1
