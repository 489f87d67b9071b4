/* SPDX-License-Identifier: Apache-2.0
 * int8 mean over some axes as the TFLite specification defines it. The input is read once, in order; each value goes
 * to the sum of its output. */
#include <string.h>

#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

static const int8_t *sum_run(const int8_t *input, int32_t size, int32_t stride, int32_t *sums)
{
    if (stride == 0)
    {
        int32_t sum = *sums;
        for (int32_t i = 0; i < size; ++i)
        {
            sum += *input++;
        }
        *sums = sum;
        return input;
    }
    for (int32_t i = 0; i < size; ++i)
    {
        sums[i] += *input++;
    }
    return input;
}

void tinybench_mean_s8(const int8_t *input, const tinybench_mean_params *p, int32_t *sums, int8_t *output)
{
    const int32_t *size = p->size, *stride = p->stride;
    memset(sums, 0, (size_t)p->outputs * sizeof(int32_t));
    for (int32_t i = 0; i < size[0]; ++i)
    {
        for (int32_t j = 0; j < size[1]; ++j)
        {
            for (int32_t k = 0; k < size[2]; ++k)
            {
                int32_t *const at = sums + i * stride[0] + j * stride[1] + k * stride[2];
                input = sum_run(input, size[3], stride[3], at);
            }
        }
    }
    for (int32_t i = 0; i < p->outputs; ++i)
    {
        int32_t value = arm_nn_requantize(sums[i] + p->sum_offset, p->output.multiplier, p->output.shift);
        value += p->output.offset;
        output[i] = (int8_t)CLAMP(value, (int32_t)NN_Q7_MAX, (int32_t)NN_Q7_MIN);
    }
}
