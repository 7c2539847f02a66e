/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our reading of JSON options against json-glib's of the same random texts. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "block/options.h"

enum { DOCUMENTS = 2000, DEPTH = 5 };

/* ---- random documents, written by json-glib ---- */

static char *random_text(void)
{
    static const char *const pieces[] = {"a", "\"", "\\", "/", "\n", "\x01", "é", "€", "😀", "'", " ", "driver", "."};
    GString *text = g_string_new(NULL);
    for (int n = g_test_rand_int_range(0, 6); n > 0; n--)
        g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
    return g_string_free(text, FALSE);
}

static JsonNode *random_node(int depth);

static JsonNode *random_object(int depth)
{
    JsonObject *object = json_object_new();
    for (int n = g_test_rand_int_range(0, 5); n > 0; n--) {
        g_autofree char *text = random_text();
        g_autofree char *key = g_strdup_printf("%d%s", n, text);
        json_object_set_member(object, key, random_node(depth - 1));
    }
    JsonNode *node = json_node_alloc();
    json_node_init_object(node, object);
    json_object_unref(object);
    return node;
}

static JsonNode *random_array(int depth)
{
    JsonArray *array = json_array_new();
    for (int n = g_test_rand_int_range(0, 5); n > 0; n--)
        json_array_add_element(array, random_node(depth - 1));
    JsonNode *node = json_node_alloc();
    json_node_init_array(node, array);
    json_array_unref(array);
    return node;
}

static JsonNode *random_node(int depth)
{
    g_autofree char *text = NULL;
    switch (g_test_rand_int_range(depth > 0 ? 0 : 2, 7)) {
    case 0:
        return random_object(depth);
    case 1:
        return random_array(depth);
    case 2:
        return json_node_init_null(json_node_alloc());
    case 3:
        return json_node_init_boolean(json_node_alloc(), g_test_rand_bit());
    case 4:
        return json_node_init_int(json_node_alloc(), (int64_t)((uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int()));
    default:
        text = random_text();
        return json_node_init_string(json_node_alloc(), text);
    }
}

static char *random_document(void)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) root = random_object(DEPTH);
    json_generator_set_pretty(generator, g_test_rand_bit());
    json_generator_set_root(generator, root);
    return json_generator_to_data(generator, NULL);
}

/* ---- what json-glib reads, flattened as options.h says ---- */

static void flatten(struct options *options, const char *key, JsonNode *node);

static void flatten_members(struct options *options, const char *key, JsonObject *object)
{
    GList *names = json_object_get_members(object);
    for (GList *l = names; l; l = l->next) {
        g_autofree char *path = *key ? g_strconcat(key, ".", l->data, NULL) : g_strdup(l->data);
        flatten(options, path, json_object_get_member(object, l->data));
    }
    g_list_free(names);
}

static void flatten_elements(struct options *options, const char *key, JsonArray *array)
{
    for (unsigned i = 0; i < json_array_get_length(array); i++) {
        g_autofree char *path = g_strdup_printf("%s.%u", key, i);
        flatten(options, path, json_array_get_element(array, i));
    }
}

static void flatten(struct options *options, const char *key, JsonNode *node)
{
    g_autofree char *number = NULL;
    if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObject *object = json_node_get_object(node);
        if (json_object_get_size(object) == 0)
            options_set(options, key, "");
        flatten_members(options, key, object);
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *array = json_node_get_array(node);
        if (json_array_get_length(array) == 0)
            options_set(options, key, "");
        flatten_elements(options, key, array);
    } else if (JSON_NODE_HOLDS_NULL(node)) {
        options_set(options, key, NULL);
    } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
        options_set(options, key, json_node_get_boolean(node) ? "on" : "off");
    } else if (json_node_get_value_type(node) == G_TYPE_STRING) {
        options_set(options, key, json_node_get_string(node));
    } else {
        number = g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
        options_set(options, key, number);
    }
}

static void test_agrees_on_random_documents(void)
{
    for (int i = 0; i < DOCUMENTS; i++) {
        g_autofree char *text = random_document();
        g_autoptr(options) ours = options_new(), theirs = options_new();
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autoptr(GError) error = NULL;
        g_test_message("%s", text);
        json_parser_load_from_data(parser, text, -1, &error);
        g_assert_no_error(error);
        flatten_members(theirs, "", json_node_get_object(json_parser_get_root(parser)));
        options_parse_json(ours, text, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(options_count(ours), ==, options_count(theirs));
        for (unsigned k = 0; k < options_count(ours); k++) {
            const char *key, *value;
            options_at(theirs, k, &key, &value);
            g_assert_true(options_has(ours, key));
            g_assert_cmpstr(options_get(ours, key), ==, value);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-oracle/agrees-on-random-documents", test_agrees_on_random_documents);
    return g_test_run();
}
