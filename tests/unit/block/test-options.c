/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "block/driver_option.h"

/* "key=value key=value", a null as "key" alone. */
static char *to_text(const struct options *options)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;

        options_at(options, i, &key, &value);
        g_string_append_printf(text, value ? "%s%s=%s" : "%s%s", i ? " " : "", key, value);
    }
    return g_string_free(text, FALSE);
}

static void check_parse(const char *text, const char *implied, const char *expected)
{
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *got = NULL;

    g_assert_true(options_parse(options, text, implied, &error));
    g_assert_no_error(error);
    got = to_text(options);
    g_assert_cmpstr(got, ==, expected);
}

static void check_json(const char *text, const char *expected)
{
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *got = NULL;

    options_parse_json(options, text, &error);
    g_assert_no_error(error);
    got = to_text(options);
    g_assert_cmpstr(got, ==, expected);
}

static void check_json_error(const char *text, const char *expected)
{
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;

    options_set(options, "kept", "1");
    g_assert_false(options_parse_json(options, text, &error));
    g_assert_nonnull(error);
    if (strchr(expected, '(')) {
        g_assert_cmpstr(error->message, ==, "Invalid JSON object given");
    } else {
        g_autofree char *full = g_strconcat("Could not parse the JSON options: ", expected, NULL);

        g_assert_cmpstr(error->message, ==, full);
    }
    g_assert_cmpuint(options_count(options), ==, 1);
}

static void set_overrides_in_place(void)
{
    g_autoptr(options) options = options_new();
    g_autofree char *text = NULL;

    options_set(options, "a", "1");
    options_set(options, "b", "2");
    options_set(options, "a", "3");
    options_set(options, "c", NULL);
    text = to_text(options);
    g_assert_cmpstr(text, ==, "a=3 b=2 c");
    g_assert_true(options_has(options, "c"));
    g_assert_null(options_get(options, "c"));
    g_assert_false(options_has(options, "d"));
    options_set(options, "a", options_get(options, "a"));
    g_assert_cmpstr(options_get(options, "a"), ==, "3");
}

static void remove_forgets(void)
{
    g_autoptr(options) options = options_new();

    options_set(options, "a", "1");
    options_set(options, "b", "2");
    g_assert_true(options_remove(options, "a"));
    g_assert_false(options_remove(options, "a"));
    g_assert_null(options_get(options, "a"));
    g_assert_cmpuint(options_count(options), ==, 1);
    options_set(options, "a", "4");
    g_assert_cmpstr(options_get(options, "a"), ==, "4");
}

static void copy_is_independent(void)
{
    g_autoptr(options) options = options_new();
    g_autoptr(options) copy = NULL;

    options_set(options, "a", "1");
    copy = options_copy(options);
    options_set(copy, "a", "2");
    g_assert_cmpstr(options_get(options, "a"), ==, "1");
    options_free(NULL);
}

static void take_child_moves_its_keys(void)
{
    g_autoptr(options) options = options_new();
    g_autoptr(options) child = NULL;
    g_autofree char *left = NULL, *moved = NULL;

    g_assert_true(options_parse(options, "driver=raw,file.driver=file,filename=x,file.cache.direct=on,file=n", NULL, NULL));
    child = options_take_child(options, "file");
    left = to_text(options);
    moved = to_text(child);
    g_assert_cmpstr(left, ==, "driver=raw filename=x file=n");
    g_assert_cmpstr(moved, ==, "driver=file cache.direct=on");
    g_assert_null(options_get(options, "file.driver"));
}

static void text_parses(void)
{
    check_parse("", NULL, "");
    check_parse("a=1,b=2", NULL, "a=1 b=2");
    check_parse("a=1,b=2,a=3", NULL, "a=3 b=2");
    check_parse("a=x,,y,b=,,,,", NULL, "a=x,y b=,,");
    check_parse("a=b=c", NULL, "a=b=c");
    check_parse("a=1,", NULL, "a=1");
    check_parse("a=", NULL, "a=");
    check_parse("=x", NULL, "=x");
    check_parse("=", NULL, "=");
    check_parse("name,,x,b=1", "driver", "driver=name,x b=1");
    check_parse("a=1,b", "driver", "a=1 b=on");
    check_parse("a=\n\x1b[2J,b=\xff", NULL, "a=\n\x1b[2J b=\xff");
}

static void word_without_value_is_a_switch(void)
{
    check_parse("a,nob,c=1", NULL, "a=on b=off c=1");
    check_parse(",a=1", NULL, "=on a=1");
}

