/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches of requests at once on a disk that answers in any order, with errors (some of which tell of writes that did reach it), short
 * transfers and cancellations, on images of every kind; growing, shrinking, flushing and opening anew between them.  No metadata is ever
 * corrupt; without errors nothing is leaked; each cell has a value that some request may have left there.  A run is a seed.
 *
 *     BLKSCOPE_EXPLORE_STEPS   batches for each kind of image (a few otherwise)
 *     BLKSCOPE_EXPLORE_SEED    the first seed
 */
#include <stdlib.h>

#include "block/create.h"
#include "block/inspect.h"
#include "harness.h"

enum {
    CELL = 256, /* no two requests share one */
    CELLS = 4096,
    SIZE = CELL * CELLS,
    OPS_MAX = 12,
    BATCHES = 12,    /* by default, of one image */
    RUN_BATCHES = 8, /* between opening and closing */
};

static const struct image_kind {
    const char *name;
    int cluster;
    const char *create;  /* other options */
    const char *open;    /* before the name of the file */
    enum blk_cache cache;
    bool backing;
} kinds[] = {
    {"usual", 65536, "", "driver=qcow2,discard=unmap,", BLK_CACHE_WRITEBACK, false},
    {"small", 512, "refcount_bits=64", "driver=qcow2,discard=unmap,", BLK_CACHE_WRITEBACK, false},
    {"small caches", 512, "refcount_bits=1", "driver=qcow2,l2-cache-size=1024,refcount-cache-size=2048,", BLK_CACHE_WRITETHROUGH, true},
    {"backing", 4096, "", "driver=qcow2,", BLK_CACHE_WRITEBACK, true},
    {"extended", 16384, "extended_l2=on", "driver=qcow2,discard=unmap,", BLK_CACHE_WRITEBACK, true},
    {"lazy", 1024, "lazy_refcounts=on", "driver=qcow2,", BLK_CACHE_WRITEBACK, false},
    {"version 2", 2048, "compat=0.10", "driver=qcow2,discard=unmap,", BLK_CACHE_WRITEBACK, true},
    {"data file", 4096, "data_file=", "driver=qcow2,discard=unmap,", BLK_CACHE_WRITEBACK, false},
    {"aligned", 512, "refcount_bits=32", "driver=qcow2,file.driver=blkdebug,file.align=4096,file.image.driver=file,", BLK_CACHE_WRITEBACK, false},
};

enum kind { READ, WRITE, ZEROES, UNMAP, COMPRESSED, DISCARD, FLUSH, KINDS };

struct op {
    enum kind kind;
    int first, count; /* cells */
    uint8_t byte;
    int ret;
    bool done;
    struct co *co;
    uint8_t *buf;
};

static struct explorer {
    const struct image_kind *kind;
    GRand *rand;
    char *name, *base;
    struct blk *blk;
    unsigned errors; /* in a thousand */
    bool failed;     /* something may be leaked */
    int cells;       /* of the disk */
    uint64_t allowed[CELLS][4]; /* values: bits */
    struct op ops[OPS_MAX];
    unsigned n;
} x;

static int dice(int n)
{
    return g_rand_int_range(x.rand, 0, n);
}

static void allow(int cell, uint8_t byte)
{
    x.allowed[cell][byte / 64] |= UINT64_C(1) << byte % 64;
}

static bool is_allowed(int cell, uint8_t byte)
{
    return x.allowed[cell][byte / 64] >> byte % 64 & 1;
}

static void set_cell(int cell, uint8_t byte)
{
    memset(x.allowed[cell], 0, sizeof(x.allowed[cell]));
    allow(cell, byte);
}

/* ---- the disk ---- */

static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void answer(void)
{
    static const int errors[] = {-EIO, -ENOSPC};
    unsigned index = dice(aio_manual_count(harness_aio));
    struct aio_manual_view view = aio_manual_peek(harness_aio, index);
    if (view.op == AIO_CALL || (unsigned)dice(1000) >= x.errors) {
        if (x.errors && (view.op == AIO_READ || view.op == AIO_WRITE) && view.bytes > 512 && dice(20) == 0)
            aio_manual_complete_short(harness_aio, index, (1 + dice(view.bytes / 512)) * 512);
        else
            aio_manual_complete(harness_aio, index, 0);
        return;
    }
    x.failed = true;
    if (view.op == AIO_WRITE && dice(2))
        aio_manual_complete_failing(harness_aio, index, errors[dice(2)]);
    else
        aio_manual_complete(harness_aio, index, errors[dice(2)]);
}

