/* SPDX-License-Identifier: Apache-2.0
 * All arithmetic on real numbers, in integers: whatever the compiler, its flags and the FPU, every board gives the same
 * digits. */
#ifndef TINYBENCH_NUMBERS_H
#define TINYBENCH_NUMBERS_H

#include <stdint.h>

/* An affine quantisation, real = scale * (q - zero_point), with a float32 scale of mantissa * 2^exponent where
 * 2^23 <= mantissa < 2^24. All products 255 * scale have to be below 2^24. */
typedef struct
{
    uint32_t mantissa;
    int32_t exponent;
    int32_t zero_point;
} number_quantization;

/* A sum of squares, in units of 2^-64. */
typedef struct
{
    uint32_t limb[5]; /* the lowest first */
} number_sum;

/* Non-zero if a float32 with these bits is a finite number below 2^24 in magnitude: the only ones that the functions
 * below take. */
int number_is_usable(uint32_t bits);

/* round(x / scale) + zero_point within int8, x a float32: the quotient is rounded to float32, then halves away from
 * zero, as QuantizeFloatToInt8 of MLPerf Tiny's reference does. */
int8_t number_quantize(uint32_t bits, const number_quantization *to);

/* |scale * (q - zero_point)| in thousandths, rounded to nearest, ties to even; its sign is that of q - zero_point. */
uint64_t number_thousandths(int8_t q, const number_quantization *of);

/* Add (x - scale * (q - zero_point))^2, exact to 2^-32 of x and of the product; up to 8192 times. */
void number_add_squared_error(number_sum *sum, uint32_t bits, int8_t q, const number_quantization *of);

/* sum / count in thousandths, rounded to nearest, ties to even; count from 1 to 8192. */
uint64_t number_mean_thousandths(const number_sum *sum, uint32_t count);

/* The decimal digits of a number without leading zeros, NUL behind them; to holds 21 bytes. Returns how many. */
int number_digits(uint64_t value, char *to);

#endif
