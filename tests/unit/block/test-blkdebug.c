/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "block/blkdebug_rules.h"
#include "block/debug.h"

static char *small; /* a file of 1 MiB */

#define RULE "file.inject-error.0."
#define SECOND "file.inject-error.1."
#define STATE "file.set-state.0."

/* raw over blkdebug over a file, with these more options. */
static struct blk *open_co(const char *more)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s%s%s", small,
                                            *more ? "," : "", more);

    return harness_open_options_co(text, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
}

static void refuse_co(const char *more, const char *message)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s,%s", small,
                                            more);
    struct blk *blk = NULL;

    g_assert_cmpint(harness_try_open_co(NULL, NULL, text, BLK_OPEN_WRITABLE, BLK_CACHE_WRITEBACK, &blk), <, 0);
    *strchrnul(harness_error->message, '\n') = '\0';
    g_assert_cmpstr(harness_error->message, ==, message);
}

static int read_at_co(struct blk *blk, int64_t offset, int64_t bytes)
{
    g_autofree void *buf = g_malloc(bytes);

    return harness_read_co(blk, offset, bytes, buf);
}

static int read_one_co(struct blk *blk)
{
    return read_at_co(blk, 0, 512);
}

/* Closes an image whose flush may be made to fail. */
static void close_any_co(struct blk *blk)
{
    g_autoptr(GError) error = NULL;

    blk_close_co(blk, &error);
}

/* ---- rules ---- */

static void bad_rules_are_refused_co(void)
{
    refuse_co(RULE "errno=5", "Missing event name for rule");
    refuse_co(RULE "event=nope", "invalid parameter value: nope");
    refuse_co(RULE "event=READ_AIO", "invalid parameter value: READ_AIO");
    refuse_co(RULE "event=read_aio," RULE "foo=1", "[inject-error] section doesn't support the option 'foo'");
    refuse_co(RULE "event=read_aio," RULE "errno=x", "Parameter 'errno' expects a number");
    refuse_co(RULE "event=read_aio," RULE "iotype=x", "invalid parameter value: x");
    refuse_co(RULE "event=read_aio," RULE "once=x", "Parameter 'once' expects 'on' or 'off'");
    refuse_co("file.inject-error.1.event=read_aio", "Unused option '1.event' for [inject-error]");
    refuse_co("file.inject-error.0=read_aio", "[inject-error] section (index 0) does not consist of keys");
    refuse_co("file.inject-error=x", "Block protocol 'blkdebug' doesn't support the option 'inject-error'");
    refuse_co(STATE "new_state=2", "Missing event name for rule");
    refuse_co(STATE "event=read_aio," STATE "errno=5", "[set-state] section doesn't support the option 'errno'");
    refuse_co("file.take-child-perms.0=foo", "Parameter 'take-child-perms' does not accept value 'foo'");
    refuse_co("file.config=/nonexistent/file", "Could not read blkdebug config file: No such file or directory");
    refuse_co("file.config=/", "Cannot read config file: Is a directory");
    refuse_co("file.config=/dev/zero", "Could not read blkdebug config file: File too large");
}

static void limits_are_checked_co(void)
{
    refuse_co("file.align=3", "Cannot meet constraints with align 3");
    refuse_co("file.align=2147483648", "Cannot meet constraints with align 2147483648");
    refuse_co("file.align=1073741824",
              "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment");
    refuse_co("file.align=512,file.max-transfer=1000", "Cannot meet constraints with max-transfer 1000");
    refuse_co("file.max-transfer=2147483647", "Cannot meet constraints with max-transfer 2147483647");
    refuse_co("file.align=4k,file.opt-write-zero=6k", "Cannot meet constraints with opt-write-zero 6144");
    refuse_co("file.opt-write-zero=48k,file.max-write-zero=64k", "Cannot meet constraints with max-write-zero 65536");
    refuse_co("file.opt-discard=1k,file.max-discard=3g", "Cannot meet constraints with max-discard 3221225472");
}

