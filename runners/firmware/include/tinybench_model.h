/* SPDX-License-Identifier: Apache-2.0
 * What the generated model gives to whoever runs it: a board's main loop or the simulator. */
#ifndef TINYBENCH_MODEL_H
#define TINYBENCH_MODEL_H

#include <stdint.h>

extern int8_t tinybench_arena[];
extern int8_t *const tinybench_input;
extern const int8_t *const tinybench_output;

/* 0 if the planned scratch buffers are as large as the kernels ask for, else 1 + the layer's index. */
int32_t tinybench_check(void);

/* One inference from tinybench_input to tinybench_output; 0, or the sum of the kernels' status codes. */
int32_t tinybench_infer(void);

#endif
