# distutils: sources = src/blockstm/_native/base/u256/u256_div.cpp
"""The word of the EVM on Python integers, operation by operation: for tests."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool

from blockstm.messages import brief


cdef extern from "base/u256/u256_div.hpp" namespace "blockstm" nogil:
    cppclass u256:
        u256() noexcept
        u256(uint64_t) noexcept
        cbool is_zero() noexcept
        cbool fits_u64() noexcept
        u256 operator+(const u256&) noexcept
        u256 operator-(const u256&) noexcept
        u256 operator*(const u256&) noexcept
        u256 operator&(const u256&) noexcept
        u256 operator|(const u256&) noexcept
        u256 operator^(const u256&) noexcept
        u256 operator~() noexcept
        u256 operator-() noexcept
        cbool operator==(const u256&) noexcept
        cbool operator<(const u256&) noexcept
        cbool operator>(const u256&) noexcept
        cbool operator<=(const u256&) noexcept
        cbool operator>=(const u256&) noexcept

    cppclass Address:
        pass

    cppclass Division:
        u256 quotient
        u256 remainder

    cbool slt(const u256&, const u256&) noexcept
    cbool sgt(const u256&, const u256&) noexcept
    Division udivrem(const u256&, const u256&) noexcept
    u256 div(const u256&, const u256&) noexcept
    u256 mod(const u256&, const u256&) noexcept
    u256 sdiv(const u256&, const u256&) noexcept
    u256 smod(const u256&, const u256&) noexcept
    u256 addmod(const u256&, const u256&, const u256&) noexcept
    u256 mulmod(const u256&, const u256&, const u256&) noexcept
    u256 exp(const u256&, const u256&) noexcept
    u256 shl(const u256&, const u256&) noexcept
    u256 shr(const u256&, const u256&) noexcept
    u256 sar(const u256&, const u256&) noexcept
    u256 byte_at(const u256&, const u256&) noexcept
    u256 signextend(const u256&, const u256&) noexcept
    uint32_t clz(const u256&) noexcept
    uint32_t bit_length(const u256&) noexcept
    uint32_t byte_length(const u256&) noexcept
    u256 load_be(const uint8_t*) noexcept
    u256 load_be(const uint8_t*, uint64_t) noexcept
    void store_be(const u256&, uint8_t*) noexcept
    u256 from_address(const Address&) noexcept
    Address to_address(const u256&) noexcept


cdef u256 word(object number):
    """Of an integer in 0 .. 2^256 - 1."""
    cdef bytes encoded = number.to_bytes(32, "big")
    return load_be(<const uint8_t*>encoded)


cdef object number(u256 value):
    cdef uint8_t encoded[32]
    store_be(value, encoded)
    return int.from_bytes(encoded[:32], "big")


cdef inline u256 flag(cbool value) noexcept nogil:
    return u256(<uint64_t>1) if value else u256(<uint64_t>0)


def unary(str operation, a):
    cdef u256 x = word(a)
    if operation == "not":
        return number(~x)
    if operation == "neg":
        return number(-x)
    if operation == "iszero":
        return int(x.is_zero())
    if operation == "fits_u64":
        return int(x.fits_u64())
    if operation == "clz":
        return clz(x)
    if operation == "bit_length":
        return bit_length(x)
    if operation == "byte_length":
        return byte_length(x)
    if operation == "address":
        return number(from_address(to_address(x)))
    raise ValueError(f"no unary operation is called {brief(operation)}")


cdef u256 _binary(str operation, const u256& x, const u256& y) except *:
    if operation == "add":
        return x + y
    if operation == "sub":
        return x - y
    if operation == "mul":
        return x * y
    if operation == "div":
        return div(x, y)
    if operation == "mod":
        return mod(x, y)
    if operation == "sdiv":
        return sdiv(x, y)
    if operation == "smod":
        return smod(x, y)
    if operation == "exp":
        return exp(x, y)
    if operation == "and":
        return x & y
    if operation == "or":
        return x | y
    if operation == "xor":
        return x ^ y
    if operation == "eq":
        return flag(x == y)
    if operation == "lt":
        return flag(x < y)
    if operation == "gt":
        return flag(x > y)
    if operation == "le":
        return flag(x <= y)
    if operation == "ge":
        return flag(x >= y)
    if operation == "slt":
        return flag(slt(x, y))
    if operation == "sgt":
        return flag(sgt(x, y))
    if operation == "shl":
        return shl(y, x)
    if operation == "shr":
        return shr(y, x)
    if operation == "sar":
        return sar(y, x)
    if operation == "byte":
        return byte_at(x, y)
    if operation == "signextend":
        return signextend(x, y)
    raise ValueError(f"no binary operation is called {brief(operation)}")


def binary(str operation, a, b):
    return number(_binary(operation, word(a), word(b)))


def ternary(str operation, a, b, c):
    if operation == "addmod":
        return number(addmod(word(a), word(b), word(c)))
    if operation == "mulmod":
        return number(mulmod(word(a), word(b), word(c)))
    raise ValueError(f"no ternary operation is called {brief(operation)}")


def divmod_words(a, b):
    cdef Division result = udivrem(word(a), word(b))
    return number(result.quotient), number(result.remainder)


def load(bytes data):
    """The number that at most 32 bytes are."""
    if len(data) > 32:
        raise ValueError(f"a word has at most 32 bytes, not {len(data)}")
    return number(load_be(<const uint8_t*>data, len(data)))
