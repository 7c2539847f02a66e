/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/inspect.h"

/* Two things that may share a cluster: parts of several compressed clusters, data of several states. */
static bool may_share(unsigned roles)
{
    const unsigned data = 1U << INSPECT_DATA, compressed = 1U << INSPECT_COMPRESSED, table = 1U << INSPECT_L2;
    return roles == data || roles == compressed || roles == table;
}

enum inspect_share inspect_share_of(const struct inspect_host_run *run)
{
    static const enum inspect_share shares[INSPECT_ROLE_COUNT] = {
        [INSPECT_HEADER] = INSPECT_SHARE_HEADER,
        [INSPECT_REFCOUNT_TABLE] = INSPECT_SHARE_REFCOUNT,
        [INSPECT_REFCOUNT_BLOCK] = INSPECT_SHARE_REFCOUNT,
        [INSPECT_L1] = INSPECT_SHARE_L1,
        [INSPECT_L2] = INSPECT_SHARE_L2,
        [INSPECT_DATA] = INSPECT_SHARE_DATA,
        [INSPECT_COMPRESSED] = INSPECT_SHARE_COMPRESSED,
        [INSPECT_SNAPSHOT_TABLE] = INSPECT_SHARE_SNAPSHOT,
        [INSPECT_BITMAP_DIRECTORY] = INSPECT_SHARE_BITMAP,
        [INSPECT_BITMAP_TABLE] = INSPECT_SHARE_BITMAP,
        [INSPECT_BITMAP_DATA] = INSPECT_SHARE_BITMAP,
        [INSPECT_CRYPTO] = INSPECT_SHARE_HEADER,
    };
    unsigned role = 0;

    if (!run->refcount_known)
        return INSPECT_SHARE_ERROR;
    if (run->roles == 0)
        return run->refcount > 0 ? INSPECT_SHARE_LEAKED : INSPECT_SHARE_FREE;
    if (run->references > run->refcount || ((run->roles & (run->roles - 1)) != 0 && !may_share(run->roles)))
        return INSPECT_SHARE_CORRUPT;
    while (!(run->roles >> role & 1))
        role++;
    if (run->refcount > run->references) {
        return INSPECT_SHARE_LEAKED; /* in part: it will not be free when what names it is gone */
    }
    return run->snapshot && !run->active && (role == INSPECT_DATA || role == INSPECT_COMPRESSED) ? INSPECT_SHARE_SNAPSHOT : shares[role];
}

const char *inspect_share_name(enum inspect_share share)
{
    static const char *const names[INSPECT_SHARE_COUNT] = {
        [INSPECT_SHARE_DATA] = "data", [INSPECT_SHARE_COMPRESSED] = "compressed", [INSPECT_SHARE_SNAPSHOT] = "snapshot",
        [INSPECT_SHARE_BITMAP] = "bitmap", [INSPECT_SHARE_HEADER] = "header", [INSPECT_SHARE_REFCOUNT] = "refcounts",
        [INSPECT_SHARE_L1] = "L1", [INSPECT_SHARE_L2] = "L2", [INSPECT_SHARE_FREE] = "free", [INSPECT_SHARE_LEAKED] = "leaked",
        [INSPECT_SHARE_CORRUPT] = "corrupt", [INSPECT_SHARE_ERROR] = "error"};
    return names[share];
}
