/* SPDX-License-Identifier: Apache-2.0
 * memcpy, memmove and memset for a firmware without a C library: words while both sides allow it, four a
 * turn, as the usual embedded libraries do. */
#include <stddef.h>
#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) word;

/* Or the compiler would turn these loops into calls of themselves. */
#if defined(__clang__)
#define NO_BUILTIN __attribute__((no_builtin))
#else
#define NO_BUILTIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

NO_BUILTIN void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    if (((uintptr_t)to & 3u) == ((uintptr_t)from & 3u))
    {
        for (; size > 0 && ((uintptr_t)to & 3u); --size)
        {
            *to++ = *from++;
        }
        for (; size >= 16; size -= 16, to += 16, from += 16)
        {
            const word a = ((const word *)from)[0], b = ((const word *)from)[1];
            const word c = ((const word *)from)[2], d = ((const word *)from)[3];
            ((word *)to)[0] = a;
            ((word *)to)[1] = b;
            ((word *)to)[2] = c;
            ((word *)to)[3] = d;
        }
        for (; size >= 4; size -= 4, to += 4, from += 4)
        {
            *(word *)to = *(const word *)from;
        }
    }
    for (; size > 0; --size)
    {
        *to++ = *from++;
    }
    return destination;
}

NO_BUILTIN void *memmove(void *destination, const void *source, size_t size)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    if (to <= from || to >= from + size)
    {
        return memcpy(destination, source, size);
    }
    while (size > 0)
    {
        --size;
        to[size] = from[size];
    }
    return destination;
}

NO_BUILTIN void *memset(void *destination, int value, size_t size)
{
    uint8_t *to = destination;
    const word pattern = (uint8_t)value * 0x01010101u;
    for (; size > 0 && ((uintptr_t)to & 3u); --size)
    {
        *to++ = (uint8_t)value;
    }
    for (; size >= 16; size -= 16, to += 16)
    {
        ((word *)to)[0] = pattern;
        ((word *)to)[1] = pattern;
        ((word *)to)[2] = pattern;
        ((word *)to)[3] = pattern;
    }
    for (; size >= 4; size -= 4, to += 4)
    {
        *(word *)to = pattern;
    }
    for (; size > 0; --size)
    {
        *to++ = (uint8_t)value;
    }
    return destination;
}

/* The names of the Arm run-time ABI (section 4.3.4), which a freestanding clang calls; note the order of arguments. */
void __aeabi_memcpy(void *destination, const void *source, size_t size);
void __aeabi_memcpy4(void *, const void *, size_t) __attribute__((alias("__aeabi_memcpy")));
void __aeabi_memcpy8(void *, const void *, size_t) __attribute__((alias("__aeabi_memcpy")));
void __aeabi_memmove(void *destination, const void *source, size_t size);
void __aeabi_memmove4(void *, const void *, size_t) __attribute__((alias("__aeabi_memmove")));
void __aeabi_memmove8(void *, const void *, size_t) __attribute__((alias("__aeabi_memmove")));
void __aeabi_memset(void *destination, size_t size, int value);
void __aeabi_memset4(void *, size_t, int) __attribute__((alias("__aeabi_memset")));
void __aeabi_memset8(void *, size_t, int) __attribute__((alias("__aeabi_memset")));
void __aeabi_memclr(void *destination, size_t size);
void __aeabi_memclr4(void *, size_t) __attribute__((alias("__aeabi_memclr")));
void __aeabi_memclr8(void *, size_t) __attribute__((alias("__aeabi_memclr")));

void __aeabi_memcpy(void *destination, const void *source, size_t size)
{
    memcpy(destination, source, size);
}

void __aeabi_memmove(void *destination, const void *source, size_t size)
{
    memmove(destination, source, size);
}

void __aeabi_memset(void *destination, size_t size, int value)
{
    memset(destination, value, size);
}

void __aeabi_memclr(void *destination, size_t size)
{
    memset(destination, 0, size);
}
