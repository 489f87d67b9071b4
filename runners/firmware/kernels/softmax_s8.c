/* SPDX-License-Identifier: Apache-2.0
 * int8 softmax as the TFLite specification defines it (gemmlowp fixed point: 5 integer bits for the scaled
 * difference, 12 for the accumulator), on the fixed-point primitives of CMSIS-NN. */
#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

#define ACCUMULATOR_BITS 12

void tinybench_softmax_s8(const int8_t *input, int32_t rows, int32_t row_size, int32_t multiplier, int32_t shift,
                          int32_t diff_min, int8_t *output)
{
    const int32_t scale = 1 << shift;

    for (int32_t row = 0; row < rows; ++row, input += row_size, output += row_size)
    {
        int32_t max = input[0];
        for (int32_t i = 1; i < row_size; ++i)
        {
            max = MAX(max, input[i]);
        }

        int32_t sum = 0;
        for (int32_t i = 0; i < row_size; ++i)
        {
            const int32_t diff = input[i] - max;
            if (diff >= diff_min)
            {
                sum += DIV_POW2(EXP_ON_NEG(MUL_SAT(diff * scale, multiplier)), ACCUMULATOR_BITS);
            }
        }

        const int32_t headroom = (int32_t)__CLZ((uint32_t)sum);
        const int32_t shifted_scale = ONE_OVER1((sum > 0 ? sum << headroom : 0) - (1 << 31));
        const int32_t bits_over_unit = ACCUMULATOR_BITS - headroom + 23;

        for (int32_t i = 0; i < row_size; ++i)
        {
            const int32_t diff = input[i] - max;
            if (diff >= diff_min)
            {
                const int32_t exponential = EXP_ON_NEG(MUL_SAT(diff * scale, multiplier));
                const int32_t result = DIV_POW2(MUL_SAT(shifted_scale, exponential), bits_over_unit) + NN_Q7_MIN;
                output[i] = (int8_t)CLAMP(result, (int32_t)NN_Q7_MAX, (int32_t)NN_Q7_MIN);
            }
            else
            {
                output[i] = NN_Q7_MIN;
            }
        }
    }
}