static void limits_do_not_change_results_co(void)
{
    struct blk *blk = open_co("file.align=4k,file.max-transfer=8k,file.opt-write-zero=8k,file.max-write-zero=16k,file.opt-discard=8k,"
                              "file.max-discard=16k");

    g_assert_cmpint(harness_fill_co(blk, 0, 200000, 0x11), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 4097, 50001, 0x22), ==, 0);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 5000, 40000, 0, NULL), ==, 0);
    harness_assert_bytes_co(blk, 0, 4097, 0x11);
    harness_assert_bytes_co(blk, 4097, 5000 - 4097, 0x22);
    harness_assert_bytes_co(blk, 5000, 40000, 0);
    harness_assert_bytes_co(blk, 45000, 4097 + 50001 - 45000, 0x22);
    harness_assert_bytes_co(blk, 4097 + 50001, 100000, 0x11);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, 1 << 20, 0, NULL), ==, 0);
    harness_close_co(blk);
}

static void event_without_rule_changes_nothing_co(void)
{
    struct blk *blk = open_co(RULE "event=l2_load");

    g_assert_cmpint(harness_fill_co(blk, 0, 4096, 1), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    harness_close_co(blk);
}

static void error_number_is_the_rules_co(void)
{
    struct blk *blk = open_co(RULE "event=read_aio");

    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    close_any_co(blk);
    blk = open_co(RULE "event=read_aio," RULE "errno=28");
    g_assert_cmpint(read_one_co(blk), ==, -ENOSPC);
    close_any_co(blk);
    /* No error: what the rule matches passes, and hides the rules after it. */
    blk = open_co(RULE "event=read_aio," RULE "errno=0," SECOND "event=read_aio");
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

static void active_rules_stay_until_replaced_co(void)
{
    struct blk *blk = open_co(RULE "event=read_aio," RULE "iotype=discard," SECOND "event=write_aio," SECOND "iotype=read");

    g_assert_cmpint(blk_pdiscard_co(blk, 0, 4096, 0, NULL), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, 4096, 0, NULL), ==, -EIO);
    /* The write's rule takes the place of the read's. */
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, 4096, 0, NULL), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

static void first_of_several_rules_wins_co(void)
{
    struct blk *blk = open_co(RULE "event=read_aio," RULE "once=on," SECOND "event=read_aio," SECOND "errno=28," SECOND "once=on");

    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    g_assert_cmpint(read_one_co(blk), ==, -ENOSPC);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

static void none_is_active_from_the_start_co(void)
{
    struct blk *blk = open_co(RULE "event=none," RULE "once=on");

    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
    /* In state 2 from the start, but a rule for another state never becomes active. */
    blk = open_co(STATE "event=none," STATE "new_state=2," RULE "event=read_aio," RULE "state=2");
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    close_any_co(blk);
    blk = open_co(RULE "event=none," RULE "state=2," STATE "event=read_aio," STATE "new_state=2");
    g_assert_cmpint(read_one_co(blk), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

static void state_changes_after_the_event_co(void)
{
    struct blk *blk = open_co(STATE "event=read_aio," STATE "new_state=2," RULE "event=read_aio," RULE "state=2");

    g_assert_cmpint(read_one_co(blk), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    close_any_co(blk);
    /* The first of two set-state rules counts. */
    blk = open_co(STATE "event=read_aio," STATE "new_state=2,file.set-state.1.event=read_aio,file.set-state.1.new_state=3," RULE
                        "event=read_aio," RULE "state=3");
    for (int i = 0; i < 4; i++)
        g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

static void sector_must_begin_in_the_request_co(void)
{
    struct blk *blk = open_co(RULE "event=read_aio," RULE "sector=2");

    g_assert_cmpint(read_at_co(blk, 0, 1024), ==, 0);
    g_assert_cmpint(read_at_co(blk, 0, 1025), ==, -EIO);
    g_assert_cmpint(read_at_co(blk, 1024, 1), ==, -EIO);
    g_assert_cmpint(read_at_co(blk, 1025, 511), ==, 0);
    close_any_co(blk);
    blk = open_co(RULE "event=read_aio," RULE "sector=-1");
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    close_any_co(blk);
    blk = open_co(RULE "event=read_aio," RULE "sector=36028797018963968");
    g_assert_cmpint(read_one_co(blk), ==, 0);
    close_any_co(blk);
}

/* What each kind of request ends with. */
static void assert_results_co(const char *iotype, int read, int write, int zeroes, int discard, int flush, int status)
{
    g_autofree char *text = g_strdup_printf("%s" RULE "event=none%s%s", "", iotype ? "," RULE "iotype=" : "", iotype ? iotype : "");
    struct blk *blk = open_co(text);
    struct blk_extent extent;

    g_assert_cmpint(read_one_co(blk), ==, read);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, write);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 0, 4096, 0, NULL), ==, zeroes);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, 4096, 0, NULL), ==, discard);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, flush);
    g_assert_cmpint(blk_status_co(blk, 0, 4096, &extent), ==, status);
    close_any_co(blk);
}

