// The curve secp256k1, y**2 = x**3 + 7 (SEC 2, section 2.4.1), the scalars of its points, one
// number at a time. Every case of addition is right. Pure functions; any thread may call them. Time
// depends on the numbers: not for secrets.
#pragma once

#include "crypto/prime_field.hpp"
#include "crypto/secp256k1/field.hpp"
#include "crypto/weierstrass.hpp"

namespace blockstm::secp256k1 {

inline constexpr Limbs N{{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};
inline constexpr Limbs G_X{{0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac}};
inline constexpr Limbs G_Y{{0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465}};

// A cube root of one in the field: (BETA x, y) is a multiple of (x, y), by the cube root of one modulo N
// that `split_odd` in scalars.hpp splits by.
inline constexpr Limbs BETA{{0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710}};

using Scalar = Prime<N>;
using Point = JacobianPoint<Field, 0>;
using Affine = Point::Affine;

}  // namespace blockstm::secp256k1
