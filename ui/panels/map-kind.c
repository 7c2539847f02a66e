/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-kind.h"

#include <glib.h>

static const struct map_kind_info guest_kinds[MAP_GUEST_KINDS] = {
    [MAP_DATA] = {"data", ROLE_KIND_DATA, .full = true, .whole = 'D', .some = 'd'},
    [MAP_ZERO_PLAIN] = {"zero", ROLE_KIND_ZERO, .empty = 0xb7, .empty_ascii = '.', .whole = '.', .some = 'z'},
    [MAP_ZERO_ALLOCATED] = {"zero-allocated", ROLE_KIND_ZERO_ALLOCATED, .empty = '-', .empty_ascii = '-', .whole = '-',
                            .some = 'a'},
    [MAP_COMPRESSED] = {"compressed", ROLE_KIND_COMPRESSED, .full = true, .whole = 'C', .some = 'c'},
    [MAP_UNALLOCATED] = {"unallocated", ROLE_KIND_UNALLOCATED, .empty = ' ', .empty_ascii = ' ', .whole = ' ', .some = 'u'},
    [MAP_MISSING] = {"missing", ROLE_KIND_UNKNOWN, .rank = 1, .whole = 'M', .some = 'm', .mark = 'M'},
    [MAP_BACKING] = {"backing", ROLE_KIND_MIXED, .full = true, .whole = 'B', .some = 'b'},
    [MAP_BACKING_2] = {"backing 2", ROLE_KIND_MIXED, .full = true, .whole = '2', .some = '2', .mark = '2'},
    [MAP_BACKING_3] = {"backing 3", ROLE_KIND_MIXED, .full = true, .whole = '3', .some = '3', .mark = '3'},
    [MAP_BACKING_DEEPER] = {"backing 4+", ROLE_KIND_MIXED, .full = true, .whole = '4', .some = '4', .mark = '4'},
    [MAP_ERROR] = {"error", ROLE_KIND_ERROR, .rank = 3, .whole = '!', .some = '!', .mark = '!'},
};

static const struct map_kind_info host_kinds[MAP_HOST_KINDS] = {
    [MAP_HOST_DATA] = {"data", ROLE_KIND_DATA, .full = true, .whole = 'D', .some = 'd'},
    [MAP_HOST_COMPRESSED] = {"compressed", ROLE_KIND_COMPRESSED, .full = true, .whole = 'C', .some = 'c'},
    [MAP_HOST_SNAPSHOT] = {"snapshot", ROLE_KIND_MIXED, .full = true, .whole = 'S', .some = 's'},
    [MAP_HOST_BITMAP] = {"bitmap", ROLE_KIND_ZERO_ALLOCATED, .full = true, .whole = 'B', .some = 'b', .mark = 'B'},
    [MAP_HOST_HEADER] = {"header", ROLE_STRONG, .full = true, .whole = 'H', .some = 'h', .mark = 'H'},
    [MAP_HOST_REFCOUNT] = {"refcounts", ROLE_NOTE, .full = true, .whole = 'R', .some = 'r', .mark = 'R'},
    [MAP_HOST_L1] = {"L1", ROLE_STRONG, .full = true, .whole = '1', .some = '1', .mark = '1'},
    [MAP_HOST_L2] = {"L2", ROLE_STRONG, .full = true, .whole = '2', .some = '2', .mark = '2'},
    [MAP_HOST_FREE] = {"free", ROLE_KIND_UNALLOCATED, .empty = 0xb7, .empty_ascii = '.', .whole = '.', .some = 'f'},
    [MAP_HOST_LEAKED] = {"leaked", ROLE_WARNING, .full = true, .rank = 1, .whole = 'X', .some = 'x', .mark = 'X'},
    [MAP_HOST_CORRUPT] = {"corrupt", ROLE_KIND_ERROR, .full = true, .rank = 2, .whole = '!', .some = '!', .mark = '!'},
    [MAP_HOST_ERROR] = {"error", ROLE_KIND_ERROR, .rank = 3, .whole = '!', .some = '!', .mark = '!'},
};

const struct map_space map_space_guest = {"guest", guest_kinds, MAP_GUEST_KINDS, MAP_ERROR};
const struct map_space map_space_host = {"host", host_kinds, MAP_HOST_KINDS, MAP_HOST_ERROR};

const char *map_kind_name(enum map_kind kind)
{
    return guest_kinds[kind].name;
}

enum map_kind map_kind_of(const struct blk_extent *extent)
{
    return (enum map_kind)blk_share_of(extent);
}

enum map_host_kind map_host_kind_of(const struct inspect_host_run *run)
{
    return (enum map_host_kind)inspect_share_of(run);
}
