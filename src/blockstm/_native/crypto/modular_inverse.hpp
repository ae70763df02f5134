// The inverse of a number modulo an odd one of at most 256 bits, by Bernstein and Yang's division steps
// ("Fast constant-time gcd computation and modular inversion", 2019), 62 of them at a time on machine
// words, in the form whose time depends on the numbers: not for secrets.
// Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <utility>

namespace blockstm::inverse {

using Wide = __int128;

inline constexpr int STEP_BITS = 62;
inline constexpr uint64_t STEP_MASK = ~uint64_t{0} >> 2;

// The sum of limb[i] * 2 ** (62 i); all limbs but the highest are within 62 bits once a number is at rest.
struct Signed62 {
    int64_t limb[5];
};

constexpr Signed62 from_limbs(const uint64_t (&limb)[4]) noexcept {
    return {{static_cast<int64_t>(limb[0] & STEP_MASK),
             static_cast<int64_t>((limb[0] >> 62 | limb[1] << 2) & STEP_MASK),
             static_cast<int64_t>((limb[1] >> 60 | limb[2] << 4) & STEP_MASK),
             static_cast<int64_t>((limb[2] >> 58 | limb[3] << 6) & STEP_MASK),
             static_cast<int64_t>(limb[3] >> 56)}};
}

constexpr void to_limbs(const Signed62& value, uint64_t (&limb)[4]) noexcept {
    uint64_t part[5];
    for (int place = 0; place < 5; ++place) part[place] = static_cast<uint64_t>(value.limb[place]);
    limb[0] = part[0] | part[1] << 62;
    limb[1] = part[1] >> 2 | part[2] << 60;
    limb[2] = part[2] >> 4 | part[3] << 58;
    limb[3] = part[3] >> 6 | part[4] << 56;
}

// What 62 division steps do to (f, g): the matrix ((u, v), (q, r)) over 2 ** 62.
struct Steps {
    int64_t u, v, q, r;
};

// Runs 62 division steps on the low bits of f, which is odd, and g; `eta` is minus the delta of the paper.
// Steps that only halve g are taken at once, and as many bits of g cleared by one multiple of f as delta
// allows.
constexpr Steps run_steps(int64_t& eta, uint64_t f, uint64_t g) noexcept {
    uint64_t u = 1, v = 0, q = 0, r = 1;
    int left = STEP_BITS;
    for (;;) {
        const int halvings = __builtin_ctzll(g | ~uint64_t{0} << left);
        g >>= halvings;
        u <<= halvings;
        v <<= halvings;
        eta -= halvings;
        left -= halvings;
        if (left == 0) break;
        uint64_t multiple;
        if (eta < 0) {
            eta = -eta;
            f = std::exchange(g, -f);
            u = std::exchange(q, -u);
            v = std::exchange(r, -v);
            const int limit = eta + 1 > left ? left : static_cast<int>(eta) + 1;
            const uint64_t mask = ~uint64_t{0} >> (64 - limit) & 63;
            multiple = f * g * (f * f - 2) & mask;  // -g / f, of which six bits are right
        } else {
            const int limit = eta + 1 > left ? left : static_cast<int>(eta) + 1;
            const uint64_t mask = ~uint64_t{0} >> (64 - limit) & 15;
            const uint64_t inverse = f + (((f + 1) & 4) << 1);  // 1 / f, of which four bits are right
            multiple = -inverse * g & mask;
        }
        g += f * multiple;
        q += u * multiple;
        r += v * multiple;
    }
    const auto number = [](uint64_t bits) { return static_cast<int64_t>(bits); };
    return {number(u), number(v), number(q), number(r)};
}

// (f, g) = steps (f, g) / 2 ** 62, which is exact.
constexpr void apply(const Steps& steps, Signed62& f, Signed62& g) noexcept {
    Wide f_sum = 0, g_sum = 0;
    for (int place = 0; place < 5; ++place) {
        f_sum += static_cast<Wide>(steps.u) * f.limb[place] + static_cast<Wide>(steps.v) * g.limb[place];
        g_sum += static_cast<Wide>(steps.q) * f.limb[place] + static_cast<Wide>(steps.r) * g.limb[place];
        if (place > 0) {
            f.limb[place - 1] = static_cast<int64_t>(f_sum & STEP_MASK);
            g.limb[place - 1] = static_cast<int64_t>(g_sum & STEP_MASK);
        }
        f_sum >>= STEP_BITS;
        g_sum >>= STEP_BITS;
    }
    f.limb[4] = static_cast<int64_t>(f_sum);
    g.limb[4] = static_cast<int64_t>(g_sum);
}

// The number near `times` by which the modulus is to be multiplied so that it makes the low 62 bits of `sum`
// zero.
constexpr int64_t clear_low(Wide sum, int64_t times, uint64_t low_inverse) noexcept {
    const uint64_t excess = low_inverse * static_cast<uint64_t>(sum) + static_cast<uint64_t>(times);
    return times - static_cast<int64_t>(excess & STEP_MASK);
}

// (d, e) = steps (d, e) / 2 ** 62 modulo `modulus`; both stay between -2 and 1 times the modulus.
// `low_inverse` is 1 / modulus modulo 2 ** 62.
constexpr void apply_modulo(const Steps& steps, Signed62& d, Signed62& e, const Signed62& modulus,
                         uint64_t low_inverse) noexcept {
    const int64_t d_sign = d.limb[4] >> 63, e_sign = e.limb[4] >> 63;
    int64_t d_times = (steps.u & d_sign) + (steps.v & e_sign);
    int64_t e_times = (steps.q & d_sign) + (steps.r & e_sign);
    Wide d_sum = static_cast<Wide>(steps.u) * d.limb[0] + static_cast<Wide>(steps.v) * e.limb[0];
    Wide e_sum = static_cast<Wide>(steps.q) * d.limb[0] + static_cast<Wide>(steps.r) * e.limb[0];
    d_times = clear_low(d_sum, d_times, low_inverse);
    e_times = clear_low(e_sum, e_times, low_inverse);
    d_sum += static_cast<Wide>(modulus.limb[0]) * d_times;
    e_sum += static_cast<Wide>(modulus.limb[0]) * e_times;
    d_sum >>= STEP_BITS;
    e_sum >>= STEP_BITS;
    for (int place = 1; place < 5; ++place) {
        d_sum += static_cast<Wide>(steps.u) * d.limb[place] + static_cast<Wide>(steps.v) * e.limb[place] +
                 static_cast<Wide>(modulus.limb[place]) * d_times;
        e_sum += static_cast<Wide>(steps.q) * d.limb[place] + static_cast<Wide>(steps.r) * e.limb[place] +
                 static_cast<Wide>(modulus.limb[place]) * e_times;
        d.limb[place - 1] = static_cast<int64_t>(d_sum & STEP_MASK);
        e.limb[place - 1] = static_cast<int64_t>(e_sum & STEP_MASK);
        d_sum >>= STEP_BITS;
        e_sum >>= STEP_BITS;
    }
    d.limb[4] = static_cast<int64_t>(d_sum);
    e.limb[4] = static_cast<int64_t>(e_sum);
}

constexpr void carry(Signed62& value) noexcept {
    for (int place = 0; place < 4; ++place) {
        value.limb[place + 1] += value.limb[place] >> STEP_BITS;
        value.limb[place] &= static_cast<int64_t>(STEP_MASK);
    }
}

constexpr void add_if_negative(Signed62& value, const Signed62& modulus) noexcept {
    if (value.limb[4] >= 0) return;
    for (int place = 0; place < 5; ++place) value.limb[place] += modulus.limb[place];
    carry(value);
}

// 1 / number modulo `modulus`, in place; zero stays zero. `low_inverse` is 1 / modulus modulo 2 ** 64.
constexpr void invert(uint64_t (&number)[4], const uint64_t (&modulus)[4], uint64_t low_inverse) noexcept {
    const Signed62 m = from_limbs(modulus);
    Signed62 d{}, e{{1, 0, 0, 0, 0}}, f = m, g = from_limbs(number);
    int64_t eta = -1;
    while ((g.limb[0] | g.limb[1] | g.limb[2] | g.limb[3] | g.limb[4]) != 0) {
        const auto low_f = static_cast<uint64_t>(f.limb[0]), low_g = static_cast<uint64_t>(g.limb[0]);
        const Steps steps = run_steps(eta, low_f, low_g);
        apply_modulo(steps, d, e, m, low_inverse & STEP_MASK);
        apply(steps, f, g);
    }
    // Now f is 1 or -1 (or the modulus, where the number was zero and d still is), and d is f / number.
    add_if_negative(d, m);
    if (f.limb[4] < 0) {
        for (int64_t& limb : d.limb) limb = -limb;
        carry(d);
    }
    add_if_negative(d, m);
    to_limbs(d, number);
}

}  // namespace blockstm::inverse