static void iotype_picks_the_requests_co(void)
{
    assert_results_co("read", -EIO, 0, 0, 0, 0, 0);
    assert_results_co("write", 0, -EIO, 0, 0, 0, 0);
    assert_results_co("write-zeroes", 0, 0, -EIO, 0, 0, 0);
    assert_results_co("discard", 0, 0, 0, -EIO, 0, 0);
    assert_results_co("flush", 0, 0, 0, 0, -EIO, 0);
    assert_results_co("block-status", 0, 0, 0, 0, 0, -EIO);
    assert_results_co(NULL, -EIO, -EIO, -EIO, -EIO, -EIO, 0);
}

/* ---- the configuration file ---- */

static void check_config(const char *text, const char *message)
{
    struct blkdebug_rules rules = {0};
    g_autoptr(GError) error = NULL;
    int ret = blkdebug_rules_parse(&rules, text, &error);

    g_assert_cmpint(ret, ==, message ? -EINVAL : 0);
    g_assert_cmpstr(error ? error->message : NULL, ==, message);
    blkdebug_rules_clear(&rules);
}

#define SECTION "[inject-error]\nevent = \"read_aio\"\n"

static void config_is_parsed(void)
{
    check_config("", NULL);
    check_config("# only a comment\n\n", NULL);
    check_config(SECTION, NULL);
    check_config(SECTION "# x\n\nerrno = \"5\" behind\n" SECTION "[set-state]\nevent = \"none\"\nnew_state = \"2\"", NULL);
    check_config("[inject-error]\r\nevent = \"read_aio\"\r\n", NULL);
    check_config("[inject-error \"x\"] # y\nevent =\"read_aio\"\n", NULL);
    check_config("x", "no group defined");
    check_config(" " SECTION, "no group defined");
    check_config("[]\n", "no group defined");
    check_config("[foo]\n", "There is no option group 'foo'");
    check_config("[inject-error ]\n", "There is no option group 'inject-error '");
    check_config("[inject-error\n", "parse error");
    check_config("[inject-error]\n", "Missing event name for rule");
    check_config("[inject-error]\n[set-state]\n", "Missing event name for rule");
    check_config("[inject-error]\nevent = \"nope\"\n", "invalid parameter value: nope");
    check_config("[inject-error]\nevent = read_aio\n", "invalid parameter value: ");
    check_config("[inject-error]\nevent=\"read_aio\"\n", "Invalid parameter 'event=\"read_aio\"'");
    check_config(SECTION "foo = \"1\"\n", "Invalid parameter 'foo'");
    check_config(SECTION "errno = 4\n", "Parameter 'errno' expects a number");
    check_config(SECTION "errno = \"4\n", "parse error");
    check_config(SECTION " \n", "parse error");
    check_config(SECTION "once = \"x\"\n", "Parameter 'once' expects 'on' or 'off'");
    check_config("\xff\xfe\x01binary", "no group defined");
}

