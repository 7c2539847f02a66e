/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/iov.h"

#include <string.h>

#include "util/pattern.h"

int64_t iov_bytes(const struct iovec *iov, int niov)
{
    int64_t bytes = 0;
    for (int i = 0; i < niov; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

/* A walk over the part of a vector that begins skip bytes in: one contiguous piece a step. */
struct walk {
    const struct iovec *iov, *end;
    size_t skip;
    size_t left;
};

static struct walk walk_begin(const struct iovec *iov, int niov, int64_t skip, int64_t bytes)
{
    struct walk walk = {iov, iov + niov, skip, bytes};
    while (walk.iov < walk.end && walk.skip >= walk.iov->iov_len) {
        walk.skip -= walk.iov->iov_len;
        walk.iov++;
    }
    return walk;
}

static bool walk_step(struct walk *walk, struct iovec *ret_piece)
{
    while (walk->left > 0 && walk->iov < walk->end) {
        size_t n = walk->iov->iov_len - walk->skip;
        if (n > walk->left)
            n = walk->left;
        *ret_piece = (struct iovec){(char *)walk->iov->iov_base + walk->skip, n};
        walk->iov++;
        walk->skip = 0;
        walk->left -= n;
        if (n > 0)
            return true;
    }
    return false;
}

int iov_slice(const struct iovec *iov, int niov, int64_t skip, int64_t bytes, struct iovec *out)
{
    struct walk walk = walk_begin(iov, niov, skip, bytes);
    int n = 0;
    while (walk_step(&walk, &out[n]))
        n++;
    return n;
}

void iov_fill_zero(const struct iovec *iov, int niov, int64_t skip, int64_t bytes)
{
    struct walk walk = walk_begin(iov, niov, skip, bytes);
    struct iovec piece;
    while (walk_step(&walk, &piece))
        memset(piece.iov_base, 0, piece.iov_len);
}

void iov_copy_in(const struct iovec *iov, int niov, int64_t skip, const void *buf, int64_t bytes)
{
    struct walk walk = walk_begin(iov, niov, skip, bytes);
    struct iovec piece;
    for (const char *from = buf; walk_step(&walk, &piece); from += piece.iov_len)
        memcpy(piece.iov_base, from, piece.iov_len);
}

void iov_copy_out(const struct iovec *iov, int niov, int64_t skip, void *buf, int64_t bytes)
{
    struct walk walk = walk_begin(iov, niov, skip, bytes);
    struct iovec piece;
    for (char *to = buf; walk_step(&walk, &piece); to += piece.iov_len)
        memcpy(to, piece.iov_base, piece.iov_len);
}

bool iov_is_zero(const struct iovec *iov, int niov)
{
    for (int i = 0; i < niov; i++) {
        if (!pattern_is_zero(iov[i].iov_base, iov[i].iov_len))
            return false;
    }
    return true;
}

bool iov_is_aligned(const struct iovec *iov, int niov, uint32_t alignment)
{
    uintptr_t bits = 0;
    for (int i = 0; i < niov; i++)
        bits |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    return (bits & (alignment - 1)) == 0;
}
