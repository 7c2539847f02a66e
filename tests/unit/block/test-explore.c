/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many requests at once on a disk that answers in any order, with errors, short transfers, cancellations, breakpoints, truncation and
 * closing in between, checked against a model.  A run is a seed: what fails once fails again.
 *
 *     BLKSCOPE_EXPLORE_STEPS   steps for each kind of image (a few thousand otherwise)
 *     BLKSCOPE_EXPLORE_SEED    the first seed
 *
 * The model knows of each cell of the image which values it may have.  A write that succeeded rules out those that ended before it
 * began; one that failed, or a discard, rules out nothing but may have happened.  A flush that succeeded must have seen a
 * completed fdatasync that began after the last write which had ended when the flush began.
 */
#include <stdlib.h>

#include "block/blk-internal.h"
#include "harness.h"

enum {
    CELL = 64, /* no two requests share one */
    CELLS = 512,
    SIZE = CELL * CELLS,
    SECTOR = 512,
    WINDOW = 1024,  /* where the image begins in the file, for kinds that say so */
    OPS_MAX = 12,   /* at once */
    STEPS = 4000,   /* by default */
    RUN_STEPS = 500, /* between opening and closing */
};

enum kind { READ, WRITE, ZEROES, DISCARD, FLUSH, TRUNCATE, KINDS };

/* What may stand in a cell, and since when. */
struct value {
    uint8_t byte;
    unsigned began, ended; /* steps of the request it came by; ended 0: not yet */
    unsigned gone;         /* ruled out in this step; 0: not */
    const struct op *op;   /* NULL: ended */
};

struct op {
    struct op *next;
    enum kind kind;
    int first, count; /* cells */
    uint8_t byte;
    unsigned flags;
    unsigned began, dirty; /* step; FLUSH: newest write that had ended by then */
    struct co *co;
    bool done, misaligned;
    int ret;
    uint8_t *buf;
};

static const struct image_kind {
    const char *name;
    const char *options; /* before the name of the file */
    unsigned flags;
    int64_t window;
    enum blk_cache cache;
    bool has_breaks;
} kinds[] = {
    {"raw", "driver=raw,file.driver=file,file.filename=", 0, 0, BLK_CACHE_WRITEBACK, false},
    {"guarded", "file.driver=file,file.filename=", 0, 0, BLK_CACHE_WRITETHROUGH, false},
    {"window", "driver=raw,offset=1024,size=32768,detect-zeroes=unmap,discard=unmap,file.driver=file,file.filename=", 0, WINDOW,
     BLK_CACHE_WRITEBACK, false},
    {"aligned", "driver=raw,file.driver=blkdebug,file.align=4096,file.image.driver=file,file.image.filename=", 0, 0, BLK_CACHE_WRITEBACK,
     true},
    {"pieces",
     "driver=raw,file.driver=blkdebug,file.align=512,file.max-transfer=1024,file.opt-write-zero=2048,file.max-write-zero=4096,"
     "file.opt-discard=2048,file.max-discard=4096,file.image.driver=file,file.image.filename=",
     0, 0, BLK_CACHE_WRITETHROUGH, true},
    {"direct", "driver=raw,file.driver=file,file.filename=", 0, 0, BLK_CACHE_NONE, false},
    {"snapshot", "driver=raw,file.driver=file,file.filename=", BLK_OPEN_SNAPSHOT, 0, BLK_CACHE_WRITEBACK, false},
};

static struct explorer {
    const struct image_kind *kind;
    GRand *rand;
    char *name;
    struct blk *blk;
    unsigned step;
    struct op *ops; /* not yet ended */
    unsigned n_ops;
    GArray *cells[CELLS]; /* struct value */
    GArray *seen;         /* unsigned: in which step each waiting request of the back end was seen first */
    unsigned newest_write, newest_sync; /* step the last write ended in; step in which the newest fdatasync that succeeded began */
    bool resized;         /* since it was opened */
} x;

static int dice(int n)
{
    return g_rand_int_range(x.rand, 0, n);
}

/* ---- the model ---- */

static void model_set(int cell, uint8_t byte)
{
    struct value value = {.byte = byte, .began = x.step, .ended = x.step};
    g_array_set_size(x.cells[cell], 0);
    g_array_append_val(x.cells[cell], value);
}

static void model_begin(const struct op *op)
{
    struct value value = {.byte = op->byte, .began = op->began, .op = op};
    for (int cell = op->first; cell < op->first + op->count; cell++)
        g_array_append_val(x.cells[cell], value);
}

static unsigned oldest_reader(void)
{
    unsigned oldest = x.step;
    for (const struct op *op = x.ops; op; op = op->next) {
        if (op->kind == READ)
            oldest = MIN(oldest, op->began);
    }
    return oldest;
}

