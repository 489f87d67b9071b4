/* SPDX-License-Identifier: Apache-2.0
 * What the Arm run-time ABI (RTABI, sections 4.2 and 4.3) gives a core without a divider and without long
 * multiplication: Armv6-M. Other cores need none of it, and GCC brings its own in libgcc. */
#if defined(__ARM_ARCH_6M__) && defined(__clang__)

#include <stdint.h>

typedef struct
{
    uint32_t quotient, remainder;
} unsigned_division;

unsigned __aeabi_uidiv(unsigned numerator, unsigned denominator);
int __aeabi_idiv(int numerator, int denominator);
unsigned_division tinybench_divide(uint32_t numerator, uint32_t denominator);
long long __aeabi_lmul(long long a, long long b);
long long __aeabi_llsl(long long value, int shift);
long long __aeabi_lasr(long long value, int shift);
unsigned long long __aeabi_llsr(unsigned long long value, int shift);
int __clzsi2(unsigned value);

/* Shift and subtract, from the highest bit of the numerator that matters. */
unsigned_division tinybench_divide(uint32_t numerator, uint32_t denominator)
{
    unsigned_division result = {0, numerator};
    if (denominator == 0)
    {
        result.quotient = UINT32_MAX;
        return result;
    }
    uint32_t bit = 1;
    while (denominator < result.remainder && !(denominator >> 31))
    {
        denominator <<= 1;
        bit <<= 1;
    }
    for (; bit; bit >>= 1, denominator >>= 1)
    {
        if (result.remainder >= denominator)
        {
            result.remainder -= denominator;
            result.quotient |= bit;
        }
    }
    return result;
}

unsigned __aeabi_uidiv(unsigned numerator, unsigned denominator)
{
    return tinybench_divide(numerator, denominator).quotient;
}

int __aeabi_idiv(int numerator, int denominator)
{
    const uint32_t a = numerator < 0 ? 0u - (uint32_t)numerator : (uint32_t)numerator;
    const uint32_t b = denominator < 0 ? 0u - (uint32_t)denominator : (uint32_t)denominator;
    const uint32_t quotient = tinybench_divide(a, b).quotient;
    return (int)((numerator ^ denominator) < 0 ? 0u - quotient : quotient);
}

/* The product modulo 2^64 from 16-bit halves; only the low words need all of them. */
long long __aeabi_lmul(long long a, long long b)
{
    const uint32_t a_low = (uint32_t)a, a_high = (uint32_t)((unsigned long long)a >> 32);
    const uint32_t b_low = (uint32_t)b, b_high = (uint32_t)((unsigned long long)b >> 32);
    const uint32_t a0 = a_low & 0xFFFFu, a1 = a_low >> 16, b0 = b_low & 0xFFFFu, b1 = b_low >> 16;
    const uint32_t middle = a0 * b1, other = a1 * b0;
    const uint32_t sum = middle + other;
    const uint32_t low = a0 * b0;
    const uint32_t result_low = low + (sum << 16);
    uint32_t high = a1 * b1 + (sum >> 16) + (sum < middle ? 0x10000u : 0u) + (result_low < low ? 1u : 0u);
    high += a_low * b_high + a_high * b_low;
    union
    {
        struct
        {
            uint32_t low, high;
        } word;
        long long whole;
    } result = {{result_low, high}};
    return result.whole;
}

typedef union
{
    struct
    {
        uint32_t low, high;
    } word;
    unsigned long long whole;
} two_words;

long long __aeabi_llsl(long long value, int shift)
{
    two_words v = {.whole = (unsigned long long)value};
    if (shift >= 32)
    {
        v.word.high = v.word.low << (shift - 32);
        v.word.low = 0;
    }
    else if (shift > 0)
    {
        v.word.high = v.word.high << shift | v.word.low >> (32 - shift);
        v.word.low <<= shift;
    }
    return (long long)v.whole;
}

unsigned long long __aeabi_llsr(unsigned long long value, int shift)
{
    two_words v = {.whole = value};
    if (shift >= 32)
    {
        v.word.low = v.word.high >> (shift - 32);
        v.word.high = 0;
    }
    else if (shift > 0)
    {
        v.word.low = v.word.low >> shift | v.word.high << (32 - shift);
        v.word.high >>= shift;
    }
    return v.whole;
}

long long __aeabi_lasr(long long value, int shift)
{
    two_words v = {.whole = (unsigned long long)value};
    const uint32_t sign = (uint32_t)((int32_t)v.word.high >> 31);
    if (shift >= 32)
    {
        v.word.low = (uint32_t)((int32_t)v.word.high >> (shift - 32));
        v.word.high = sign;
    }
    else if (shift > 0)
    {
        v.word.low = v.word.low >> shift | v.word.high << (32 - shift);
        v.word.high = (uint32_t)((int32_t)v.word.high >> shift);
    }
    return (long long)v.whole;
}

/* By halves: a compiler would turn a loop over the bits into a call of this very function. */
int __clzsi2(unsigned value)
{
    int zeros = 32;
    for (int half = 16; half > 0; half >>= 1)
    {
        if (value >> half)
        {
            value >>= half;
            zeros -= half;
        }
    }
    return zeros - (int)value;
}

#endif