static void answer_all(void)
{
    for (turn(); aio_manual_count(harness_aio); turn())
        answer();
}

static void run(co_fn *fn, void *data)
{
    co_start(fn, data);
    answer_all();
    g_assert_cmpuint(co_live(), ==, 0);
    g_assert_cmpuint(aio_in_flight(harness_aio), ==, 0);
}

/* ---- requests ---- */

static void op_body(void *data)
{
    struct op *op = data;
    int64_t offset = op->first * (int64_t)CELL, bytes = op->count * (int64_t)CELL;
    struct iovec iov = {op->buf, bytes};
    switch (op->kind) {
    case READ:
        op->ret = blk_preadv_co(x.blk, offset, &iov, 1, 0, "read");
        break;
    case WRITE:
        op->ret = blk_pwritev_co(x.blk, offset, &iov, 1, dice(6) ? 0 : BLK_FUA, "write");
        break;
    case ZEROES:
        op->ret = blk_pwrite_zeroes_co(x.blk, offset, bytes, 0, "zero");
        break;
    case UNMAP:
        op->ret = blk_pwrite_zeroes_co(x.blk, offset, bytes, BLK_MAY_UNMAP, "zero");
        break;
    case COMPRESSED:
        op->ret = blk_pwrite_compressed_co(x.blk, offset, op->buf, bytes, "write");
        break;
    case DISCARD:
        op->ret = blk_pdiscard_co(x.blk, offset, bytes, 0, "discard");
        break;
    default:
        op->ret = blk_flush_co(x.blk, "flush");
        break;
    }
    op->done = true;
}

static void choose(struct op *op)
{
    static const int lengths[] = {1, 1, 2, 4, 16, 64, 300};
    *op = (struct op){.kind = dice(KINDS + 3) % KINDS, .byte = 1 + dice(255)};
    op->kind = op->kind > FLUSH ? WRITE : op->kind;
    int count = 1 + dice(lengths[dice(G_N_ELEMENTS(lengths))]), near = x.cells / 2 + dice(64);
    op->count = MIN(count, x.cells);
    op->first = dice(2) ? dice(x.cells - op->count + 1) : MIN(near, x.cells - op->count);
    if (op->kind == COMPRESSED) { /* whole clusters */
        int per_cluster = x.kind->cluster / CELL;
        op->first = op->first / per_cluster * per_cluster;
        op->count = MIN(per_cluster, x.cells - op->first);
    }
    if (op->kind != WRITE && op->kind != COMPRESSED)
        op->byte = 0;
    op->buf = g_malloc(op->count * CELL);
    memset(op->buf, op->byte, op->count * CELL);
}

static bool writes(const struct op *op)
{
    return op->kind != READ && op->kind != FLUSH;
}

/* What may be in the cells while the batch runs, for reads; what is there afterwards. */
static void allow_all(void)
{
    for (unsigned i = 0; i < x.n; i++) {
        const struct op *op = &x.ops[i];
        for (int cell = op->first; writes(op) && cell < op->first + op->count; cell++)
            allow(cell, op->byte);
    }
}

static void rule_out(void)
{
    g_autofree bool *seen = g_new0(bool, CELLS);
    for (unsigned i = 0; i < x.n; i++) {
        const struct op *op = &x.ops[i];
        if (!writes(op) || op->ret < 0 || op->kind == DISCARD)
            continue;
        for (int cell = op->first; cell < op->first + op->count; cell++) {
            if (!seen[cell])
                memset(x.allowed[cell], 0, sizeof(x.allowed[cell]));
            seen[cell] = true;
        }
    }
    allow_all();
}

static void check_bytes(const uint8_t *bytes, int first, int count, const char *who)
{
    for (int i = 0; i < count * CELL; i++) {
        if (!is_allowed(first + i / CELL, bytes[i]))
            g_error("%s: cell %d holds %02x", who, first + i / CELL, bytes[i]);
    }
}