/* certain: nothing that ended before it began is there any more. */
static void model_end(const struct op *op, bool certain)
{
    unsigned oldest = oldest_reader();
    for (int cell = op->first; cell < op->first + op->count; cell++) {
        GArray *values = x.cells[cell];
        for (unsigned i = 0; i < values->len;) {
            struct value *value = &g_array_index(values, struct value, i);
            if (value->op == op) {
                value->op = NULL;
                value->ended = x.step;
            } else if (certain && !value->gone && value->ended && value->ended < op->began) {
                value->gone = x.step;
            }
            if (value->gone && value->gone < oldest)
                g_array_remove_index_fast(values, i);
            else
                i++;
        }
    }
}

static bool model_allows(int cell, uint8_t byte, unsigned since)
{
    for (unsigned i = 0; i < x.cells[cell]->len; i++) {
        const struct value *value = &g_array_index(x.cells[cell], struct value, i);
        if (value->byte == byte && (!value->gone || value->gone >= since))
            return true;
    }
    return false;
}

static void check_cells(const uint8_t *bytes, int first, int count, unsigned since, const char *what)
{
    for (int i = 0; i < count; i++) {
        const uint8_t *cell = bytes + i * CELL;
        for (int j = 1; j < CELL; j++) {
            if (cell[j] != cell[0])
                g_error("step %u: %s: cell %d is torn: %02x and %02x", x.step, what, first + i, cell[0], cell[j]);
        }
        if (!model_allows(first + i, cell[0], since))
            g_error("step %u: %s: cell %d holds %02x, which nobody can have left there", x.step, what, first + i, cell[0]);
    }
}

/* ---- requests ---- */

static int run_vector_co(struct op *op)
{
    /* Off by one byte from any alignment, and in three parts. */
    uint8_t *buf = op->buf + op->misaligned;
    int64_t bytes = (int64_t)op->count * CELL, a = bytes / 3, b = bytes / 2;
    struct iovec iov[] = {{buf, a}, {buf + a, b}, {buf + a + b, bytes - a - b}};
    int64_t offset = (int64_t)op->first * CELL;
    return op->kind == READ ? blk_preadv_co(x.blk, offset, iov, 3, op->flags, NULL) : blk_pwritev_co(x.blk, offset, iov, 3, op->flags, NULL);
}

static int run_co(struct op *op)
{
    int64_t offset = (int64_t)op->first * CELL, bytes = (int64_t)op->count * CELL;
    switch (op->kind) {
    case READ:
    case WRITE:
        return run_vector_co(op);
    case ZEROES:
        return blk_pwrite_zeroes_co(x.blk, offset, bytes, op->flags, NULL);
    case DISCARD:
        return blk_pdiscard_co(x.blk, offset, bytes, 0, NULL);
    case FLUSH:
        return blk_flush_co(x.blk, NULL);
    case TRUNCATE:
        return blk_truncate_co(x.blk, offset, BLK_PREALLOC_OFF, NULL, NULL);
    case KINDS:
        break;
    }
    g_assert_not_reached();
}

static void check_end(const struct op *op)
{
    if (op->kind == READ && op->ret == 0)
        check_cells(op->buf + op->misaligned, op->first, op->count, op->began, "read");
    if (op->kind == FLUSH && op->ret == 0 && x.newest_sync < op->dirty)
        g_error("step %u: flushed without an fdatasync since the write that ended in step %u", x.step, op->dirty);
}

/*
 * A durable one has been flushed already; what -s keeps is never flushed; and after a truncation a write may end long after its
 * bytes were written, as it asks for the length again.
 */
static bool waits_for_flush(const struct op *op)
{
    return !x.resized && !(op->flags & BLK_FUA) && x.kind->cache != BLK_CACHE_WRITETHROUGH && !(x.kind->flags & BLK_OPEN_SNAPSHOT);
}

static void op_body(void *data)
{
    struct op *op = data;
    op->ret = run_co(op);
    g_assert_false(op->done);
    op->done = true;
    check_end(op);
    if (op->kind != READ && op->kind != FLUSH)
        model_end(op, op->ret == 0 && (op->kind == WRITE || op->kind == ZEROES));
    if ((op->kind == WRITE || op->kind == ZEROES) && op->ret == 0 && waits_for_flush(op))
        x.newest_write = x.step;
    struct op **link = &x.ops;
    while (*link != op)
        link = &(*link)->next;
    *link = op->next;
    x.n_ops--;
    g_free(op->buf);
    g_free(op);
}

static enum kind choose_kind(void)
{
    static const int weights[KINDS] = {[READ] = 30, [WRITE] = 40, [ZEROES] = 12, [DISCARD] = 6, [FLUSH] = 11, [TRUNCATE] = 1};
    int n = dice(100);
    enum kind kind = READ;
    while (n >= weights[kind])
        n -= weights[kind++];
    return kind;
}

