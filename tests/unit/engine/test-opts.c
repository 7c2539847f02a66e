/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/opts.h"

#include <glib.h>
#include <string.h>

#include "engine/command.h"
#include "engine/session.h"
#include "engine/sink.h"

/* What opts_next() finds in the words, as text: "x" or "x=value" each, then the operands, then what went to the sink. */
static char *parse(const char *spec, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    g_autofree char **argv = g_memdup2(words, sizeof(char *) * (g_strv_length(words) + 1));
    struct sink *sink = sink_new_buffer();
    const struct session_config config = {.prog = "blkscope"};
    struct session *session = session_new(&config);
    struct command_call call = {.session = session, .sink = sink, .argc = g_strv_length(words), .argv = argv};
    GString *out = g_string_new(NULL);
    struct opts opts;
    int option;
    opts_start(&opts, &call, spec);
    while ((option = opts_next(&opts)) != -1) {
        if (option == '?') {
            g_string_append_printf(out, "! %s", sink_buffer_text(sink));
            sink_free(sink);
            session_free(session);
            return g_string_free(out, FALSE);
        }
        const char *known = strchr(spec, option);
        g_string_append_printf(out, "%c", option);
        if (known[1] == ':')
            g_string_append_printf(out, "=%s", opts.value);
        g_string_append_c(out, ' ');
    }
    g_string_append_c(out, '|');
    for (int i = 0; i < opts.count; i++)
        g_string_append_printf(out, " %s", opts.operand[i]);
    g_assert_null(opts.operand[opts.count]);
    g_assert_cmpstr(sink_buffer_text(sink), ==, "");
    sink_free(sink);
    session_free(session);
    return g_string_free(out, FALSE);
}

#define assert_parsed(spec, line, expected)                                                                            \
    do {                                                                                                               \
        g_autofree char *got_ = parse(spec, line);                                                                     \
        g_assert_cmpstr(got_, ==, expected);                                                                           \
    } while (0)

static void options_and_operands(void)
{
    assert_parsed("qv", "read", "|");
    assert_parsed("qv", "read 0 1", "| 0 1");
    assert_parsed("qv", "read -q -v 0 1", "q v | 0 1");
    assert_parsed("qv", "read -qv 0 1", "q v | 0 1");
    assert_parsed("qv", "read -", "| -");
}

static void values_attached_or_apart(void)
{
    assert_parsed("qP:", "read -P 1 0 1", "P=1 | 0 1");
    assert_parsed("qP:", "read -P1 0 1", "P=1 | 0 1");
    assert_parsed("qP:", "read -qP1 0 1", "q P=1 | 0 1");
    assert_parsed("qP:", "read -qP 1 0 1", "q P=1 | 0 1");
    assert_parsed("qP:", "read -P -q 0", "P=-q | 0");
    assert_parsed("qP:", "read -P -- 0", "P=-- | 0");
}

static void options_may_follow_operands(void)
{
    assert_parsed("qP:", "read 0 -q 1 -P 2", "q P=2 | 0 1");
    assert_parsed("qP:", "read 0 -q 1 -P 2 3", "q P=2 | 0 1 3");
}

static void two_dashes_end_options(void)
{
    assert_parsed("q", "read -q -- -q 1", "q | -q 1");
    assert_parsed("q", "read 0 -- -1", "| 0 -1");
    assert_parsed("q", "read 0 -- -- 1", "| 0 -- 1");
}

static void unknown_options_are_named(void)
{
    assert_parsed("q", "read -x 0", "! read: invalid option -- 'x'\n");
    assert_parsed("q", "read -qx 0", "q ! read: invalid option -- 'x'\n");
    assert_parsed("q", "r --quiet", "! r: invalid option -- '-'\n");
    assert_parsed("q:", "read -:", "! read: invalid option -- ':'\n");
    assert_parsed("q", "read 0 -1", "! read: invalid option -- '1'\n");
}

static void missing_values_are_named(void)
{
    assert_parsed("qP:", "read 0 -P", "! read: option requires an argument -- 'P'\n");
    assert_parsed("qP:", "read -qP", "q ! read: option requires an argument -- 'P'\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/opts/plain", options_and_operands);
    g_test_add_func("/opts/values", values_attached_or_apart);
    g_test_add_func("/opts/permutation", options_may_follow_operands);
    g_test_add_func("/opts/end", two_dashes_end_options);
    g_test_add_func("/opts/unknown", unknown_options_are_named);
    g_test_add_func("/opts/missing", missing_values_are_named);
    return g_test_run();
}
