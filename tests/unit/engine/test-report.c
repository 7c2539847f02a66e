/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/report.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "engine/report-json.h"
#include "engine/session.h"
#include "io/co.h"

struct fixture {
    struct session *session;
    struct sink *sink;
    struct command_call call;
};

static void set_up(struct fixture *fixture, const struct session_config *config)
{
    fixture->session = session_new(config);
    fixture->sink = sink_new_buffer();
    fixture->call = (struct command_call){.session = fixture->session, .sink = fixture->sink};
}

static void tear_down(struct fixture *fixture)
{
    session_free(fixture->session);
    sink_free(fixture->sink);
}

static const struct session_config new_config = {.prog = "qemu-io", .drop_in = true};
static const struct session_config old_config = {.prog = "qemu-io", .drop_in = true, .dialect = SESSION_DIALECT_2_4};
static const struct session_config own_config = {.prog = "blkscope"};
static const struct session_config json_config = {.prog = "blkscope", .json = true};

/* What the statement, using `call`, writes under a configuration. */
#define assert_reported(config, expected, statement)                                                                   \
    do {                                                                                                               \
        struct fixture fixture_;                                                                                       \
        set_up(&fixture_, &(config));                                                                                  \
        const struct command_call *call = &fixture_.call;                                                              \
        statement;                                                                                                     \
        g_assert_cmpstr(sink_buffer_text(fixture_.sink), ==, expected);                                                \
        tear_down(&fixture_);                                                                                          \
    } while (0)

#define SECOND INT64_C(1000000000)

static struct report_transfer transfer(int64_t bytes, int64_t elapsed_ns)
{
    return (struct report_transfer){
        .done = "read", .offset = 512, .count = bytes, .total = bytes, .ops = 1, .elapsed_ns = elapsed_ns};
}