static void config_rules_come_before_options_co(void)
{
    char *name = harness_file(0);
    g_autofree char *text = g_strdup_printf("file.config=%s," RULE "event=read_aio", name);
    struct blk *blk;

    g_assert_true(g_file_set_contents(name, SECTION "errno = \"28\"\n", -1, NULL));
    blk = open_co(text);
    g_assert_cmpint(read_one_co(blk), ==, -ENOSPC);
    close_any_co(blk);
    harness_remove(name);
}

/* ---- breakpoints ---- */

static GString *said;

static void note_message(void *data, const char *line)
{
    g_string_append_printf(said, "%s\n", line);
}

static const struct blk_observer observer = {.message = note_message};

/* A read in a coroutine of its own. */
struct reader {
    struct blk *blk;
    struct co *co;
    int64_t offset;
    int ret; /* 1 while it runs */
};

static void reader_body(void *data)
{
    struct reader *reader = data;

    reader->ret = read_at_co(reader->blk, reader->offset, 512);
}

static void reader_start(struct reader *reader, struct blk *blk, int64_t offset)
{
    *reader = (struct reader){.blk = blk, .offset = offset, .ret = 1};
    reader->co = co_start(reader_body, reader);
}

static void wait_for_co(const struct reader *reader)
{
    while (reader->ret == 1)
        co_yield_co();
}

static struct blk *open_watched_co(void)
{
    struct blk *blk = open_co("");

    g_string_truncate(said, 0);
    blk_set_observer(blk, &observer, NULL);
    return blk;
}

static void breakpoint_stops_one_request_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader first, second;
    const struct blk_request *request;

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_false(blk_is_suspended(blk, "A"));
    reader_start(&first, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_true(blk_is_suspended(blk, "A"));
    reader_start(&second, blk, 512);
    wait_for_co(&second);
    g_assert_cmpint(second.ret, ==, 0);
    g_assert_cmpint(first.ret, ==, 1);
    request = blk_requests(blk)->head->data;
    g_assert_cmpint(request->state, ==, BLK_REQUEST_SUSPENDED);
    g_assert_cmpstr(request->tag, ==, "A");
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    wait_for_co(&first);
    g_assert_cmpint(first.ret, ==, 0);
    g_assert_cmpint(blk_resume(blk, "A"), ==, -ENOENT);
    g_assert_cmpstr(said->str, ==, "blkdebug: Suspended request 'A'\nblkdebug: Resuming request 'A'\n");
    harness_close_co(blk);
}

static void request_at_two_breakpoints_needs_two_resumes_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader reader;

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_break(blk, "read_aio", "B"), ==, 0);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_true(blk_is_suspended(blk, "B"));
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    for (int i = 0; i < 10; i++)
        co_yield_co();
    g_assert_cmpint(reader.ret, ==, 1);
    g_assert_cmpint(blk_resume(blk, "B"), ==, 0);
    wait_for_co(&reader);
    g_assert_cmpint(reader.ret, ==, 0);
    g_assert_cmpstr(said->str, ==, "blkdebug: Suspended request 'B'\nblkdebug: Suspended request 'A'\n"
                                   "blkdebug: Resuming request 'A'\nblkdebug: Resuming request 'B'\n");
    harness_close_co(blk);
}

static void several_requests_wait_at_one_tag_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader first, second;

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    reader_start(&first, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    reader_start(&second, blk, 512);
    while (g_strrstr(said->str, "request 'A'") == strstr(said->str, "request 'A'"))
        co_yield_co();
    /* The last one goes on first. */
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    wait_for_co(&second);
    g_assert_cmpint(first.ret, ==, 1);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    wait_for_co(&first);
    harness_close_co(blk);
}

