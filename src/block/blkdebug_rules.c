/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/blkdebug_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/driver_option.h"

enum {
    SECTOR = 512,
    KEY_MAX = 63, /* characters of a key, a section or its name in a configuration file; the rest is another word */
};

static const char *const iotype_names[] = {"read", "write", "write-zeroes", "discard", "flush", "block-status", NULL};

static const struct driver_option inject_table[] = {
    {.name = "event", .type = DRIVER_OPTION_STRING},
    {.name = "state", .type = DRIVER_OPTION_NUMBER},
    {.name = "iotype", .type = DRIVER_OPTION_ENUM, .values = iotype_names},
    {.name = "errno", .type = DRIVER_OPTION_NUMBER},
    {.name = "sector", .type = DRIVER_OPTION_NUMBER},
    {.name = "once", .type = DRIVER_OPTION_BOOL},
    {.name = "immediately", .type = DRIVER_OPTION_BOOL},
    {},
};

static const struct driver_option state_table[] = {
    {.name = "event", .type = DRIVER_OPTION_STRING},
    {.name = "state", .type = DRIVER_OPTION_NUMBER},
    {.name = "new_state", .type = DRIVER_OPTION_NUMBER},
    {},
};

static const struct section {
    const char *name;
    const struct driver_option *table;
} sections[] = {{"inject-error", inject_table}, {"set-state", state_table}};

void blkdebug_rules_clear(struct blkdebug_rules *rules)
{
    for (int i = 0; i < BLK_EVENT_COUNT; i++)
        g_queue_clear_full(&rules->by_event[i], g_free);
}

/* ---- a rule ---- */

/* A state of which there are as many as there are positive numbers; "-1" and others never come up. */
static int64_t take_state(struct options *options, const char *key, int64_t fallback)
{
    uint64_t value = options_take_number(options, key, fallback);

    return value > INT64_MAX ? -1 : (int64_t)value;
}

static int64_t take_offset(struct options *options)
{
    uint64_t sector = options_take_number(options, "sector", UINT64_MAX);

    if (sector == UINT64_MAX)
        return -1;
    return sector > INT64_MAX / SECTOR ? -2 : (int64_t)sector * SECTOR;
}

/* Adds the rule that options describe; they are of the section's keys and types only. */
static int add_rule(struct blkdebug_rules *rules, const struct section *section, struct options *options, GError **error)
{
    g_autofree char *name = options_take_string(options, "event");
    struct blkdebug_rule rule = {.inject = section->table == inject_table};
    uint64_t number;
    int iotype;

    if (!name)
        return options_refuse(error, EINVAL, "Missing event name for rule");
    if (blk_event_parse(name, &rule.event) < 0)
        return options_refuse(error, EINVAL, "invalid parameter value: %s", name);
    if (!driver_option_check(options, section->table, error))
        return -EINVAL;
    rule.state = take_state(options, "state", 0);
    if (rule.inject) {
        number = options_take_number(options, "errno", EIO);
        rule.error = number > INT_MAX ? 0 : (int)number;
        rule.offset = take_offset(options);
        rule.once = options_take_bool(options, "once", false);
        rule.immediately = options_take_bool(options, "immediately", false);
        iotype = options_take_enum(options, "iotype", iotype_names, -1);
        rule.iotypes = iotype >= 0 ? 1U << iotype
                                   : BLKDEBUG_READ | BLKDEBUG_WRITE | BLKDEBUG_WRITE_ZEROES | BLKDEBUG_DISCARD | BLKDEBUG_FLUSH;
    } else {
        rule.new_state = take_state(options, "new_state", 0);
    }
    rule.id = ++rules->last_id;
    g_queue_push_tail(&rules->by_event[rule.event], g_memdup2(&rule, sizeof(rule)));
    return 0;
}

/* ---- options ---- */

static const char *find_unknown(const struct options *options, const struct section *section)
{
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;

        options_at(options, i, &key, &value);
        if (!driver_option_find(section->table, key))
            return key;
    }
    return NULL;
}

/* The rules "SECTION.0.*", "SECTION.1.*", ..., or the single rule "SECTION.*". */
static int take_section(struct blkdebug_rules *rules, const struct section *section, struct options *options, GError **error)
{
    g_autoptr(options) all = options_take_child(options, section->name);
    const char *unknown, *value;
    int ret;

    for (unsigned i = 0; options_count(all); i++) {
        g_autofree char *index = g_strdup_printf("%u", i);
        g_autoptr(options) one = NULL;

        if (options_has(all, index))
            return options_refuse(error, EINVAL, "[%s] section (index %u) does not consist of keys", section->name, i);
        one = options_take_child(all, index);
        if (!options_count(one))
            break;
        unknown = find_unknown(one, section);
        if (unknown)
            return options_refuse(error, EINVAL, "[%s] section doesn't support the option '%s'", section->name, unknown);
        ret = add_rule(rules, section, one, error);
        if (ret < 0)
            return ret;
    }
    if (!options_count(all))
        return 0;
    if (options_has(all, "event")) {
        unknown = find_unknown(all, section);
        if (unknown)
            return options_refuse(error, EINVAL, "Unknown option '%s' for [%s]", unknown, section->name);
        return add_rule(rules, section, all, error);
    }
    options_at(all, 0, &unknown, &value);
    return options_refuse(error, EINVAL, "Unused option '%s' for [%s]", unknown, section->name);
}

