/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/inspect.h"

#include <errno.h>
#include <inttypes.h>

#include "block/blk-internal.h"

/* The topmost node with a structure, NULL for none. */
static struct node *find_node(struct node *node)
{
    while (node && !node->driver->inspect && (node->driver->flags & DRIVER_FILTER))
        node = node->file;
    return node && node->driver->inspect ? node : NULL;
}

/* Passes the gate to that node: blk_leave() afterwards.  -ENOTSUP: there is none. */
static int enter_co(struct blk *blk, struct node **ret_node)
{
    if (!find_node(blk->root))
        return -ENOTSUP;
    int ret = blk_enter_co(blk);
    *ret_node = find_node(blk->root);
    return ret;
}

/* ret, after the gate. */
static int leave(struct blk *blk, int ret)
{
    blk_leave(blk);
    return ret;
}

void inspect_look_begin(struct blk *blk, struct inspect_look *look)
{
    registry_look_begin(&blk->registry, &look->request);
}

void inspect_look_end(struct blk *blk, struct inspect_look *look)
{
    registry_look_end(&blk->registry, &look->request);
}

const char *inspect_role_name(enum inspect_role role)
{
    static const char *const names[INSPECT_ROLE_COUNT] = {
        [INSPECT_HEADER] = "header",
        [INSPECT_REFCOUNT_TABLE] = "refcount table",
        [INSPECT_REFCOUNT_BLOCK] = "refcount block",
        [INSPECT_L1] = "L1 table",
        [INSPECT_L2] = "L2 table",
        [INSPECT_DATA] = "data",
        [INSPECT_COMPRESSED] = "compressed data",
        [INSPECT_SNAPSHOT_TABLE] = "snapshot table",
        [INSPECT_BITMAP_DIRECTORY] = "bitmap directory",
        [INSPECT_BITMAP_TABLE] = "bitmap table",
        [INSPECT_BITMAP_DATA] = "bitmap data",
        [INSPECT_CRYPTO] = "encryption header",
    };
    return names[role];
}

int inspect_check_status(const struct inspect_check *check)
{
    return check->check_errors ? 1 : check->corruptions ? 2 : check->leaks ? 3 : 0;
}

int inspect_check_co(struct blk *blk, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check)
{
    struct node *node;
    int ret = enter_co(blk, &node);
    return ret < 0 ? ret : leave(blk, node->driver->inspect->check_co(node, fn, data, ret_check));
}

int inspect_repair_co(struct blk *blk, enum inspect_fix fix, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check)
{
    if (!find_node(blk->root))
        return -ENOTSUP;
    /* What a write has taken and not named yet would be a leak, and who reads a table just then would keep what it was. */
    int ret = blk_quiesce_begin_co(blk);
    if (ret < 0)
        return ret;
    struct node *node = find_node(blk->root);
    blk->registry.repairing = true;
    ret = node->driver->inspect->repair_co(node, fix, fn, data, ret_check);
    blk->registry.repairing = false;
    blk_quiesce_end(blk);
    return ret;
}

int inspect_host_map_co(struct blk *blk, inspect_host_fn *fn, void *data)
{
    struct node *node;
    int ret = enter_co(blk, &node);
    return ret < 0 ? ret : leave(blk, node->driver->inspect->host_map_co(node, fn, data));
}

int64_t inspect_host_size(const struct blk *blk)
{
    const struct node *node = find_node(blk->root);
    return node ? node->file->size : -ENOTSUP;
}

int inspect_explain_host_co(struct blk *blk, int64_t host, inspect_owner_fn *fn, void *data, uint64_t *ret_refcount)
{
    struct node *node;
    int ret = enter_co(blk, &node);
    return ret < 0 ? ret : leave(blk, node->driver->inspect->explain_host_co(node, host, fn, data, ret_refcount));
}

int inspect_owners_co(struct blk *blk, const int64_t *hosts, unsigned count, inspect_owners_fn *fn, void *data)
{
    struct node *node;
    int ret = enter_co(blk, &node);
    return ret < 0 ? ret : leave(blk, node->driver->inspect->owners_co(node, hosts, count, fn, data));
}