static unsigned choose_flags(enum kind kind)
{
    if (kind == READ)
        return dice(8) == 0 ? BLK_INTERNAL : 0;
    if (kind == WRITE)
        return dice(5) == 0 ? BLK_FUA : 0;
    return kind == ZEROES ? (unsigned[]){0, BLK_MAY_UNMAP, BLK_NO_FALLBACK, BLK_FUA | BLK_MAY_UNMAP}[dice(4)] : 0;
}

static void start_op(void)
{
    struct op *op = g_new0(struct op, 1);
    static uint8_t byte;
    op->kind = choose_kind();
    op->flags = choose_flags(op->kind);
    op->first = dice(CELLS);
    op->count = 1 + dice(dice(4) ? 16 : 200);
    op->count = MIN(op->count, CELLS - op->first);
    /* Zeroes are written now and then, too: some images look for them. */
    op->byte = op->kind == WRITE && dice(10) ? byte = byte % 250 + 1 : 0;
    if (op->kind == TRUNCATE) {
        op->first -= op->first % (SECTOR / CELL);
        op->count = CELLS - op->first;
        x.resized = true;
    }
    op->began = x.step;
    op->dirty = x.newest_write;
    op->misaligned = dice(2);
    op->buf = g_malloc((size_t)op->count * CELL + 1);
    memset(op->buf, op->kind == READ ? 0xff : op->byte, (size_t)op->count * CELL + 1);
    op->next = x.ops;
    x.ops = op;
    x.n_ops++;
    if (op->kind != READ && op->kind != FLUSH)
        model_begin(op);
    /* The handle is of use only while it runs: op is gone when NULL comes back. */
    struct co *co = co_start(op_body, op);
    if (co)
        op->co = co;
}

/* ---- the disk ---- */

static void note_new_requests(void)
{
    while (x.seen->len < aio_manual_count(harness_aio))
        g_array_append_val(x.seen, x.step);
}

static void turn(void)
{
    note_new_requests();
    while (g_main_context_iteration(NULL, FALSE))
        note_new_requests();
    note_new_requests();
}

static int choose_error(enum aio_op op)
{
    static const int errors[] = {-EIO, -ENOSPC, -EDQUOT, -EOPNOTSUPP};
    return errors[dice(op == AIO_FALLOCATE ? 4 : 3)];
}

static void answer(unsigned errors_in_a_thousand)
{
    unsigned index = dice(aio_manual_count(harness_aio));
    struct aio_manual_view view = aio_manual_peek(harness_aio, index);
    unsigned began = g_array_index(x.seen, unsigned, index);
    g_array_remove_index(x.seen, index);
    if (view.op != AIO_CALL && (unsigned)dice(1000) < errors_in_a_thousand) {
        aio_manual_complete(harness_aio, index, choose_error(view.op));
        return;
    }
    /* What is short comes to an end between cells, as on a disk between sectors. */
    if ((view.op == AIO_READ || view.op == AIO_WRITE) && errors_in_a_thousand && view.bytes > SECTOR && dice(10) == 0) {
        aio_manual_complete_short(harness_aio, index, (1 + dice(view.bytes / SECTOR)) * SECTOR);
        return;
    }
    aio_manual_complete(harness_aio, index, 0);
    if (view.op == AIO_FSYNC)
        x.newest_sync = MAX(x.newest_sync, began);
}

static void answer_all(void)
{
    for (turn(); aio_manual_count(harness_aio); turn())
        answer(0);
}

/* ---- opening, closing, and what must be true then ---- */

