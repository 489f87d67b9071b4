/* SPDX-License-Identifier: Apache-2.0
 * int8 activations and requantisation as the TFLite specification defines them (gemmlowp fixed point), on the
 * fixed-point primitives of CMSIS-NN. */
#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

void tinybench_requantize_s8(const int8_t *input, const tinybench_requantize_params *p, int8_t *output, int32_t size)
{
    for (int32_t i = 0; i < size; ++i)
    {
        int32_t value = arm_nn_requantize(input[i] + p->input_offset, p->output.multiplier, p->output.shift);
        value += p->output.offset;
        value = MAX(value, p->activation_min);
        value = MIN(value, p->activation_max);
        output[i] = (int8_t)value;
    }
}

void tinybench_clamp_s8(const int8_t *input, int32_t min, int32_t max, int8_t *output, int32_t size)
{
    for (int32_t i = 0; i < size; ++i)
    {
        const int32_t value = input[i];
        output[i] = (int8_t)(value > max ? max : value < min ? min : value);
    }
}

/* e^x for x <= 0 with 4 integer bits; gives 0 integer bits. CMSIS-NN's own has 5 integer bits. */
static int32_t exp_on_negative_q4(int32_t x)
{
    static const int32_t factors[6] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401};
    const int32_t quarter = 1 << 25;
    const int32_t mod_quarter = (x & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    const int32_t remainder = mod_quarter - x;

    const int32_t y = mod_quarter * (1 << 4) + (1 << 28); /* around -1/8, where the series is developed */
    const int32_t y2 = MUL_SAT(y, y);
    const int32_t tail = MUL_SAT(DIV_POW2(MUL_SAT(y2, y2), 2) + MUL_SAT(y2, y), 715827883) + y2;
    int32_t result = 1895147668 + MUL_SAT(1895147668, y + DIV_POW2(tail, 1));
    for (int32_t bit = 0; bit < 6; ++bit) /* e^(-2^(bit-2)) for each bit of the remainder */
    {
        if (remainder & (quarter << bit))
        {
            result = MUL_SAT(result, factors[bit]);
        }
    }
    return x == 0 ? NN_Q31_MAX : result;
}

void tinybench_logistic_s8(const int8_t *input, const tinybench_logistic_params *p, int8_t *output, int32_t size)
{
    for (int32_t i = 0; i < size; ++i)
    {
        const int32_t centred = input[i] + p->input_offset;
        int32_t value;
        if (centred <= -p->radius)
        {
            value = NN_Q7_MIN;
        }
        else if (centred >= p->radius)
        {
            value = NN_Q7_MAX;
        }
        else
        {
            const int32_t x = arm_nn_requantize(centred, p->multiplier, p->shift);
            const int32_t positive = ONE_OVER1(exp_on_negative_q4(x > 0 ? -x : x));
            const int32_t probability = x == 0 ? 1 << 30 : x > 0 ? positive : NN_Q31_MAX - positive;
            value = DIV_POW2(probability, 23) + NN_Q7_MIN;
            value = CLAMP(value, (int32_t)NN_Q7_MAX, (int32_t)NN_Q7_MIN);
        }
        output[i] = (int8_t)value;
    }
}

static inline int32_t saturate_s16(int32_t value)
{
    return CLAMP(value, (int32_t)NN_Q15_MAX, (int32_t)NN_Q15_MIN);
}

/* Rounds to nearest; factor >= 0, so that nothing saturates. */
static inline int32_t rounding_doubling_high_mult_s16(int32_t value, int32_t factor)
{
    return (value * factor + (1 << 14)) >> 15;
}

void tinybench_hard_swish_s8(const int8_t *input, const tinybench_hard_swish_params *p, int8_t *output, int32_t size)
{
    for (int32_t i = 0; i < size; ++i)
    {
        const int32_t fine = (input[i] + p->input_offset) * (1 << 7);
        const int32_t scaled = rounding_doubling_high_mult_s16(fine, p->output_multiplier);

        /* min(max(x, -3), 3) / 3 with 15 fractional bits: saturation is what limits it. */
        int32_t gate = fine;
        if (p->gate_exponent > 0)
        {
            gate = saturate_s16(gate * (1 << (p->gate_exponent - 1)));
        }
        gate = rounding_doubling_high_mult_s16(gate, p->gate_multiplier);
        if (p->gate_exponent > 0)
        {
            gate = saturate_s16(gate * 2);
        }
        else
        {
            gate = DIV_POW2(gate, -p->gate_exponent);
        }
        gate = (gate + (1 << 15)) >> 1; /* to [0, 1] */

        const int32_t product = gate * scaled / (1 << 15); /* towards zero, unlike a shift */
        const int32_t value = (int16_t)(DIV_POW2(product, -p->output_exponent) + p->output_offset);
        output[i] = (int8_t)CLAMP(value, (int32_t)NN_Q7_MAX, (int32_t)NN_Q7_MIN);
    }
}
