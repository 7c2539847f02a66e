/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on numbers that came from a file or a server: false instead of overflow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define checked_add(a, b, ret_sum)        (!__builtin_add_overflow((a), (b), (ret_sum)))
#define checked_sub(a, b, ret_difference) (!__builtin_sub_overflow((a), (b), (ret_difference)))
#define checked_mul(a, b, ret_product)    (!__builtin_mul_overflow((a), (b), (ret_product)))

/* Whether [offset, offset + bytes) lies in [0, size); an empty range at size does. */
static inline bool checked_range(int64_t offset, int64_t bytes, int64_t size)
{
    return offset >= 0 && bytes >= 0 && offset <= size && bytes <= size - offset;
}

static inline uint64_t checked_align_down(uint64_t value, uint64_t alignment)
{
    return value - value % alignment;
}