int blkdebug_rules_take(struct blkdebug_rules *rules, struct options *options, GError **error)
{
    int ret = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(sections) && ret == 0; i++)
        ret = take_section(rules, &sections[i], options, error);
    return ret;
}

/* ---- one of them ---- */

int blkdebug_rules_add(struct blkdebug_rules *rules, const struct options *options, GError **error)
{
    const struct section *section = &sections[options_has(options, "new_state")];
    g_autoptr(options) copy = options_copy(options);
    const char *unknown = find_unknown(options, section);

    if (unknown)
        return options_refuse(error, EINVAL, "Unknown option '%s' for [%s]", unknown, section->name);
    return add_rule(rules, section, copy, error);
}

char *blkdebug_rule_text(const struct blkdebug_rule *rule)
{
    GString *text = g_string_new("event=");

    g_string_append(text, blk_event_name(rule->event));
    if (rule->state)
        g_string_append_printf(text, ",state=%" PRId64, rule->state);
    if (!rule->inject) {
        g_string_append_printf(text, ",new_state=%" PRId64, rule->new_state);
        return g_string_free(text, FALSE);
    }
    for (int i = 0; iotype_names[i]; i++) {
        if (rule->iotypes == 1U << i)
            g_string_append_printf(text, ",iotype=%s", iotype_names[i]);
    }
    g_string_append_printf(text, ",errno=%d", rule->error);
    if (rule->offset != -1)
        g_string_append_printf(text, ",sector=%" PRId64, rule->offset < 0 ? INT64_MAX : rule->offset / SECTOR);
    if (rule->once)
        g_string_append(text, ",once=on");
    if (rule->immediately)
        g_string_append(text, ",immediately=on");
    return g_string_free(text, FALSE);
}

/* ---- the configuration file ---- */

/* What was read of the section the lines are in. */
struct reader {
    struct blkdebug_rules *rules;
    const struct section *section; /* NULL before the first */
    struct options *options;       /* of the section so far */
    GError **error;
};

static int end_section(struct reader *reader)
{
    int ret = reader->section ? add_rule(reader->rules, reader->section, reader->options, reader->error) : 0;

    options_free(reader->options);
    reader->options = options_new();
    return ret;
}

/* "[NAME]" or "[NAME "ID"]", whatever follows. */
static int begin_section(struct reader *reader, const char *line)
{
    size_t len = strcspn(line + 1, "]");
    size_t word = strcspn(line + 1, " \t]");
    bool has_id = g_str_has_prefix(line + 1 + word, " \"");
    g_autofree char *name = g_strndup(line + 1, has_id ? word : len);
    int ret = end_section(reader);

    if (ret < 0)
        return ret;
    if (!*name)
        return options_refuse(reader->error, EINVAL, "no group defined");
    if (line[1 + len] != ']')
        return options_refuse(reader->error, EINVAL, "parse error");
    for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (strcmp(sections[i].name, name) == 0) {
            reader->section = &sections[i];
            return 0;
        }
    }
    return options_refuse(reader->error, EINVAL, "There is no option group '%.*s'", KEY_MAX, name);
}

/* `KEY = "VALUE"`, the value empty if it is not written like that. */
static int take_line(struct reader *reader, const char *line)
{
    size_t len = strcspn(line, " \t\r");
    g_autofree char *key = g_strndup(line, MIN(len, KEY_MAX));
    g_autofree char *value = NULL;
    const char *end;

    if (!reader->section)
        return options_refuse(reader->error, EINVAL, "no group defined");
    if (!*key)
        return options_refuse(reader->error, EINVAL, "parse error");
    if (!driver_option_find(reader->section->table, key))
        return options_refuse(reader->error, EINVAL, "Invalid parameter '%s'", key);
    line += len;
    line += strspn(line, " \t");
    line += *line == '=';
    line += strspn(line, " \t");
    end = *line == '"' ? strchr(line + 1, '"') : line;
    if (!end)
        return options_refuse(reader->error, EINVAL, "parse error");
    value = *line == '"' ? g_strndup(line + 1, end - line - 1) : g_strdup("");
    options_set(reader->options, key, value);
    return driver_option_check(reader->options, reader->section->table, reader->error) ? 0 : -EINVAL;
}

int blkdebug_rules_parse(struct blkdebug_rules *rules, const char *text, GError **error)
{
    struct reader reader = {.rules = rules, .options = options_new(), .error = error};
    int ret = 0;

    while (*text && ret == 0) {
        size_t len = strcspn(text, "\n");
        g_autofree char *line = g_strndup(text, len);
        const char *start = line + strspn(line, " \t");

        text += len + (text[len] == '\n');
        if (*line == '\0' || *line == '#')
            continue;
        /* Only at the start of a line a bracket opens a section. */
        ret = *line == '[' ? begin_section(&reader, line) : take_line(&reader, start);
    }
    if (ret == 0)
        ret = end_section(&reader);
    options_free(reader.options);
    return ret;
}