/* Nodes without a structure of their own: what their status says. */
static int explain_plain_co(struct node *node, int64_t offset, int depth, inspect_step_fn *fn, void *data, struct node **ret_next,
                            int64_t *ret_offset)
{
    struct node_status status;
    *ret_next = NULL;
    if (offset >= node->size)
        return fn(data, &(struct inspect_step){depth, node->filename, "end", "past the end of this layer: zeroes", -1});
    int ret = node_status_co(node, offset, 1, NODE_STATUS_WANT_HOLES, &status);
    if (ret < 0)
        return ret;
    if (status.via == NODE_STATUS_PASS) {
        *ret_next = status.child;
        *ret_offset = status.child_offset;
        return 0;
    }
    bool here = status.via == NODE_STATUS_HOST;
    g_autofree char *text = here ? g_strdup_printf("byte %#" PRIx64 " of the file", status.child_offset) : g_strdup("a hole: zeroes");
    return fn(data, &(struct inspect_step){depth, node->filename, here ? "file" : "hole", text, here ? status.child_offset : -1});
}

int inspect_explain_co(struct blk *blk, int64_t offset, inspect_step_fn *fn, void *data)
{
    struct node *node;
    int depth = 0, ret = enter_co(blk, &node);
    if (ret < 0)
        return ret;
    node = blk->root;
    ret = offset < 0 || offset >= node->size ? -EIO : 0;
    while (node && ret == 0) {
        const struct inspect_ops *inspect = node->driver->inspect;
        struct node *next = NULL;
        if (inspect && offset < node->size) {
            ret = inspect->explain_co(node, offset, depth, fn, data, &next, &offset);
            depth += next != node->file;
        } else {
            ret = explain_plain_co(node, offset, depth, fn, data, &next, &offset);
        }
        node = next;
    }
    return leave(blk, ret);
}

int inspect_snapshots(struct blk *blk, inspect_snapshot_fn *fn, void *data)
{
    struct node *node = find_node(blk->root);
    return node ? node->driver->inspect->snapshots(node, fn, data) : -ENOTSUP;
}

/* The node whose bitmaps are meant: a format's own, or those that a server keeps of all that is shown. */
static struct node *find_keeper(struct node *node)
{
    while (node && !node->driver->inspect && !node->driver->bitmaps_co) {
        bool shows_all = (node->driver->flags & DRIVER_FILTER) || (node->driver == &driver_raw && node->file->size <= node->size);
        node = shows_all ? node->file : NULL;
    }
    return node;
}

static int enter_keeper_co(struct blk *blk, struct node **ret_node)
{
    int ret = find_keeper(blk->root) ? blk_enter_co(blk) : -ENOTSUP;
    *ret_node = find_keeper(blk->root);
    return ret;
}

char **inspect_bitmap_names(struct blk *blk)
{
    struct node *node = find_node(blk->root);
    return node ? node->driver->inspect->bitmap_names(node) : g_new0(char *, 1);
}

int inspect_bitmaps_co(struct blk *blk, inspect_bitmap_fn *fn, void *data)
{
    struct node *node;
    int ret = enter_keeper_co(blk, &node);
    if (ret < 0)
        return ret;
    const struct driver *driver = node->driver;
    return leave(blk, (driver->inspect ? driver->inspect->bitmaps_co : driver->bitmaps_co)(node, fn, data));
}

int inspect_bitmap_co(struct blk *blk, const char *name, inspect_dirty_fn *fn, void *data)
{
    struct node *node;
    int ret = enter_keeper_co(blk, &node);
    if (ret < 0)
        return ret;
    const struct driver *driver = node->driver;
    return leave(blk, (driver->inspect ? driver->inspect->bitmap_co : driver->bitmap_co)(node, name, fn, data));
}

int inspect_add_dirty(void *data, int64_t offset, int64_t bytes)
{
    *(int64_t *)data += bytes;
    return 0;
}

int inspect_header_co(struct blk *blk, inspect_field_fn *fn, void *data)
{
    const struct driver *driver;
    int ret = blk_enter_co(blk);
    if (ret < 0)
        return ret;
    struct node *node = find_node(blk->root), *file = node ? node->file : blk->root;
    ret = -ENOTSUP;
    for (unsigned i = 0; ret == -ENOTSUP && (driver = driver_at(i)); i++)
        if (driver->inspect)
            ret = driver->inspect->header_co(file, fn, data);
    return leave(blk, ret);
}

int inspect_settle_co(struct blk *blk)
{
    struct node *node;
    int ret = enter_co(blk, &node);
    return ret == -ENOTSUP ? 0 : ret < 0 ? ret : leave(blk, node->driver->inspect->settle_co(node));
}