static void transfers_of_7_2(void)
{
    static const struct {
        int64_t bytes, elapsed_ns;
        const char *expected;
    } rows[] = {
        {512, SECOND / 2, "512 bytes, 1 ops; 00.50 sec (1 KiB/sec and 2.0000 ops/sec)"},
        {0, SECOND / 2, "0 bytes, 1 ops; 00.50 sec (0 bytes/sec and 2.0000 ops/sec)"},
        {4096, 125000, "4 KiB, 1 ops; 00.00 sec (31.250 MiB/sec and 8000.0000 ops/sec)"},
        {65536, SECOND, "64 KiB, 1 ops; 0:00:01.00 (64 KiB/sec and 1.0000 ops/sec)"},
        {100, 3 * SECOND, "100 bytes, 1 ops; 0:00:03.00 (33.333333 bytes/sec and 0.3333 ops/sec)"},
        {1 << 20, 3725 * SECOND + SECOND / 4, "1 MiB, 1 ops; 1:02:05.25 (281.478022 bytes/sec and 0.0003 ops/sec)"},
        {INT64_C(1) << 40, SECOND / 1000, "1 TiB, 1 ops; 00.00 sec (1000 TiB/sec and 1000.0000 ops/sec)"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *expected = g_strdup_printf("read %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT
                                                    " bytes at offset 512\n%s\n",
                                                    rows[i].bytes, rows[i].bytes, rows[i].expected);
        struct report_transfer it = transfer(rows[i].bytes, rows[i].elapsed_ns);
        assert_reported(new_config, expected, report_transfer(call, &it));
    }
}

static void transfers_of_2_4(void)
{
    static const struct {
        int64_t elapsed_ns;
        const char *expected;
    } rows[] = {
        {SECOND / 2, "512 bytes, 1 ops; 0.5000 sec (1 KiB/sec and 2.0000 ops/sec)"},
        {125000, "512 bytes, 1 ops; 0.0001 sec (3.906 MiB/sec and 8000.0000 ops/sec)"},
        {SECOND * 64 + SECOND / 8, "512 bytes, 1 ops; 0:01:04.12 (7.984405 bytes/sec and 0.0156 ops/sec)"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *expected = g_strconcat("read 512/512 bytes at offset 512\n", rows[i].expected, "\n", NULL);
        struct report_transfer it = transfer(512, rows[i].elapsed_ns);
        assert_reported(old_config, expected, report_transfer(call, &it));
    }
}

static void a_time_of_zero_divides_nothing(void)
{
    struct report_transfer it = transfer(512, 0);
    struct fixture fixture;
    set_up(&fixture, &new_config);
    report_transfer(&fixture.call, &it);
    g_assert_null(strstr(sink_buffer_text(fixture.sink), "inf"));
    g_assert_null(strstr(sink_buffer_text(fixture.sink), "nan"));
    tear_down(&fixture);
}

static void machine_transfers(void)
{
    struct report_transfer it = transfer(512, SECOND / 4);
    it.machine = true;
    assert_reported(new_config, "512,1,0:00:00.25,2048.000,4.000\n", report_transfer(call, &it));
    assert_reported(old_config, "512,1,0:00:00.25,2048.000,4.000\n", report_transfer(call, &it));
    it.elapsed_ns = 61 * SECOND;
    assert_reported(new_config, "512,1,0:01:01.00,8.393,0.016\n", report_transfer(call, &it));
}

static void map_runs(void)
{
    assert_reported(new_config, "64 KiB (0x10000) bytes     allocated at offset 0 bytes (0x0)\n",
                    report_map_run(call, 0, 65536, 1 << 20, true));
    assert_reported(new_config, "960 KiB (0xf0000) bytes not allocated at offset 64 KiB (0x10000)\n",
                    report_map_run(call, 65536, 983040, 983040, false));
    assert_reported(old_config, "[                   65536]     1920/    1920 sectors not allocated at offset 64 KiB (0)\n",
                    report_map_run(call, 65536, 983040, 983040, false));
    assert_reported(old_config, "[                       0]      128/    2048 sectors     allocated at offset 0 bytes (1)\n",
                    report_map_run(call, 0, 65536, 1 << 20, true));
}

static void alloc_counts(void)
{
    assert_reported(new_config, "512/4096 bytes allocated at offset 1 MiB\n", report_alloc(call, 1 << 20, 512, 4096));
    assert_reported(old_config, "1/8 sectors allocated at offset 1 MiB\n", report_alloc(call, 1 << 20, 512, 4096));
}

static void info_and_length(void)
{
    g_autoptr(GPtrArray) specific = g_ptr_array_new();
    struct blk_info info = {.format = "raw"};
    assert_reported(new_config, "format name: raw\ncluster size: 0 bytes\nvm state offset: 0 bytes\n",
                    report_info(call, &info));
    g_ptr_array_add(specific, (char *)"compat");
    g_ptr_array_add(specific, (char *)"1.1");
    info = (struct blk_info){"qcow2", 65536, 512 << 20, specific};
    assert_reported(new_config,
                    "format name: qcow2\ncluster size: 64 KiB\nvm state offset: 512 MiB\n"
                    "Format specific information:\n    compat: 1.1\n",
                    report_info(call, &info));
    assert_reported(json_config,
                    "{\"format\": \"qcow2\", \"cluster-size\": 65536, \"vm-state-offset\": 536870912, "
                    "\"format-specific\": {\"compat\": \"1.1\"}}\n",
                    report_info(call, &info));
    assert_reported(new_config, "1.500 KiB\n", report_length(call, 1536));
    assert_reported(json_config, "{\"length\": 1536}\n", report_length(call, 1536));
}

static void numbers_that_are_none(void)
{
    int64_t value;
    assert_reported(new_config, "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 1x\n",
                    g_assert_cmpint(report_parse_size(call, "length", "1x", &value), ==, -EINVAL));
}

static void numbers_too_large(void)
{
    int64_t value;
    assert_reported(new_config, "Parsing error: argument too large -- 8E\n",
                    g_assert_cmpint(report_parse_size(call, "length", "8E", &value), ==, -ERANGE));
    assert_reported(old_config, "non-numeric offset argument -- 8E\n",
                    g_assert_cmpint(report_parse_size(call, "offset", "8E", &value), ==, -ERANGE));
}

static void numbers_in_the_old_dialect(void)
{
    int64_t value;
    static const char *const kinds[] = {"length", "offset", "truncate", "signal number"};
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *expected = g_strdup_printf("non-numeric %s argument -- foo\n", kinds[i]);
        assert_reported(old_config, expected,
                        g_assert_cmpint(report_parse_size(call, kinds[i], "foo", &value), ==, -EINVAL));
    }
}

static void good_numbers_say_nothing(void)
{
    int64_t value = 0;
    assert_reported(new_config, "", g_assert_cmpint(report_parse_size(call, "length", "0x10", &value), ==, 0));
    g_assert_cmpint(value, ==, 16);
}

static void patterns(void)
{
    int pattern = 0;
    assert_reported(new_config, "256 is not a valid pattern byte\n",
                    g_assert_cmpint(report_parse_pattern(call, "256", &pattern), ==, -EINVAL));
    assert_reported(new_config, "", g_assert_cmpint(report_parse_pattern(call, "0x55", &pattern), ==, 0));
    g_assert_cmpint(pattern, ==, 0x55);
}

static void only_the_old_dialect_wants_sectors(void)
{
    assert_reported(new_config, "", g_assert_cmpint(report_check_sector(call, "offset", 1), ==, 0));
    assert_reported(old_config, "", g_assert_cmpint(report_check_sector(call, "offset", 1024), ==, 0));
    assert_reported(old_config, "offset 1 is not sector aligned\n",
                    g_assert_cmpint(report_check_sector(call, "offset", 1), ==, -EINVAL));
}

static void words_typed_are_escaped_under_our_own_name_only(void)
{
    int64_t value;
    assert_reported(own_config, "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- \\e[2J\n",
                    report_parse_size(call, "length", "\033[2J", &value));
    assert_reported(new_config, "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- \033[2J\n",
                    report_parse_size(call, "length", "\033[2J", &value));
}

static void hints_are_for_people(void)
{
    assert_reported(own_config, "  try this\n", report_hint(call, "try %s", "this"));
    assert_reported(new_config, "", report_hint(call, "try %s", "this"));
    assert_reported(json_config, "", report_hint(call, "try %s", "this"));
}

static void json_strings_are_json(void)
{
    assert_reported(json_config, "{\"message\": \"a\\\"b\\\\c\\u001b\xef\xbf\xbd\"}\n",
                    report_say(call, "%s", "a\"b\\c\033\xff"));
    assert_reported(json_config, "{\"error\": \"read failed: Input/output error\"}\n", report_failure(call, "read", -EIO));
    assert_reported(json_config, "{\"error\": \"no such thing\"}\nblkscope: no such thing\n", report_error(call, "no such %s", "thing"));
    assert_reported(json_config, "{\"error\": \"no such thing\"}\nno such thing\n", report_complain(call, "no such %s", "thing"));
    assert_reported(json_config, "a warning\n", report_warn(call, "a %s", "warning"));
    assert_reported(json_config, "{\"bitmaps\": []}\n", report_json_none(call, "bitmaps"));
}

static void json_transfers_and_extents(void)
{
    struct report_transfer it = transfer(512, 1000);
    struct blk_extent extent = {0, 4096, BLK_KIND_DATA, 0, 0, "disk"};
    assert_reported(json_config,
                    "{\"op\": \"read\", \"offset\": 512, \"bytes\": 512, \"requested\": 512, \"ops\": 1, \"elapsed-ns\": 1000}\n",
                    report_transfer(call, &it));
    assert_reported(json_config,
                    "{\"start\": 0, \"length\": 4096, \"kind\": \"data\", \"depth\": 0, \"offset\": 0, "
                    "\"filename\": \"disk\"}\n",
                    report_extent(call, &extent));
}

static void dumps_have_rows_of_sixteen(void)
{
    int64_t done;
    uint8_t bytes[20] = "A.z";
    assert_reported(new_config,
                    "00000200:  41 2e 7a 00 00 00 00 00 00 00 00 00 00 00 00 00  A.z.............\n"
                    "00000210:  00 00 00 00  ....\n",
                    report_dump_co(call, 512, bytes, sizeof(bytes), &done));
    assert_reported(json_config, "{\"offset\": 512, \"hex\": \"412e7a\"}\n", report_dump_co(call, 512, bytes, 3, &done));
}

/* Who watches has enough of it after the first piece. */
struct dump {
    struct sink sink;
    const struct command_call *call;
    unsigned pieces;
    int ret;
};

static void take_piece(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    ((struct dump *)sink)->pieces++;
    co_cancel(co_self());
}

static void dump_co(void *data)
{
    static const uint8_t bytes[1 << 20];
    struct dump *dump = data;
    int64_t done;
    dump->ret = report_dump_co(dump->call, 0, bytes, sizeof(bytes), &done);
}

static void dumps_can_be_cancelled(void)
{
    static const struct sink_ops ops = {.write = take_piece, .live = true};
    static const struct session_config *const configs[] = {&own_config, &json_config};
    for (unsigned i = 0; i < G_N_ELEMENTS(configs); i++) {
        struct fixture fixture;
        set_up(&fixture, configs[i]);
        struct dump dump = {.sink = {&ops}};
        struct command_call call = {.session = fixture.session, .sink = &dump.sink};
        dump.call = &call;
        co_start(dump_co, &dump);
        g_assert_cmpint(dump.ret, ==, -ECANCELED);
        g_assert_cmpuint(dump.pieces, ==, 1);
        tear_down(&fixture);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report/transfer/7.2", transfers_of_7_2);
    g_test_add_func("/report/transfer/2.4", transfers_of_2_4);
    g_test_add_func("/report/transfer/no-time", a_time_of_zero_divides_nothing);
    g_test_add_func("/report/transfer/machine", machine_transfers);
    g_test_add_func("/report/map", map_runs);
    g_test_add_func("/report/alloc", alloc_counts);
    g_test_add_func("/report/info", info_and_length);
    g_test_add_func("/report/numbers/none", numbers_that_are_none);
    g_test_add_func("/report/numbers/large", numbers_too_large);
    g_test_add_func("/report/numbers/2.4", numbers_in_the_old_dialect);
    g_test_add_func("/report/numbers/good", good_numbers_say_nothing);
    g_test_add_func("/report/patterns", patterns);
    g_test_add_func("/report/sectors", only_the_old_dialect_wants_sectors);
    g_test_add_func("/report/escaped", words_typed_are_escaped_under_our_own_name_only);
    g_test_add_func("/report/hints", hints_are_for_people);
    g_test_add_func("/report/json/strings", json_strings_are_json);
    g_test_add_func("/report/json/transfers", json_transfers_and_extents);
    g_test_add_func("/report/dump", dumps_have_rows_of_sixteen);
    g_test_add_func("/report/dump/cancelled", dumps_can_be_cancelled);
    co_init();
    int status = g_test_run();
    co_done();
    return status;
}