static void removing_a_breakpoint_resumes_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader reader;

    g_assert_cmpint(blk_break(blk, "nope", "A"), ==, -ENOENT);
    g_assert_cmpint(blk_remove_break(blk, "A"), ==, -ENOENT);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_remove_break(blk, "A"), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    /* The breakpoint is used up; what it holds goes on all the same. */
    g_assert_cmpint(blk_remove_break(blk, "A"), ==, -ENOENT);
    wait_for_co(&reader);
    g_assert_cmpint(reader.ret, ==, 0);
    harness_close_co(blk);
}

static void suspended_request_can_be_cancelled_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader reader;

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    co_cancel(reader.co);
    wait_for_co(&reader);
    g_assert_cmpint(reader.ret, ==, -ECANCELED);
    g_assert_false(blk_is_suspended(blk, "A"));
    g_assert_cmpint(blk_resume(blk, "A"), ==, -ENOENT);
    g_assert_cmpint(read_one_co(blk), ==, 0);
    harness_close_co(blk);
}

struct waiter {
    struct blk *blk;
    int ret; /* 1 while it runs */
};

static void waiter_body(void *data)
{
    struct waiter *waiter = data;

    waiter->ret = blk_wait_break_co(waiter->blk, "A");
}

static void waiting_for_a_breakpoint_can_be_cancelled_co(void)
{
    struct blk *blk = open_watched_co();
    struct waiter waiter = {.blk = blk, .ret = 1};
    struct co *co = co_start(waiter_body, &waiter);

    g_assert_nonnull(co);
    co_cancel(co);
    while (waiter.ret == 1)
        co_yield_co();
    g_assert_cmpint(waiter.ret, ==, -ECANCELED);
    harness_close_co(blk);
}

static void closing_releases_suspended_requests_co(void)
{
    struct blk *blk = open_watched_co();
    struct reader reader;

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_break(blk, "write_aio", "B"), ==, 0);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    harness_close_co(blk);
    g_assert_cmpint(reader.ret, ==, 0);
}

/* ---- what is told of it ---- */

static void assert_break(const struct blk_debug *debug, unsigned index, const char *tag, const char *event, unsigned armed, unsigned held,
                         unsigned hits)
{
    const struct blk_debug_break *point = &g_array_index(debug->breaks, struct blk_debug_break, index);

    g_assert_cmpuint(index, <, debug->breaks->len);
    g_assert_cmpstr(point->tag, ==, tag);
    g_assert_cmpstr(point->event, ==, event);
    g_assert_cmpuint(point->armed, ==, armed);
    g_assert_cmpuint(point->held, ==, held);
    g_assert_cmpuint(point->hits, ==, hits);
}

static void breakpoints_are_listed_co(void)
{
    struct blk *blk = open_watched_co();
    struct blk_debug debug;
    struct reader reader;

    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(debug.breaks->len + debug.rules->len, ==, 0);
    blk_debug_clear(&debug);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_break(blk, "write_aio", "A"), ==, 0);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(debug.breaks->len, ==, 2);
    assert_break(&debug, 0, "A", "read_aio", 1, 1, 1);
    assert_break(&debug, 1, "A", "write_aio", 1, 0, 0);
    blk_debug_clear(&debug);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    wait_for_co(&reader);
    reader_start(&reader, blk, 0);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    wait_for_co(&reader);
    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    assert_break(&debug, 0, "A", "write_aio", 1, 0, 0);
    assert_break(&debug, 1, "A", "read_aio", 0, 0, 2); /* used up */
    blk_debug_clear(&debug);
    g_assert_cmpint(blk_remove_break(blk, "A"), ==, 0);
    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(debug.breaks->len, ==, 0);
    blk_debug_clear(&debug);
    harness_close_co(blk);
}

