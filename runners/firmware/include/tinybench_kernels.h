/* SPDX-License-Identifier: Apache-2.0
 * Kernels that the packaged CMSIS-NN source does not carry. They follow the TFLite int8 specification and
 * give the same bits as the TFLite Micro reference kernels. */
#ifndef TINYBENCH_KERNELS_H
#define TINYBENCH_KERNELS_H

#include <stdint.h>

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

#endif
