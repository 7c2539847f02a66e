/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vectors of buffers: slices of them, and their bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Sum of the lengths. */
int64_t iov_bytes(const struct iovec *iov, int niov);
/* Fills out (room for niov) with the part of bytes bytes that begins skip bytes in: its number of elements. */
int iov_slice(const struct iovec *iov, int niov, int64_t skip, int64_t bytes, struct iovec *out);
void iov_fill_zero(const struct iovec *iov, int niov, int64_t skip, int64_t bytes);
/* Between a vector, skip bytes in, and one buffer. */
void iov_copy_in(const struct iovec *iov, int niov, int64_t skip, const void *buf, int64_t bytes);
void iov_copy_out(const struct iovec *iov, int niov, int64_t skip, void *buf, int64_t bytes);
bool iov_is_zero(const struct iovec *iov, int niov);
/* Whether every base and length is a multiple of alignment (a power of two). */
bool iov_is_aligned(const struct iovec *iov, int niov, uint32_t alignment);