static void only_the_last_used_up_breakpoints_are_told_co(void)
{
    struct blk *blk = open_watched_co();
    struct blk_debug debug;

    for (int i = 0; i < BLK_DEBUG_PAST_MAX + 10; i++) {
        g_autofree char *tag = g_strdup_printf("%d", i);
        struct reader reader;

        g_assert_cmpint(blk_break(blk, "read_aio", tag), ==, 0);
        reader_start(&reader, blk, 0);
        g_assert_cmpint(blk_wait_break_co(blk, tag), ==, 0);
        g_assert_cmpint(blk_resume(blk, tag), ==, 0);
        wait_for_co(&reader);
    }
    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(debug.breaks->len, ==, BLK_DEBUG_PAST_MAX);
    assert_break(&debug, 0, "73", "read_aio", 0, 0, 1);
    blk_debug_clear(&debug);
    harness_close_co(blk);
}

static void assert_rule(struct blk *blk, unsigned index, uint64_t id, const char *text, uint64_t hits, bool spent)
{
    struct blk_debug debug;

    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(index, <, debug.rules->len);
    g_assert_cmpuint(g_array_index(debug.rules, struct blk_debug_rule, index).id, ==, id);
    g_assert_cmpstr(g_array_index(debug.rules, struct blk_debug_rule, index).text, ==, text);
    g_assert_cmpuint(g_array_index(debug.rules, struct blk_debug_rule, index).hits, ==, hits);
    g_assert_cmpint(g_array_index(debug.rules, struct blk_debug_rule, index).spent, ==, spent);
    blk_debug_clear(&debug);
}

static void errors_come_and_go_co(void)
{
    struct blk *blk = open_co(RULE "event=l2_load," RULE "sector=7," RULE "iotype=flush");

    assert_rule(blk, 0, 1, "event=l2_load,iotype=flush,errno=5,sector=7", 0, false);
    g_assert_cmpint(blk_inject(blk, "read_aio,errno=28,once=on,immediately=on", NULL), ==, 0);
    g_assert_cmpint(blk_inject(blk, "event=read_aio,state=1", NULL), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, -ENOSPC);
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    assert_rule(blk, 1, 2, "event=read_aio,errno=28,once=on,immediately=on", 1, true);
    assert_rule(blk, 2, 3, "event=read_aio,state=1,errno=5", 2, false);
    g_assert_cmpint(blk_remove_rule(blk, 3), ==, 0); /* though it is active */
    g_assert_cmpint(read_one_co(blk), ==, 0);
    g_assert_cmpint(blk_remove_rule(blk, 2), ==, 0);
    g_assert_cmpint(blk_remove_rule(blk, 2), ==, -ENOENT);
    g_assert_cmpint(blk_inject(blk, "none", NULL), ==, 0);
    g_assert_cmpint(read_one_co(blk), ==, -EIO);
    g_assert_cmpint(blk_remove_rule(blk, 4), ==, 0);
    g_assert_cmpint(blk_inject(blk, "event=read_aio,new_state=3", NULL), ==, 0);
    assert_rule(blk, 1, 5, "event=read_aio,new_state=3", 0, false);
    close_any_co(blk);
}

static void bad_errors_are_refused_co(void)
{
    static const char *const bad[][2] = {
        {"errno=5", "Missing event name for rule"},
        {"", "Missing event name for rule"},
        {"nope", "invalid parameter value: nope"},
        {"read_aio,foo=1", "Unknown option 'foo' for [inject-error]"},
        {"read_aio,0.event=read_aio", "Unknown option '0.event' for [inject-error]"},
        {"read_aio,new_state=2,errno=5", "Unknown option 'errno' for [set-state]"},
        {"read_aio,sector=x", "Parameter 'sector' expects a number"},
    };
    struct blk *blk = open_co("");
    struct blk_debug debug;

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(blk_inject(blk, bad[i][0], &error), ==, -EINVAL);
        g_assert_cmpstr(error->message, ==, bad[i][1]);
    }
    g_assert_cmpint(blk_debug_list(blk, &debug), ==, 0);
    g_assert_cmpuint(debug.rules->len, ==, 0);
    blk_debug_clear(&debug);
    harness_close_co(blk);
}

