/* SPDX-License-Identifier: Apache-2.0
 * Kernels that the packaged CMSIS-NN source does not carry. They follow the TFLite int8 specification and
 * give the same bits as the TFLite Micro reference kernels. */
#ifndef TINYBENCH_KERNELS_H
#define TINYBENCH_KERNELS_H

#include <stdint.h>

#include "arm_nn_types.h"

typedef struct {
    int32_t offset;     /* minus the zero point */
    int32_t multiplier; /* Q31 */
    int32_t shift;      /* power of two; negative is to the right */
} tinybench_scaling;

typedef struct {
    tinybench_scaling input_1;
    tinybench_scaling input_2;
    tinybench_scaling output; /* offset: plus the zero point */
    int32_t left_shift;
    int32_t activation_min;
    int32_t activation_max;
} tinybench_add_params;

/* output[i] = clamp(requantised(input_1[i] + input_2[i])) for i < size */
void tinybench_add_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_add_params *params,
                      int8_t *output, int32_t size);

/* Softmax over rows of row_size values; scale 1/256 and zero point -128 on output. */
void tinybench_softmax_s8(const int8_t *input, int32_t rows, int32_t row_size, int32_t multiplier, int32_t shift,
                          int32_t diff_min, int8_t *output);

/* How two operands share an output of size[0] x .. x size[3]; a stride of 0 repeats a value. stride_1[3] and
 * stride_2[3] are 0 or 1. */
typedef struct {
    int32_t size[4];
    int32_t stride_1[4];
    int32_t stride_2[4];
} tinybench_broadcast;

typedef struct {
    int32_t input_1_offset; /* minus the zero point */
    int32_t input_2_offset;
    tinybench_scaling output; /* offset: plus the zero point */
    int32_t activation_min;
    int32_t activation_max;
} tinybench_mul_params;

void tinybench_add_broadcast_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                                const tinybench_add_params *params, int8_t *output);
void tinybench_sub_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                      const tinybench_add_params *params, int8_t *output);
void tinybench_mul_s8(const int8_t *input_1, const int8_t *input_2, const tinybench_broadcast *shape,
                      const tinybench_mul_params *params, int8_t *output);

typedef struct {
    int32_t input_offset;     /* minus the zero point */
    tinybench_scaling output; /* offset: plus the zero point */
    int32_t activation_min;
    int32_t activation_max;
} tinybench_requantize_params;

typedef struct {
    int32_t input_offset; /* minus the zero point */
    int32_t radius;       /* beyond which the output is saturated */
    int32_t multiplier;   /* to 4 integer bits */
    int32_t shift;
} tinybench_logistic_params;

typedef struct {
    int32_t input_offset; /* minus the zero point */
    int32_t output_offset;
    int32_t output_multiplier; /* Q15 */
    int32_t output_exponent;   /* in [-15, 0] */
    int32_t gate_multiplier;   /* Q15: to where 3.0 is 32768 */
    int32_t gate_exponent;     /* in [-15, 16] */
} tinybench_hard_swish_params;

/* Each for size values. */
void tinybench_requantize_s8(const int8_t *input, const tinybench_requantize_params *params, int8_t *output,
                             int32_t size);
void tinybench_clamp_s8(const int8_t *input, int32_t min, int32_t max, int8_t *output, int32_t size);
void tinybench_logistic_s8(const int8_t *input, const tinybench_logistic_params *params, int8_t *output, int32_t size);
void tinybench_hard_swish_s8(const int8_t *input, const tinybench_hard_swish_params *params, int8_t *output,
                             int32_t size);

/* rows of row bytes from one pitch to another */
void tinybench_copy_rows_s8(const int8_t *input, int32_t input_pitch, int8_t *output, int32_t output_pitch,
                            int32_t row, int32_t rows);

/* The output's dimensions, and the step of the input along each; steps may be negative. */
typedef struct {
    int32_t size[5];
    int32_t stride[5];
} tinybench_gather;

void tinybench_gather_s8(const int8_t *input, const tinybench_gather *shape, int8_t *output);

/* The input's dimensions, and the bytes of output before and after each slice along them. */
typedef struct {
    int32_t size[5];
    int32_t before[5];
    int32_t after[5];
    int32_t value;
} tinybench_pad;

void tinybench_pad_s8(const int8_t *input, const tinybench_pad *params, int8_t *output);

/* The input's dimensions, and the step among the sums along each: 0 where values are added up. */
typedef struct {
    int32_t size[4];
    int32_t stride[4];
    int32_t outputs;
    int32_t sum_offset; /* minus the zero point times the values per output */
    tinybench_scaling output;
} tinybench_mean_params;

/* sums: one per output */
void tinybench_mean_s8(const int8_t *input, const tinybench_mean_params *params, int32_t *sums, int8_t *output);

/* bias may be NULL. */
void tinybench_fully_connected_per_channel_s8(const cmsis_nn_fc_params *params,
                                              const cmsis_nn_per_channel_quant_params *quantisation,
                                              const int8_t *input, int32_t rows, int32_t depth, const int8_t *weights,
                                              const int32_t *bias, int32_t channels, int8_t *output);

/* The group count is the input's channels over the filter's; bias may be NULL. */
void tinybench_grouped_convolve_s8(const cmsis_nn_conv_params *params,
                                   const cmsis_nn_per_channel_quant_params *quantisation,
                                   const cmsis_nn_dims *input_dims, const int8_t *input,
                                   const cmsis_nn_dims *filter_dims, const int8_t *weights, const int32_t *bias,
                                   const cmsis_nn_dims *output_dims, int8_t *output);

#endif
