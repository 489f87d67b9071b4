/* SPDX-License-Identifier: Apache-2.0
 * Operators that only move int8 values. The lowering merges dimensions, so that runs are as long as possible. */
#include <string.h>

#include "tinybench_kernels.h"

void tinybench_copy_rows_s8(const int8_t *input, int32_t input_pitch, int8_t *output, int32_t output_pitch,
                            int32_t row, int32_t rows)
{
    for (int32_t i = 0; i < rows; ++i, input += input_pitch, output += output_pitch)
    {
        memcpy(output, input, (size_t)row);
    }
}

static int8_t *gather_run(const int8_t *input, int32_t stride, int32_t size, int8_t *output)
{
    if (stride == 1)
    {
        memcpy(output, input, (size_t)size);
        return output + size;
    }
    for (int32_t i = 0; i < size; ++i, input += stride)
    {
        *output++ = *input;
    }
    return output;
}

void tinybench_gather_s8(const int8_t *input, const tinybench_gather *shape, int8_t *output)
{
    const int32_t *size = shape->size, *stride = shape->stride;
    const int8_t *a = input;
    for (int32_t i = 0; i < size[0]; ++i, a += stride[0])
    {
        const int8_t *b = a;
        for (int32_t j = 0; j < size[1]; ++j, b += stride[1])
        {
            const int8_t *c = b;
            for (int32_t k = 0; k < size[2]; ++k, c += stride[2])
            {
                const int8_t *d = c;
                for (int32_t l = 0; l < size[3]; ++l, d += stride[3])
                {
                    output = gather_run(d, stride[4], size[4], output);
                }
            }
        }
    }
}

static inline int8_t *fill(int8_t *output, int32_t value, int32_t count)
{
    memset(output, value, (size_t)count);
    return output + count;
}

void tinybench_pad_s8(const int8_t *input, const tinybench_pad *p, int8_t *output)
{
    const int32_t *before = p->before, *after = p->after, *size = p->size;
    output = fill(output, p->value, before[0]);
    for (int32_t i = 0; i < size[0]; ++i)
    {
        output = fill(output, p->value, before[1]);
        for (int32_t j = 0; j < size[1]; ++j)
        {
            output = fill(output, p->value, before[2]);
            for (int32_t k = 0; k < size[2]; ++k)
            {
                output = fill(output, p->value, before[3]);
                for (int32_t l = 0; l < size[3]; ++l)
                {
                    output = fill(output, p->value, before[4]);
                    memcpy(output, input, (size_t)size[4]);
                    input += size[4];
                    output = fill(output + size[4], p->value, after[4]);
                }
                output = fill(output, p->value, after[3]);
            }
            output = fill(output, p->value, after[2]);
        }
        output = fill(output, p->value, after[1]);
    }
    (void)fill(output, p->value, after[0]);
}