static void text_of_a_mebibyte_parses_at_once(void)
{
    g_autoptr(options) options = options_new();
    g_autoptr(options) child = NULL;
    g_autoptr(GString) text = g_string_new("x=");

    for (unsigned i = 0; i < 1 << 20; i++)
        g_string_append_c(text, 'v');
    for (unsigned i = 0; text->len < 3 << 20; i++)
        g_string_append_printf(text, ",k.%u=", i);
    g_assert_true(options_parse(options, text->str, NULL, NULL));
    g_assert_cmpuint(strlen(options_get(options, "x")), ==, 1 << 20);
    child = options_take_child(options, "k");
    g_assert_cmpuint(options_count(options), ==, 1);
    g_assert_cmpuint(options_count(child), >, 100000);
}

static void long_key_is_refused(void)
{
    g_autoptr(options) options = options_new();
    g_autofree char *key = g_strnfill(OPTIONS_KEY_MAX + 1, 'k');
    g_autofree char *text = g_strdup_printf("a=1,%s=2", key);
    g_autoptr(GError) error = NULL;

    g_assert_false(options_parse(options, text, NULL, &error));
    g_assert_cmpstr(error->message, ==, "Option name of 1025 characters is too long");
    g_assert_cmpuint(options_count(options), ==, 0);
}

static void json_is_flattened(void)
{
    check_json("{}", "");
    check_json(" {\"driver\":\"raw\",\t\"file\":\n{\"driver\":\"file\",\"filename\":\"x y\"}}\r", "driver=raw file.driver=file file.filename=x y");
    check_json("{'c':[1,{'d':2},[3,4]],'e':5}", "c.0=1 c.1.d=2 c.2.0=3 c.2.1=4 e=5");
    check_json("{'a':true,'b':false,'c':null,'d':{},'e':[],'f':[[]]}", "a=on b=off c d= e= f.0=");
    check_json("{'a.b':1,'a':{'b':2}}", "a.b=2");
    check_json("{'':1,'a':{'':2}}", "=1 a.=2");
}

static void json_numbers_are_worked_out(void)
{
    check_json("{'a':0,'b':-0,'c':-12,'d':1e3,'e':1.5,'f':1.0,'g':2E+2,'h':1e-1}",
               "a=0 b=0 c=-12 d=1000 e=1.5 f=1 g=200 h=0.10000000000000001");
    check_json("{'a':99999999999999999999,'b':1e400}", "a=99999999999999999999 b=inf");
}

static void json_strings_are_unescaped(void)
{
    check_json("{\"a\":\"\\\"\\'\\\\\\/\\b\\f\\n\\r\\t\"}", "a=\"'\\/\b\f\n\r\t");
    check_json("{\"a\":\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"}", "a=A\u00e4\u20ac\U0001f600");
    check_json("{'a':'\"','b':\"'\"}", "a=\" b='");
}

static void json_errors_say_what_the_reference_says(void)
{
    check_json_error("", "Expecting a JSON value");
    check_json_error(" \n", "Expecting a JSON value");
    check_json_error("{", "JSON parse error, premature EOI");
    check_json_error("[\"a\"", "JSON parse error, premature EOI");
    check_json_error("{\"a\":", "JSON parse error, premature EOI");
    check_json_error("{\"a\":1,", "JSON parse error, premature EOI");
    check_json_error("{\"a\" \"b\"}", "JSON parse error, missing : in object pair");
    check_json_error("{\"a\"}", "JSON parse error, missing : in object pair");
    check_json_error("{\"a\":\"b\" \"c\":1}", "JSON parse error, expected separator in dict");
    check_json_error("{\"a\":1]", "JSON parse error, expected separator in dict");
    check_json_error("{\"a\":12abc}", "JSON parse error, expected separator in dict");
    check_json_error("[1 2]", "JSON parse error, expected separator in list");
    check_json_error("{\"a\":}", "JSON parse error, expecting value");
    check_json_error("{\"a\":1,}", "JSON parse error, expecting value");
    check_json_error("[,]", "JSON parse error, expecting value");
    check_json_error("}", "JSON parse error, expecting value");
    check_json_error("{5:1}", "JSON parse error, key is not a string in object");
    check_json_error("{a:1}", "JSON parse error, invalid keyword 'a'");
    check_json_error("{true:1}", "JSON parse error, key is not a string in object");
    check_json_error("{\"a\":nul}", "JSON parse error, invalid keyword 'nul'");
    check_json_error("{\"a\":1,\"b\":{},\"a\":2}", "JSON parse error, duplicate key");
    check_json_error("{\"a\":{\"b\":1},\"a\":{\"c\":1}}", "JSON parse error, duplicate key");
    check_json_error("{\"a\":1} x", "Expecting at most one JSON value");
    check_json_error("{}}", "Expecting at most one JSON value");
    check_json_error("[]", "(not an object)");
    check_json_error("[{}]", "(not an object)");
    check_json_error("\"x\"", "(not an object)");
    check_json_error("null", "(not an object)");
}

