#include "crypto/secp256k1/recovery_plain.hpp"

#include "crypto/secp256k1/generator.hpp"
#include "crypto/secp256k1/scalars.hpp"

namespace blockstm::secp256k1 {
namespace {

constexpr int WIDTH = 5;

Field square_often(Field number, int count) noexcept {
    for (int turn = 0; turn < count; ++turn) number = number.square();
    return number;
}

// number ** ((p + 1) / 4), whose exponent is 223 ones, 0, 22 ones, 00001100: a square root, if there is one.
Field square_root(const Field& number) noexcept {
    const Field two = number.square() * number, three = two.square() * number;
    const Field six = square_often(three, 3) * three;
    const Field eleven = square_often(square_often(six, 3) * three, 2) * two;
    const Field twenty_two = square_often(eleven, 11) * eleven;
    const Field forty_four = square_often(twenty_two, 22) * twenty_two;
    const Field eighty_eight = square_often(forty_four, 44) * forty_four;
    Field ones = square_often(eighty_eight, 88) * eighty_eight;
    ones = square_often(square_often(ones, 44) * forty_four, 3) * three;
    return square_often(square_often(square_often(ones, 23) * twenty_two, 6) * two, 2);
}

// The point with this x, below p, and this parity of y; false if there is none.
bool lift(const Limbs& x, bool is_odd, Affine& point) noexcept {
    point.x = Field::from(x);
    const Field right = point.x.square() * point.x + Field::from({{7, 0, 0, 0}});
    point.y = square_root(right);
    if (!(point.y.square() == right)) return false;
    if (bit(point.y.number(), 0) != is_odd) point.y = -point.y;
    return true;
}

Point multiply(const Limbs& scalar, const Affine& point) noexcept {
    return multiple_by_halves<WIDTH, Point>(point, split_odd(scalar), Field::from(BETA));
}

// sum + scalar * G.
Point add_generator(const Limbs& scalar, Point sum) noexcept {
    if (is_zero(scalar)) return sum;
    uint8_t digits[GENERATOR_DIGITS];
    write_generator_digits(scalar, digits, 1);
    for (int place = 0; place < GENERATOR_DIGITS; ++place) {
        const int digit = digits[place] - GeneratorTable::ODD_MULTIPLES;  // of two neighbours: d and d + 1
        const TablePoint& entry = GENERATOR_TABLE.multiple[place][digit < 0 ? -digit - 1 : digit];
        const Field y = Field::from(entry.y);
        sum = sum + Affine{Field::from(entry.x), digit < 0 ? -y : y};
    }
    return sum;
}

}  // namespace

bool recover_plain(const Recovery& recovery, PublicKey& key) noexcept {
    Affine point;
    if (!lift(recovery.r, recovery.is_odd, point)) return false;
    const Scalar inverse = Scalar::from(recovery.r).inverse();
    const Limbs of_point = (Scalar::from(recovery.s) * inverse).number();
    const Limbs of_generator = (-(Scalar::from(recovery.message) * inverse)).number();
    const Point sum = add_generator(of_generator, multiply(of_point, point));
    if (sum.is_infinity()) return false;
    const Field z_inverse = sum.z.inverse(), square = z_inverse.square();
    key = {(sum.x * square).number(), (sum.y * square * z_inverse).number()};
    return true;
}

}  // namespace blockstm::secp256k1