static void open_body(void *data)
{
    g_autofree char *options = g_strconcat(x.kind->options, x.name, NULL);
    unsigned flags = BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP | x.kind->flags;
    int ret = harness_try_open_co(NULL, NULL, options, flags, x.kind->cache, &x.blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
}

static void close_body(void *data)
{
    blk_close_co(g_steal_pointer(&x.blk), NULL);
    *(bool *)data = true;
    g_assert_cmpuint(x.n_ops, ==, 0);
}

static void open_image(void)
{
    co_start(open_body, NULL);
    answer_all();
    g_assert_nonnull(x.blk);
    if (blk_length(x.blk) != SIZE) {
        struct stat st;
        g_assert_cmpint(stat(x.name, &st), ==, 0);
        g_error("step %u: opened with a size of %" G_GINT64_FORMAT, x.step, blk_length(x.blk));
    }
}

static void check_file(void)
{
    g_autofree uint8_t *bytes = g_malloc0(SIZE);
    int fd = open(x.name, O_RDONLY);
    ssize_t n = pread(fd, bytes, SIZE, x.kind->window);
    g_assert_cmpint(n, >=, 0);
    close(fd);
    check_cells(bytes, 0, CELLS, x.step, "file");
    for (int cell = 0; cell < CELLS; cell++)
        model_set(cell, bytes[cell * CELL]);
    g_assert_cmpint(truncate(x.name, SIZE + x.kind->window), ==, 0);
}

static void close_image(void)
{
    bool closed = false;
    co_start(close_body, &closed);
    answer_all();
    g_assert_true(closed);
    g_assert_cmpuint(co_live(), ==, 0);
    g_assert_cmpuint(aio_in_flight(harness_aio), ==, 0);
    x.step++;
    if (x.kind->flags & BLK_OPEN_SNAPSHOT) {
        /* Nothing of it was written. */
        for (int cell = 0; cell < CELLS; cell++)
            model_set(cell, 0);
    }
    check_file();
    x.newest_write = x.newest_sync = 0;
    x.resized = false;
}

static void check_registry(void)
{
    unsigned listed = 0;
    for (const struct op *op = x.ops; op; op = op->next)
        listed += !(op->flags & BLK_INTERNAL);
    g_assert_cmpuint(blk_requests(x.blk)->length, ==, listed);
}

/* ---- the run ---- */

static void disturb(void)
{
    static const char *const events[] = {"pwritev", "pwritev_rmw_after_head", "pwritev_rmw_after_tail", "pwritev_zero", "write_aio",
                                         "flush_to_disk", "read_aio"};
    switch (dice(3)) {
    case 0:
        for (struct op *op = x.ops; op; op = op->next) {
            if (op->co && dice(4) == 0) {
                co_cancel(op->co);
                return;
            }
        }
        break;
    case 1:
        if (x.kind->has_breaks)
            blk_break(x.blk, events[dice(G_N_ELEMENTS(events))], dice(2) ? "A" : "B");
        break;
    case 2:
        if (x.kind->has_breaks)
            blk_remove_break(x.blk, dice(2) ? "A" : "B");
        break;
    }
}

static void step(void)
{
    x.step++;
    unsigned waiting = aio_manual_count(harness_aio);
    int n = dice(100);
    if (n < 4)
        disturb();
    else if (waiting && (n < 55 || x.n_ops == OPS_MAX))
        answer(15);
    else if (x.n_ops < OPS_MAX)
        start_op();
    else if (x.kind->has_breaks)
        blk_remove_break(x.blk, dice(2) ? "A" : "B");
    turn();
    check_registry();
}

/* Without breakpoints, everything under way ends once the disk has answered. */
static void settle(void)
{
    if (x.kind->has_breaks) {
        blk_remove_break(x.blk, "A");
        blk_remove_break(x.blk, "B");
        turn();
        blk_remove_break(x.blk, "A");
        blk_remove_break(x.blk, "B");
    }
    answer_all();
    x.step++;
    g_assert_cmpuint(x.n_ops, ==, 0);
    g_assert_cmpuint(blk_requests(x.blk)->length, ==, 0);
    struct stat st;
    g_assert_cmpint(stat(x.name, &st), ==, 0);
    if (!x.kind->window && !(x.kind->flags & BLK_OPEN_SNAPSHOT))
        g_assert_cmpint(blk_length(x.blk), ==, (st.st_size + SECTOR - 1) / SECTOR * SECTOR);
}

static unsigned setting(const char *name, unsigned fallback)
{
    const char *text = g_getenv(name);
    return text ? strtoul(text, NULL, 0) : fallback;
}

static void explore(gconstpointer data)
{
    unsigned steps = setting("BLKSCOPE_EXPLORE_STEPS", STEPS), seed = setting("BLKSCOPE_EXPLORE_SEED", 1);
    x = (struct explorer){.kind = data, .name = harness_file(SIZE + ((const struct image_kind *)data)->window), .step = 1};
    x.seen = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (int cell = 0; cell < CELLS; cell++) {
        x.cells[cell] = g_array_new(FALSE, FALSE, sizeof(struct value));
        model_set(cell, 0);
    }
    for (unsigned done = 0; done < steps; done += RUN_STEPS, seed++) {
        g_test_message("seed %u", seed);
        x.rand = g_rand_new_with_seed(seed);
        open_image();
        for (int i = 0; i < RUN_STEPS; i++)
            step();
        if (dice(2))
            settle();
        close_image();
        g_rand_free(x.rand);
    }
    for (int cell = 0; cell < CELLS; cell++)
        g_array_unref(x.cells[cell]);
    g_array_unref(x.seen);
    harness_remove(x.name);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
    harness_aio = aio_new("manual", NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/block/explore/%s", kinds[i].name);
        g_test_add_data_func(path, &kinds[i], explore);
    }
    int ret = g_test_run();
    aio_free(harness_aio);
    co_done();
    return ret;
}