static void without_blkdebug_there_are_no_breakpoints_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", 0);

    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, -ENOTSUP);
    g_assert_cmpint(blk_resume(blk, "A"), ==, -ENOTSUP);
    g_assert_cmpint(blk_remove_break(blk, "A"), ==, -ENOTSUP);
    g_assert_false(blk_is_suspended(blk, "A"));
    harness_close_co(blk);
}

static void every_event_has_a_name(void)
{
    const char *const *names = blk_event_names();

    for (int i = 0; i < BLK_EVENT_COUNT; i++) {
        enum blk_event event;

        g_assert_cmpint(blk_event_parse(names[i], &event), ==, 0);
        g_assert_cmpint(event, ==, i);
    }
    g_assert_null(names[BLK_EVENT_COUNT]);
}

static void add(void)
{
    said = g_string_new(NULL);
    small = harness_file(1 << 20);
    harness_add("/blkdebug/bad-rules-are-refused", bad_rules_are_refused_co);
    harness_add("/blkdebug/limits-are-checked", limits_are_checked_co);
    harness_add("/blkdebug/limits-do-not-change-results", limits_do_not_change_results_co);
    harness_add("/blkdebug/event-without-rule-changes-nothing", event_without_rule_changes_nothing_co);
    harness_add("/blkdebug/error-number-is-the-rules", error_number_is_the_rules_co);
    harness_add("/blkdebug/active-rules-stay-until-replaced", active_rules_stay_until_replaced_co);
    harness_add("/blkdebug/first-of-several-rules-wins", first_of_several_rules_wins_co);
    harness_add("/blkdebug/none-is-active-from-the-start", none_is_active_from_the_start_co);
    harness_add("/blkdebug/state-changes-after-the-event", state_changes_after_the_event_co);
    harness_add("/blkdebug/sector-must-begin-in-the-request", sector_must_begin_in_the_request_co);
    harness_add("/blkdebug/iotype-picks-the-requests", iotype_picks_the_requests_co);
    g_test_add_func("/blkdebug/config-is-parsed", config_is_parsed);
    harness_add("/blkdebug/config-rules-come-before-options", config_rules_come_before_options_co);
    harness_add("/blkdebug/breakpoint-stops-one-request", breakpoint_stops_one_request_co);
    harness_add("/blkdebug/request-at-two-breakpoints-needs-two-resumes", request_at_two_breakpoints_needs_two_resumes_co);
    harness_add("/blkdebug/several-requests-wait-at-one-tag", several_requests_wait_at_one_tag_co);
    harness_add("/blkdebug/removing-a-breakpoint-resumes", removing_a_breakpoint_resumes_co);
    harness_add("/blkdebug/suspended-request-can-be-cancelled", suspended_request_can_be_cancelled_co);
    harness_add("/blkdebug/waiting-for-a-breakpoint-can-be-cancelled", waiting_for_a_breakpoint_can_be_cancelled_co);
    harness_add("/blkdebug/closing-releases-suspended-requests", closing_releases_suspended_requests_co);
    harness_add("/blkdebug/breakpoints-are-listed", breakpoints_are_listed_co);
    harness_add("/blkdebug/only-the-last-used-up-breakpoints-are-told", only_the_last_used_up_breakpoints_are_told_co);
    harness_add("/blkdebug/errors-come-and-go", errors_come_and_go_co);
    harness_add("/blkdebug/bad-errors-are-refused", bad_errors_are_refused_co);
    harness_add("/blkdebug/without-blkdebug-there-are-no-breakpoints", without_blkdebug_there_are_no_breakpoints_co);
    g_test_add_func("/blkdebug/every-event-has-a-name", every_event_has_a_name);
}

int main(int argc, char **argv)
{
    int ret = harness_main(&argc, &argv, NULL, add);

    harness_remove(small);
    g_string_free(said, TRUE);
    g_clear_error(&harness_error);
    return ret;
}