static void json_stray_characters_are_named(void)
{
    check_json_error("@", "JSON parse error, stray '@'");
    check_json_error("{\"a\":%d}", "JSON parse error, stray '%'");
    check_json_error("True", "JSON parse error, stray 'T'");
    check_json_error("{\"a\":01}", "JSON parse error, stray '01'");
    check_json_error("{\"a\":-01}", "JSON parse error, stray '-01'");
    check_json_error("{\"a\":-}", "JSON parse error, stray '-}'");
    check_json_error("{\"a\":.5}", "JSON parse error, stray '.'");
    check_json_error("{\"a\":1.}", "JSON parse error, stray '1.}'");
    check_json_error("{\"a\":1e}", "JSON parse error, stray '1e}'");
    check_json_error("{\"a\":1.5e+}", "JSON parse error, stray '1.5e+}'");
    check_json_error("\"abc", "JSON parse error, stray '\"abc'");
    check_json_error("\"a\\", "JSON parse error, stray '\"a\\'");
    check_json_error("\"a\nb\"", "JSON parse error, stray '\"a\n'");
    check_json_error("\"a\xff\"", "JSON parse error, stray '\"a\xff'");
    check_json_error("\"\xed\xa0\x80\"", "JSON parse error, stray '\"\xed'");
    check_json_error("\"\xe2\x82", "JSON parse error, stray '\"\xe2'");
    check_json_error("\"\\\xff\"", "JSON parse error, stray '\"\\\xff'");
}

static void json_bad_escapes_are_refused(void)
{
    check_json_error("\"\\q\"", "JSON parse error, invalid escape sequence in string");
    check_json_error("\"\\x41\"", "JSON parse error, invalid escape sequence in string");
    check_json_error("\"\\u12\"", "JSON parse error, \\u12\" is not a valid Unicode character");
    check_json_error("\"\\u{41}\"", "JSON parse error, \\u{41} is not a valid Unicode character");
    check_json_error("\"\\ud800\"", "JSON parse error, \\ud800 is not a valid Unicode character");
    check_json_error("\"\\ude00\"", "JSON parse error, \\ude00 is not a valid Unicode character");
    check_json_error("\"\\ud83d\\u0041\"", "JSON parse error, \\ud83d is not a valid Unicode character");
    check_json_error("\"\\u0000\"", "JSON parse error, \\u0000 is not a valid Unicode character");
}

static char *repeat(const char *unit, unsigned n)
{
    GString *text = g_string_new(NULL);

    while (n--)
        g_string_append(text, unit);
    return g_string_free(text, FALSE);
}

static void json_depth_is_bounded(void)
{
    g_autofree char *deep = repeat("[", 500);
    g_autofree char *deeper = repeat("[", 501);
    g_autofree char *huge = repeat("{'a':", 1 << 20);

    check_json_error(deep, "JSON parse error, premature EOI");
    check_json_error(deeper, "JSON nesting depth limit exceeded");
    check_json_error(huge, "JSON nesting depth limit exceeded");
}

static void json_growth_is_bounded(void)
{
    g_autofree char *many = repeat("1,", 100000);
    g_autofree char *key = g_strnfill(1000, 'k');
    g_autofree char *text = g_strdup_printf("{\"%s\":[%s1]}", key, many);

    check_json_error(text, "JSON options of more than 16777216 characters");
}

static const char *const colours[] = {"red", "green", NULL};
static const struct driver_option table[] = {
    {.name = "bool", .type = DRIVER_OPTION_BOOL},
    {.name = "size", .type = DRIVER_OPTION_SIZE},
    {.name = "number", .type = DRIVER_OPTION_NUMBER},
    {.name = "colour", .type = DRIVER_OPTION_ENUM, .values = colours},
    {.name = "group", .type = DRIVER_OPTION_GROUP},
    {.name = "child", .type = DRIVER_OPTION_CHILD},
    {.name = "text", .type = DRIVER_OPTION_STRING},
    {},
};

static void check_types_error(const char *text, const char *expected)
{
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;

    g_assert_true(options_parse(options, text, NULL, NULL));
    g_assert_false(driver_option_check(options, table, &error));
    g_assert_nonnull(error);
    *strchrnul(error->message, '\n') = '\0';
    g_assert_cmpstr(error->message, ==, expected);
}

