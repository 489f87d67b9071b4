/* SPDX-License-Identifier: Apache-2.0
 * What the kernels need of <string.h>; the firmware has no C library. */
#ifndef TINYBENCH_STRING_H
#define TINYBENCH_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);

/* A freestanding compiler calls these even for four bytes, which is how CMSIS-NN reads a word of weights. */
#define memcpy __builtin_memcpy
#define memset __builtin_memset

#endif
