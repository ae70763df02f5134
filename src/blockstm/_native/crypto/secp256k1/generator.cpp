#include "crypto/secp256k1/generator.hpp"

#include <memory>
#include <new>

namespace blockstm::secp256k1 {
namespace {

constexpr int COUNT = GeneratorTable::ODD_MULTIPLES;

// One inversion for all points of a digit (P. Montgomery's trick); none of them is infinity.
void make_affine(const Point (&points)[COUNT], TablePoint (&out)[COUNT]) noexcept {
    Field products[COUNT];
    products[0] = points[0].z;
    for (int place = 1; place < COUNT; ++place) products[place] = products[place - 1] * points[place].z;
    Field inverse = products[COUNT - 1].inverse();
    for (int place = COUNT - 1; place >= 0; --place) {
        const Field own = place > 0 ? inverse * products[place - 1] : inverse;
        inverse = inverse * points[place].z;
        const Field square = own.square();
        out[place] = {(points[place].x * square).number(), (points[place].y * square * own).number()};
    }
}

// The odd multiples of a point; returns 256 times it.
Point fill(const Point& base, TablePoint (&out)[COUNT]) noexcept {
    Point points[COUNT];
    const Point two = base.twice();
    points[0] = base;
    for (int place = 1; place < COUNT; ++place) points[place] = points[place - 1] + two;
    make_affine(points, out);
    return points[COUNT - 1] + base;
}

std::unique_ptr<GeneratorTable> make_table() noexcept {
    std::unique_ptr<GeneratorTable> table(new (std::nothrow) GeneratorTable);
    Point base = Point::from({Field::from(G_X), Field::from(G_Y)});
    for (int digit = 0; table && digit < GENERATOR_DIGITS; ++digit) base = fill(base, table->multiple[digit]);
    return table;
}

}  // namespace

const GeneratorTable* generator_table() noexcept {
    static const std::unique_ptr<GeneratorTable> table = make_table();  // by whichever thread comes first
    return table.get();
}

}  // namespace blockstm::secp256k1
