/* SPDX-License-Identifier: Apache-2.0
 * CMSIS-NN includes <math.h> but its int8 kernels use nothing of it. */
#ifndef TINYBENCH_MATH_H
#define TINYBENCH_MATH_H
#endif
