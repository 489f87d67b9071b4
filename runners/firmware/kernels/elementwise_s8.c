/* SPDX-License-Identifier: Apache-2.0
 * Element-wise int8 arithmetic of two operands as the TFLite specification defines it, with broadcasting. The
 * lowering merges dimensions, so that each run is as long as the shapes allow. */
#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

typedef void (*run_function)(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                             const void *params, int8_t *output);

static void broadcast(run_function run, const int8_t *input_1, const int8_t *input_2,
                      const tinybench_broadcast *shape, const void *params, int8_t *output)
{
    for (int32_t i = 0; i < shape->size[0]; ++i)
    {
        for (int32_t j = 0; j < shape->size[1]; ++j)
        {
            for (int32_t k = 0; k < shape->size[2]; ++k)
            {
                const int32_t at_1 = i * shape->stride_1[0] + j * shape->stride_1[1] + k * shape->stride_1[2];
                const int32_t at_2 = i * shape->stride_2[0] + j * shape->stride_2[1] + k * shape->stride_2[2];
                run(input_1 + at_1, input_2 + at_2, shape, params, output);
                output += shape->size[3];
            }
        }
    }
}

/* sign is a literal at each call: the compiler turns the product into an addition or a subtraction. */
static inline int8_t sum_one(int32_t a, int32_t b, int32_t sign, const tinybench_add_params *p)
{
    const int32_t scaled_1 = arm_nn_requantize((a + p->input_1.offset) * (1 << p->left_shift), p->input_1.multiplier,
                                               p->input_1.shift);
    const int32_t scaled_2 = arm_nn_requantize((b + p->input_2.offset) * (1 << p->left_shift), p->input_2.multiplier,
                                               p->input_2.shift);
    int32_t sum = arm_nn_requantize(scaled_1 + sign * scaled_2, p->output.multiplier, p->output.shift);
    sum += p->output.offset;
    sum = MAX(sum, p->activation_min);
    sum = MIN(sum, p->activation_max);
    return (int8_t)sum;
}

static void add_run(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                    const void *params, int8_t *output)
{
    const int32_t step_1 = shape->stride_1[3], step_2 = shape->stride_2[3];
    if (step_1 == 1 && step_2 == 1)
    {
        tinybench_add_s8(input_1, input_2, params, output, shape->size[3]);
        return;
    }
    for (int32_t i = 0; i < shape->size[3]; ++i, input_1 += step_1, input_2 += step_2)
    {
        output[i] = sum_one(*input_1, *input_2, 1, params);
    }
}

static void sub_run(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                    const void *params, int8_t *output)
{
    const int32_t step_1 = shape->stride_1[3], step_2 = shape->stride_2[3];
    for (int32_t i = 0; i < shape->size[3]; ++i, input_1 += step_1, input_2 += step_2)
    {
        output[i] = sum_one(*input_1, *input_2, -1, params);
    }
}

static void mul_run(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                    const void *params, int8_t *output)
{
    const tinybench_mul_params *p = params;
    const int32_t step_1 = shape->stride_1[3], step_2 = shape->stride_2[3];
    for (int32_t i = 0; i < shape->size[3]; ++i, input_1 += step_1, input_2 += step_2)
    {
        const int32_t product = (*input_1 + p->input_1_offset) * (*input_2 + p->input_2_offset);
        int32_t value = arm_nn_requantize(product, p->output.multiplier, p->output.shift) + p->output.offset;
        value = MAX(value, p->activation_min);
        value = MIN(value, p->activation_max);
        output[i] = (int8_t)value;
    }
}

void tinybench_add_broadcast_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                                const tinybench_add_params *params, int8_t *output)
{
    broadcast(add_run, input_1, input_2, shape, params, output);
}

void tinybench_sub_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                      const tinybench_add_params *params, int8_t *output)
{
    broadcast(sub_run, input_1, input_2, shape, params, output);
}

void tinybench_mul_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                      const tinybench_mul_params *params, int8_t *output)
{
    broadcast(mul_run, input_1, input_2, shape, params, output);
}
