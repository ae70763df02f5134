#include "crypto/secp256k1/recovery_plain.hpp"

#include <algorithm>

#include "crypto/secp256k1/generator.hpp"
#include "crypto/secp256k1/scalars.hpp"
#include "crypto/signed_digits.hpp"

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

// The digits of a number in two's complement, and whether to take them negative.
struct HalfDigits {
    bool negative;
    SignedDigits<WIDTH> digits;

    explicit HalfDigits(const Signed& half) noexcept : negative(bit(half, 255)), digits(size_of(half)) {}

    int at(int place) const noexcept { return negative ? -digits.digit[place] : digits.digit[place]; }

private:
    static Limbs size_of(const Signed& half) noexcept {
        if (!bit(half, 255)) return half;
        Limbs size{};
        subtract(size, half);
        return size;
    }
};

// The odd multiples of a point and their images under (x, y) -> (BETA x, y), all with the same z: on the curve
// y**2 = x**3 + 7 z**6 they are affine, and the formulas do not look at the 7.
struct AffineMultiples {
    static constexpr int COUNT = 1 << (WIDTH - 2);

    Affine multiple[COUNT], image[COUNT];
    Field z;

    explicit AffineMultiples(const Affine& point) noexcept {
        const Point two = Point::from(point).twice();
        const Affine step{two.x, two.y};  // affine on the curve of two.z, and so is the first multiple
        const Field square = two.z.square();
        Point sum = Point::from({point.x * square, point.y * square * two.z});
        Field scale[COUNT];  // z of each
        for (int place = 0; place < COUNT; ++place) {
            if (place > 0) sum = sum + step;
            multiple[place] = {sum.x, sum.y};
            scale[place] = sum.z;
        }
        z = sum.z * two.z;
        share_last(scale);
    }

    static Point add_to(const Point& sum, const Affine (&points)[COUNT], int digit) noexcept {
        if (digit == 0) return sum;
        const Affine& point = points[digit > 0 ? digit / 2 : -digit / 2];
        return sum + Affine{point.x, digit > 0 ? point.y : -point.y};
    }

private:
    // Each z is a factor of the next: the last over the first ones by one inversion of all (P. Montgomery's trick).
    void share_last(const Field (&scale)[COUNT]) noexcept {
        const Field beta = Field::from(BETA);
        Field product[COUNT];
        product[0] = scale[0];
        for (int place = 1; place < COUNT; ++place) product[place] = product[place - 1] * scale[place];
        Field inverse = product[COUNT - 1].inverse();
        for (int place = COUNT - 1; place >= 0; --place) {
            const Field own = place > 0 ? inverse * product[place - 1] : inverse;
            inverse = inverse * scale[place];
            const Field ratio = own * scale[COUNT - 1], square = ratio.square();
            multiple[place] = {multiple[place].x * square, multiple[place].y * square * ratio};
            image[place] = {multiple[place].x * beta, multiple[place].y};
        }
    }
};

Point multiply(const Limbs& scalar, const Affine& point) noexcept {
    const Halves halves = split(scalar);
    const HalfDigits digits(halves.one), image_digits(halves.other);
    const AffineMultiples odd(point);
    Point sum = Point::infinity();
    for (int place = std::max(digits.digits.count, image_digits.digits.count) - 1; place >= 0; --place) {
        sum = odd.add_to(sum.twice(), odd.multiple, digits.at(place));
        sum = odd.add_to(sum, odd.image, image_digits.at(place));
    }
    sum.z = sum.z * odd.z;
    return sum;
}

// sum + scalar * G.
Point add_generator(const Limbs& scalar, Point sum) noexcept {
    if (is_zero(scalar)) return sum;
    const GeneratorTable* table = generator_table();
    if (table == nullptr) return sum + multiple<WIDTH, Point>({Field::from(G_X), Field::from(G_Y)}, scalar);
    uint8_t digits[GENERATOR_DIGITS];
    write_generator_digits(scalar, digits, 1);
    for (int place = 0; place < GENERATOR_DIGITS; ++place) {
        const int digit = digits[place] - GeneratorTable::ODD_MULTIPLES;  // of two neighbours: d and d + 1
        const TablePoint& entry = table->multiple[place][digit < 0 ? -digit - 1 : digit];
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
