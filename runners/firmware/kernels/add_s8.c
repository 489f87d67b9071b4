/* SPDX-License-Identifier: Apache-2.0
 * Element-wise int8 addition as the TFLite specification defines it. With the DSP extension four values are
 * read, widened and offset at a time, as CMSIS-NN's own element-wise kernels do. */
#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

static inline int8_t add_one(int32_t a, int32_t b, const tinybench_add_params *p)
{
    const int32_t scaled_1 = arm_nn_requantize(a << p->left_shift, p->input_1.multiplier, p->input_1.shift);
    const int32_t scaled_2 = arm_nn_requantize(b << p->left_shift, p->input_2.multiplier, p->input_2.shift);
    int32_t sum = arm_nn_requantize(scaled_1 + scaled_2, p->output.multiplier, p->output.shift) + p->output.offset;
    sum = MAX(sum, p->activation_min);
    sum = MIN(sum, p->activation_max);
    return (int8_t)sum;
}

void tinybench_add_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_add_params *p, int8_t *output,
                      int32_t size)
{
    int32_t i = 0;
#if defined(ARM_MATH_DSP)
    const int32_t offset_1 = (int32_t)__PKHBT(p->input_1.offset, p->input_1.offset, 16);
    const int32_t offset_2 = (int32_t)__PKHBT(p->input_2.offset, p->input_2.offset, 16);
    for (; i + 4 <= size; i += 4)
    {
        int32_t a_02, a_13, b_02, b_13;
        input_1 = read_and_pad_reordered(input_1, &a_02, &a_13);
        input_2 = read_and_pad_reordered(input_2, &b_02, &b_13);
        a_02 = (int32_t)__SADD16((uint32_t)a_02, (uint32_t)offset_1);
        a_13 = (int32_t)__SADD16((uint32_t)a_13, (uint32_t)offset_1);
        b_02 = (int32_t)__SADD16((uint32_t)b_02, (uint32_t)offset_2);
        b_13 = (int32_t)__SADD16((uint32_t)b_13, (uint32_t)offset_2);
        /* Lanes 0 and 1, then 2 and 3: unrolled further, the loop would not fit an instruction cache of 1 KiB. */
#pragma GCC unroll 1
        for (int32_t pair = 0; pair < 2; ++pair)
        {
            *output++ = add_one((int16_t)a_02, (int16_t)b_02, p);
            *output++ = add_one((int16_t)a_13, (int16_t)b_13, p);
            a_02 >>= 16, a_13 >>= 16, b_02 >>= 16, b_13 >>= 16;
        }
    }
#endif
    for (; i < size; ++i)
    {
        *output++ = add_one(*input_1++ + p->input_1.offset, *input_2++ + p->input_2.offset, p);
    }
}