static void batch(void)
{
    x.n = 1 + dice(OPS_MAX);
    for (unsigned i = 0; i < x.n; i++)
        choose(&x.ops[i]);
    allow_all();
    for (unsigned i = 0; i < x.n; i++) {
        struct co *co = co_start(op_body, &x.ops[i]);
        x.ops[i].co = x.ops[i].done ? NULL : co;
        for (turn(); aio_manual_count(harness_aio) && dice(3); turn())
            answer();
    }
    for (turn(); aio_manual_count(harness_aio); turn()) {
        struct op *op = &x.ops[dice(x.n)];
        if (x.errors && !op->done && op->co && dice(40) == 0)
            co_cancel(op->co);
        else
            answer();
    }
    for (unsigned i = 0; i < x.n; i++) {
        g_assert_true(x.ops[i].done);
        if (!x.errors && x.ops[i].kind != COMPRESSED && x.ops[i].ret < 0)
            g_error("kind %d of cells %d+%d, disk of %d: %s", x.ops[i].kind, x.ops[i].first, x.ops[i].count, x.cells, g_strerror(-x.ops[i].ret));
        if (x.ops[i].kind == READ && x.ops[i].ret == 0)
            check_bytes(x.ops[i].buf, x.ops[i].first, x.ops[i].count, "read");
    }
    rule_out();
    for (unsigned i = 0; i < x.n; i++)
        g_free(x.ops[i].buf);
}

/* ---- the image ---- */

static void create_body(void *data)
{
    g_autoptr(options) options = options_new();
    bool external = g_str_has_suffix(x.kind->create, "data_file=");
    g_autofree char *text = g_strdup_printf("cluster_size=%d%s%s%s%s", x.kind->cluster, *x.kind->create ? "," : "", x.kind->create,
                                            external ? x.name : "", external ? ".data" : "");
    GError *error = NULL;
    g_assert_true(options_parse(options, text, NULL, &error));
    struct blk_create how = {
        .filename = x.name,
        .format = "qcow2",
        .options = options,
        .backing = x.kind->backing ? x.base : NULL,
        .backing_format = x.kind->backing ? "raw" : NULL,
        .size = SIZE,
        .replace = true,
        .aio = harness_aio,
    };
    blk_create_co(&how, &error);
    g_assert_no_error(error);
}

