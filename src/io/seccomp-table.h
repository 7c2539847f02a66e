/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table behind io/seccomp.h: a row for each system call that something here, or a library it uses, makes. */
#pragma once

#include <stdint.h>

enum seccomp_kind {
    SECCOMP_ALWAYS,
    SECCOMP_MISSING,    /* ENOSYS: libraries do without it, and its arguments can't be looked at */
    SECCOMP_NONE_OF,    /* no bit of mask is set */
    SECCOMP_ANY_OF,     /* one is */
    SECCOMP_MASKED_NOT, /* with mask it is not value */
    SECCOMP_IN,         /* one of values */
    SECCOMP_NULL,       /* a NULL pointer */
    SECCOMP_OURSELVES,  /* our process */
    SECCOMP_OURS,       /* our process, its group or a helper */
};

#define SECCOMP_LIST_END UINT32_MAX

/* Of the lower half of an argument: all that are looked at but pointers are 32 bits wide in the kernel, or flags below. */
struct seccomp_check {
    enum seccomp_kind kind;
    int argument; /* 0 to 5 */
    uint32_t mask, value;
    const uint32_t *values; /* ends with SECCOMP_LIST_END */
};

/* Whose row it is; a later row for the same number replaces an earlier one. */
enum seccomp_when {
    SECCOMP_FOR_ALL,     /* also the broker */
    SECCOMP_FOR_BROKER,  /* the broker alone */
    SECCOMP_FOR_SESSION, /* what is no broker */
    SECCOMP_FOR_READING, /* nothing is opened for writing */
    SECCOMP_FOR_OPENING, /* something is */
    SECCOMP_FOR_NAMES,
    SECCOMP_FOR_CHANGES,
    SECCOMP_FOR_NETWORK,
};

struct seccomp_call {
    int number;
    enum seccomp_when when;
    const struct seccomp_check *check;
};

/* The last row has no check. */
extern const struct seccomp_call seccomp_table[];