static void wrong_types_are_named(void)
{
    check_types_error("bool=maybe", "Parameter 'bool' expects 'on' or 'off'");
    check_types_error("bool=ON", "Parameter 'bool' expects 'on' or 'off'");
    check_types_error("bool=", "Parameter 'bool' expects 'on' or 'off'");
    check_types_error("size=abc", "Parameter 'size' expects a non-negative number below 2^64");
    check_types_error("size=-1", "Parameter 'size' expects a non-negative number below 2^64");
    check_types_error("size=", "Parameter 'size' expects a non-negative number below 2^64");
    check_types_error("size=99999999999999999999", "Value '99999999999999999999' is out of range for parameter 'size'");
    check_types_error("number=5k", "Parameter 'number' expects a number");
    check_types_error("number=", "Parameter 'number' expects a number");
    check_types_error("number=18446744073709551616", "Value '18446744073709551616' is too large for parameter 'number'");
    check_types_error("colour=blue", "invalid parameter value: blue");
}

static void values_are_taken_by_type(void)
{
    g_autoptr(options) options = options_new();
    g_autofree char *text = NULL;

    g_assert_true(options_parse(options, "bool=yes,size=1k,number=0x10,colour=green,text=x", NULL, NULL));
    g_assert_true(driver_option_check(options, table, NULL));
    g_assert_true(options_take_bool(options, "bool", false));
    g_assert_cmpint(options_take_size(options, "size", 7), ==, 1024);
    g_assert_cmpuint(options_take_number(options, "number", 7), ==, 16);
    g_assert_cmpint(options_take_enum(options, "colour", colours, 0), ==, 1);
    text = options_take_string(options, "text");
    g_assert_cmpstr(text, ==, "x");
    g_assert_cmpuint(options_count(options), ==, 0);
}

static void absent_and_null_values_fall_back(void)
{
    g_autoptr(options) options = options_new();

    options_set(options, "size", NULL);
    g_assert_true(driver_option_check(options, table, NULL));
    g_assert_cmpint(options_take_size(options, "size", 7), ==, 7);
    g_assert_false(options_has(options, "size"));
    g_assert_true(options_take_bool(options, "bool", true));
    g_assert_cmpuint(options_take_number(options, "number", 8), ==, 8);
    g_assert_cmpint(options_take_enum(options, "colour", colours, 1), ==, 1);
    g_assert_null(options_take_string(options, "text"));
}

static void rows_are_found_by_key(void)
{
    g_assert_cmpstr(driver_option_find(table, "size")->name, ==, "size");
    g_assert_cmpstr(driver_option_find(table, "group.0.x")->name, ==, "group");
    g_assert_cmpstr(driver_option_find(table, "child")->name, ==, "child");
    g_assert_cmpstr(driver_option_find(table, "child.x")->name, ==, "child");
    g_assert_null(driver_option_find(table, "group"));
    g_assert_null(driver_option_find(table, "size.x"));
    g_assert_null(driver_option_find(table, "siz"));
    g_assert_null(driver_option_find(NULL, "size"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/set-overrides-in-place", set_overrides_in_place);
    g_test_add_func("/options/remove-forgets", remove_forgets);
    g_test_add_func("/options/copy-is-independent", copy_is_independent);
    g_test_add_func("/options/take-child-moves-its-keys", take_child_moves_its_keys);
    g_test_add_func("/options/text-parses", text_parses);
    g_test_add_func("/options/word-without-value-is-a-switch", word_without_value_is_a_switch);
    g_test_add_func("/options/text-of-a-mebibyte-parses-at-once", text_of_a_mebibyte_parses_at_once);
    g_test_add_func("/options/long-key-is-refused", long_key_is_refused);
    g_test_add_func("/options/json-is-flattened", json_is_flattened);
    g_test_add_func("/options/json-numbers-are-worked-out", json_numbers_are_worked_out);
    g_test_add_func("/options/json-strings-are-unescaped", json_strings_are_unescaped);
    g_test_add_func("/options/json-errors-say-what-the-reference-says", json_errors_say_what_the_reference_says);
    g_test_add_func("/options/json-stray-characters-are-named", json_stray_characters_are_named);
    g_test_add_func("/options/json-bad-escapes-are-refused", json_bad_escapes_are_refused);
    g_test_add_func("/options/json-depth-is-bounded", json_depth_is_bounded);
    g_test_add_func("/options/json-growth-is-bounded", json_growth_is_bounded);
    g_test_add_func("/options/wrong-types-are-named", wrong_types_are_named);
    g_test_add_func("/options/values-are-taken-by-type", values_are_taken_by_type);
    g_test_add_func("/options/absent-and-null-values-fall-back", absent_and_null_values_fall_back);
    g_test_add_func("/options/rows-are-found-by-key", rows_are_found_by_key);
    return g_test_run();
}