static void open_body(void *data)
{
    bool nested = strstr(x.kind->open, "file.image");
    g_autofree char *options = g_strconcat(x.kind->open, nested ? "file.image.filename=" : "file.driver=file,file.filename=", x.name, NULL);
    int ret = harness_try_open_co(NULL, NULL, options, BLK_OPEN_WRITABLE, x.kind->cache, &x.blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
}

static void close_body(void *data)
{
    int ret = blk_close_co(g_steal_pointer(&x.blk), NULL);
    if (!x.errors)
        g_assert_cmpint(ret, ==, 0);
}

static void flush_body(void *data)
{
    *(int *)data = blk_flush_co(x.blk, "flush");
}

static int show_problem(void *data, const struct inspect_problem *problem)
{
    g_test_message("%s", problem->text);
    return 0;
}

/* Refcounts of a lazy image that was left dirty mean nothing before it is repaired: that is what opening it writable does. */
/* What was discarded may be gone in the file before the entry that names it is: compressed data is not to be read then. */
static void check_cell_co(struct blk *blk, int cell, bool kept)
{
    uint8_t bytes[CELL];
    int ret = harness_read_co(blk, cell * (int64_t)CELL, CELL, bytes);
    if (ret < 0) {
        g_assert_true(x.failed && is_allowed(cell, 0));
        memset(x.allowed[cell], 0xff, sizeof(x.allowed[cell]));
        return;
    }
    if (kept)
        check_bytes(bytes, cell, 1, "file");
    set_cell(cell, bytes[0]);
}

static void check_body(void *data)
{
    bool kept = *(const bool *)data;
    struct inspect_check check;
    struct blk *blk = harness_open_co(x.name, "qcow2", strstr(x.kind->name, "lazy") ? BLK_OPEN_WRITABLE : 0);
    g_assert_cmpint(inspect_check_co(blk, show_problem, NULL, &check), ==, 0);
    g_assert_cmpint(check.check_errors + check.corruptions, ==, 0);
    if (!x.failed)
        g_assert_cmpint(check.leaks, ==, 0);
    int cells = blk_length(blk) / CELL;
    g_assert_cmpint(cells, <=, CELLS);
    if (kept)
        g_assert_cmpint(cells, ==, x.cells);
    for (int cell = 0; cell < cells; cell++)
        check_cell_co(blk, cell, kept);
    for (int cell = cells; cell < CELLS; cell++)
        set_cell(cell, 0);
    x.cells = cells;
    harness_close_co(blk);
}

static void truncate_body(void *data)
{
    int cells = 2 * (1 + dice(CELLS / 2)), before = x.cells;
    g_autoptr(GError) error = NULL;
    int ret = blk_truncate_co(x.blk, cells * (int64_t)CELL, BLK_PREALLOC_OFF, "truncate", &error);
    /* Neither version 2 nor, of a part, a compressed cluster can say that what the backing file has is not there any more. */
    bool can_tell = !x.kind->backing || !(strstr(x.kind->create, "0.10") || strstr(x.kind->create, "extended_l2"));
    if (!x.errors && (ret != -ENOTSUP || can_tell))
        g_assert_no_error(error);
    x.cells = blk_length(x.blk) / CELL;
    for (int cell = x.cells; cell < CELLS; cell++)
        set_cell(cell, 0);
    /* What a unit that is used in part only holds behind the end comes up again. */
    for (int cell = before; ret == 0 && cell < MIN(x.cells, (before * CELL + x.kind->cluster - 1) / x.kind->cluster * x.kind->cluster / CELL); cell++)
        memset(x.allowed[cell], 0xff, sizeof(x.allowed[cell]));
    /* Where shrinking failed, it may have happened for a part. */
    for (int cell = MIN(cells, before); ret < 0 && cell < MAX(cells, before); cell++) {
        memset(x.allowed[cell], 0xff, sizeof(x.allowed[cell]));
    }
}

/* A last flush without errors that says that all is there makes a promise. */
static void close_image(void)
{
    unsigned errors = x.errors;
    int flushed = 0;
    x.errors = 0;
    run(flush_body, &flushed);
    x.errors = errors;
    run(close_body, NULL);
    x.errors = 0;
    bool kept = flushed == 0;
    run(check_body, &kept);
    x.errors = errors;
}

static void new_image(void)
{
    unsigned errors = x.errors;
    x.errors = 0;
    run(create_body, NULL);
    x.errors = errors;
    x.failed = false;
    x.cells = CELLS;
    for (int cell = 0; cell < CELLS; cell++)
        set_cell(cell, x.kind->backing ? 1 + cell % 200 : 0);
}

static void explore(unsigned seed, unsigned batches)
{
    x.rand = g_rand_new_with_seed(seed);
    x.errors = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 10 : 60;
    new_image();
    for (unsigned i = 0; i < batches; i++) {
        if (!x.blk) {
            unsigned errors = x.errors;
            x.errors = 0;
            run(open_body, NULL);
            x.errors = errors;
        }
        batch();
        if (dice(6) == 0)
            run(truncate_body, NULL);
        if (i % RUN_BATCHES == RUN_BATCHES - 1 || i == batches - 1)
            close_image();
    }
    g_clear_pointer(&x.rand, g_rand_free);
}

static void test_kind(gconstpointer kind)
{
    const char *steps = g_getenv("BLKSCOPE_EXPLORE_STEPS"), *first = g_getenv("BLKSCOPE_EXPLORE_SEED");
    unsigned seed = first ? strtoul(first, NULL, 10) : 1, runs = steps ? MAX(1, strtoul(steps, NULL, 10) / BATCHES) : 6;
    g_autofree uint8_t *bytes = g_malloc(SIZE);
    for (int cell = 0; cell < CELLS; cell++)
        memset(bytes + cell * CELL, 1 + cell % 200, CELL);
    x.kind = kind;
    x.name = harness_file(0);
    x.base = harness_file(0);
    g_assert_true(g_file_set_contents(x.base, (const char *)bytes, SIZE, NULL));
    for (unsigned i = 0; i < runs; i++) {
        g_test_message("%s: BLKSCOPE_EXPLORE_SEED=%u", x.kind->name, seed + i);
        explore(seed + i, BATCHES);
    }
    g_autofree char *data = g_strconcat(x.name, ".data", NULL);
    g_unlink(data);
    harness_remove(x.name);
    harness_remove(x.base);
}

static void add(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strconcat("/block/qcow2/explore/", kinds[i].name, NULL);
        g_test_add_data_func(path, &kinds[i], test_kind);
    }
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "manual", add);
}
