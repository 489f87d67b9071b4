/* SPDX-License-Identifier: Apache-2.0
 * What CMSIS-NN 4.0.0 has no kernel for: grouped convolution, and fully connected layers with a scale per channel. */
#include "arm_nnsupportfunctions.h"
#include "tinybench_kernels.h"

static inline int32_t dot(const int8_t *input, int32_t input_offset, const int8_t *weights, int32_t size, int32_t sum)
{
    int32_t i = 0;
#if defined(ARM_MATH_DSP)
    const uint32_t offset = __PKHBT(input_offset, input_offset, 16);
    for (; i + 4 <= size; i += 4)
    {
        int32_t x_02, x_13, w_02, w_13;
        input = read_and_pad_reordered(input, &x_02, &x_13);
        weights = read_and_pad_reordered(weights, &w_02, &w_13);
        sum = (int32_t)__SMLAD(__SADD16((uint32_t)x_02, offset), (uint32_t)w_02, (uint32_t)sum);
        sum = (int32_t)__SMLAD(__SADD16((uint32_t)x_13, offset), (uint32_t)w_13, (uint32_t)sum);
    }
#endif
    for (; i < size; ++i)
    {
        sum += (*input++ + input_offset) * *weights++;
    }
    return sum;
}

static inline int8_t finish(int32_t sum, int32_t multiplier, int32_t shift, int32_t offset, cmsis_nn_activation range)
{
    int32_t value = arm_nn_requantize(sum, multiplier, shift) + offset;
    value = MAX(value, range.min);
    value = MIN(value, range.max);
    return (int8_t)value;
}

void tinybench_fully_connected_per_channel_s8(const cmsis_nn_fc_params *params,
                                              const cmsis_nn_per_channel_quant_params *quantisation,
                                              const int8_t *input, int32_t rows, int32_t depth, const int8_t *weights,
                                              const int32_t *bias, int32_t channels, int8_t *output)
{
    for (int32_t row = 0; row < rows; ++row, input += depth)
    {
        for (int32_t c = 0; c < channels; ++c)
        {
            const int32_t sum = dot(input, params->input_offset, weights + c * depth, depth, bias ? bias[c] : 0);
            *output++ = finish(sum, quantisation->multiplier[c], quantisation->shift[c], params->output_offset,
                               params->activation);
        }
    }
}

void tinybench_grouped_convolve_s8(const cmsis_nn_conv_params *params,
                                   const cmsis_nn_per_channel_quant_params *quantisation,
                                   const cmsis_nn_dims *input_dims, const int8_t *input,
                                   const cmsis_nn_dims *filter_dims, const int8_t *weights, const int32_t *bias,
                                   const cmsis_nn_dims *output_dims, int8_t *output)
{
    const int32_t depth = filter_dims->c;
    const int32_t per_group = output_dims->c / (input_dims->c / depth);
    const int32_t image = input_dims->h * input_dims->w * input_dims->c;

    for (int32_t n = 0; n < input_dims->n; ++n, input += image)
    {
        for (int32_t y = 0; y < output_dims->h; ++y)
        {
            for (int32_t x = 0; x < output_dims->w; ++x)
            {
                const int8_t *w = weights;
                for (int32_t c = 0; c < output_dims->c; ++c)
                {
                    const int8_t *group = input + c / per_group * depth;
                    int32_t sum = bias ? bias[c] : 0;
                    for (int32_t i = 0; i < filter_dims->h; ++i)
                    {
                        const int32_t in_y = y * params->stride.h - params->padding.h + i * params->dilation.h;
                        for (int32_t j = 0; j < filter_dims->w; ++j, w += depth)
                        {
                            const int32_t in_x = x * params->stride.w - params->padding.w + j * params->dilation.w;
                            if (in_y >= 0 && in_y < input_dims->h && in_x >= 0 && in_x < input_dims->w)
                            {
                                const int32_t at = (in_y * input_dims->w + in_x) * input_dims->c;
                                sum = dot(group + at, params->input_offset, w, depth, sum);
                            }
                        }
                    }
                    *output++ = finish(sum, quantisation->multiplier[c], quantisation->shift[c],
                                       params->output_offset, params->activation);
                }
            }
        }
    }
}
