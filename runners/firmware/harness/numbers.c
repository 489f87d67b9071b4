/* SPDX-License-Identifier: Apache-2.0 */
#include "numbers.h"

/* Of a float32: 2^23 <= mantissa < 2^24, value = mantissa * 2^exponent. What is below 2^-126 counts as zero. */
typedef struct
{
    uint32_t mantissa;
    int32_t exponent;
    int negative;
} real;

static real decode(uint32_t bits)
{
    real value = {0, 0, (int)(bits >> 31)};
    const int32_t biased = (int32_t)(bits >> 23 & 0xFFu);
    if (biased != 0)
    {
        value.mantissa = (bits & 0x7FFFFFu) | 0x800000u;
        value.exponent = biased - 127 - 23;
    }
    return value;
}

int number_is_usable(uint32_t bits)
{
    return (bits >> 23 & 0xFFu) < 127u + 24u;
}

int8_t number_quantize(uint32_t bits, const number_quantization *to)
{
    const real x = decode(bits);
    int32_t steps = 0;
    if (x.mantissa != 0)
    {
        /* 25 binary places of the quotient of the mantissas, which is in (1/2, 2), and whether anything is left. */
        uint32_t quotient = x.mantissa >= to->mantissa;
        uint32_t rest = x.mantissa - (quotient ? to->mantissa : 0);
        for (int place = 0; place < 25; ++place)
        {
            rest <<= 1;
            quotient <<= 1;
            if (rest >= to->mantissa)
            {
                rest -= to->mantissa;
                quotient |= 1;
            }
        }
        /* To the 24 bits of a float32, ties to even. */
        const int dropped = quotient >> 25 ? 2 : 1;
        const uint32_t half = 1u << (dropped - 1);
        const uint32_t cut = quotient & (2 * half - 1);
        uint32_t mantissa = quotient >> dropped;
        if (cut > half || (cut == half && (rest != 0 || (mantissa & 1u))))
        {
            ++mantissa;
        }
        const int32_t exponent = x.exponent - to->exponent - 25 + dropped;
        /* To an integer, halves away from zero. From 2^-15 on there are more than 8 bits before the point. */
        if (exponent >= -15)
        {
            steps = 256;
        }
        else if (exponent > -31)
        {
            const uint32_t one = 1u << -exponent;
            steps = (int32_t)((mantissa + one / 2) >> -exponent);
        }
        steps = x.negative ? -steps : steps;
    }
    const int32_t q = steps + to->zero_point;
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

/* value * 2^exponent rounded to an integer, ties to even; the caller knows that it fits. */
static uint64_t scaled(uint64_t value, int32_t exponent)
{
    if (exponent >= 0)
    {
        return value << exponent;
    }
    if (exponent < -63)
    {
        return 0;
    }
    const uint64_t whole = value >> -exponent;
    const uint64_t half = (uint64_t)1 << (-exponent - 1);
    const uint64_t cut = value & (2 * half - 1);
    return whole + (cut > half || (cut == half && (whole & 1u)));
}

static uint32_t distance(int8_t q, const number_quantization *of)
{
    return (uint32_t)(q < of->zero_point ? of->zero_point - q : q - of->zero_point);
}

uint64_t number_thousandths(int8_t q, const number_quantization *of)
{
    return scaled((uint64_t)(distance(q, of) * of->mantissa) * 1000u, of->exponent);
}

/* limb[at] += value, and what overflows into the limbs above. */
static void add(number_sum *sum, int at, uint32_t value)
{
    for (; value != 0 && at < 5; ++at)
    {
        sum->limb[at] += value;
        value = sum->limb[at] < value;
    }
}

static void add_product(number_sum *sum, int at, uint32_t a, uint32_t b)
{
    const uint64_t product = (uint64_t)a * b;
    add(sum, at, (uint32_t)product);
    add(sum, at + 1, (uint32_t)(product >> 32));
}

void number_add_squared_error(number_sum *sum, uint32_t bits, int8_t q, const number_quantization *of)
{
    /* Both in units of 2^-32: below 2^57. */
    const real x = decode(bits);
    const uint64_t wanted = scaled(x.mantissa, x.exponent + 32);
    const uint64_t got = scaled(distance(q, of) * of->mantissa, of->exponent + 32);
    const int opposite = x.negative != (q < of->zero_point);
    const uint64_t error = opposite ? wanted + got : wanted > got ? wanted - got : got - wanted;
    const uint32_t low = (uint32_t)error, high = (uint32_t)(error >> 32);
    add_product(sum, 0, low, low);
    add_product(sum, 1, low, high);
    add_product(sum, 1, low, high);
    add_product(sum, 2, high, high);
}

uint64_t number_mean_thousandths(const number_sum *sum, uint32_t count)
{
    uint32_t quotient[5];
    uint32_t carry = 0;
    for (int i = 0; i < 5; ++i)
    {
        const uint64_t product = (uint64_t)sum->limb[i] * 1000u + carry;
        quotient[i] = (uint32_t)product;
        carry = (uint32_t)(product >> 32);
    }
    /* By 16 bits at a time: no division of 64 bits, which a freestanding compiler would call a library for. */
    uint32_t rest = 0;
    for (int i = 4; i >= 0; --i)
    {
        const uint32_t upper = rest << 16 | quotient[i] >> 16;
        const uint32_t lower = upper % count << 16 | (quotient[i] & 0xFFFFu);
        quotient[i] = upper / count << 16 | lower / count;
        rest = lower % count;
    }
    const uint64_t whole = (uint64_t)quotient[3] << 32 | quotient[2];
    const uint64_t cut = (uint64_t)quotient[1] << 32 | quotient[0];
    const uint64_t half = (uint64_t)1 << 63;
    return whole + (cut > half || (cut == half && (rest != 0 || (whole & 1u))));
}

/* 16 bits at a time, as above. */
static uint64_t divide_by_ten(uint64_t value, uint32_t *digit)
{
    uint64_t quotient = 0;
    uint32_t rest = 0;
    for (int shift = 48; shift >= 0; shift -= 16)
    {
        const uint32_t part = rest << 16 | (uint32_t)(value >> shift & 0xFFFFu);
        quotient = quotient << 16 | part / 10u;
        rest = part % 10u;
    }
    *digit = rest;
    return quotient;
}

int number_digits(uint64_t value, char *to)
{
    char reversed[20];
    int length = 0;
    do
    {
        uint32_t digit;
        value = divide_by_ten(value, &digit);
        reversed[length++] = (char)('0' + digit);
    } while (value != 0);
    for (int i = 0; i < length; ++i)
    {
        to[i] = reversed[length - 1 - i];
    }
    to[length] = '\0';
    return length;
}
