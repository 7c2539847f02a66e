/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check, explain, header: an image's own structure. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"

static int no_structure(const struct command_call *call, const char *what, int ret)
{
    if (ret != -ENOTSUP)
        return report_failure(call, what, ret);
    report_error(call, "%s: the image's format has no structure to look into", what);
    return ret;
}

/* ---- owners ---- */

static char *owner_text(const struct command_call *call, const struct inspect_owner *owner)
{
    GString *text = g_string_new(inspect_role_name(owner->role));
    g_autofree char *name = owner->snapshot_name ? report_text(call, owner->snapshot_name) : NULL;
    g_autofree char *id = owner->snapshot_id ? report_text(call, owner->snapshot_id) : NULL;
    g_autofree char *bitmap = owner->bitmap ? report_text(call, owner->bitmap) : NULL;
    if (owner->guest >= 0)
        g_string_append_printf(text, " of guest offset 0x%" PRIx64, owner->guest);
    if (id)
        g_string_append_printf(text, ", snapshot %s (%s)", id, name);
    if (bitmap)
        g_string_append_printf(text, ", bitmap %s", bitmap);
    if (owner->entry_host >= 0)
        g_string_append_printf(text, ", named by entry 0x%" PRIx64 " at 0x%" PRIx64, owner->entry, owner->entry_host);
    return g_string_free(text, FALSE);
}

/* cluster: of the file, that is in question; -1: it was asked for and is known. */
static void show_owner_json(const struct command_call *call, int64_t cluster, const struct inspect_owner *owner)
{
    struct report_json_member members[] = {
        report_json_size("cluster", cluster),
        report_json_text("owner", inspect_role_name(owner->role)),
        report_json_size("start", owner->host),
        report_json_size("length", owner->bytes),
        report_json_size("guest", owner->guest),
        report_json_text("snapshot-id", owner->snapshot_id),
        report_json_text("snapshot", owner->snapshot_name),
        report_json_text("bitmap", owner->bitmap),
        report_json_size("entry-at", owner->entry_host),
        {"entry", NULL, owner->entry, owner->entry_host < 0 ? "null" : NULL},
    };
    unsigned skipped = cluster < 0;
    report_json_members(call, members + skipped, G_N_ELEMENTS(members) - skipped);
}

/* ---- check ---- */

enum {
    CLUSTERS_SHOWN = 256, /* whose owners are looked up, all in one pass */
    OWNERS_SHOWN = 16,    /* of one cluster */
    PLACES_SHOWN = 8,     /* within one cluster */
    PLACES_KEPT = 4096,
};

struct check {
    const struct command_call *call;
    int64_t cluster_size;
    GArray *hosts;     /* int64_t, where the first problems are */
    GArray *places;    /* int64_t, of those that are within a cluster: wrong entries of tables */
    int64_t left_out;  /* problems whose owners are not looked up */
};

static void say_problem(const struct command_call *call, const struct inspect_problem *problem)
{
    static const char *const severities[] = {
        [INSPECT_CORRUPTION] = "corruption", [INSPECT_LEAK] = "leak", [INSPECT_ERROR] = "error"};
    if (report_as_json(call)) {
        struct report_json_member members[] = {
            report_json_text("problem", problem->text), report_json_text("severity", severities[problem->severity]),
            report_json_size("host", problem->host), report_json_flag("repaired", problem->repaired)};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return;
    }
    g_auto(GStrv) lines = g_strsplit(problem->text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        g_autofree char *line = report_text(call, lines[i]);
        report_say(call, "%s", line);
    }
}

static int show_problem(void *data, const struct inspect_problem *problem)
{
    struct check *check = data;
    say_problem(check->call, problem);
    int64_t host = check->cluster_size > 0 ? problem->host / check->cluster_size * check->cluster_size : problem->host;
    if (problem->host < 0 || problem->repaired)
        return 0;
    if (problem->host != host && check->places->len < PLACES_KEPT)
        g_array_append_val(check->places, problem->host);
    for (unsigned i = check->hosts->len; i-- > 0;) /* they come in rows: the last ones are tried first */
        if (g_array_index(check->hosts, int64_t, i) == host)
            return 0;
    if (check->hosts->len < CLUSTERS_SHOWN)
        g_array_append_val(check->hosts, host);
    else
        check->left_out++;
    return 0;
}

static int show_owner(void *data, const struct inspect_owner *owner)
{
    const struct command_call *call = data;
    if (report_as_json(call)) {
        show_owner_json(call, -1, owner);
        return 0;
    }
    g_autofree char *text = owner_text(call, owner);
    report_say(call, "    %s", text);
    return 0;
}

/* What names one cluster, as it is found. */
struct named {
    GString *lines;
    unsigned count;
};

struct owners {
    const struct command_call *call;
    const int64_t *hosts;
    struct named *named; /* as hosts */
};

static int note_owner(void *data, unsigned i, const struct inspect_owner *owner)
{
    const struct owners *owners = data;
    struct named *named = &owners->named[i];
    if (named->count++ >= OWNERS_SHOWN)
        return 0;
    if (report_as_json(owners->call)) {
        show_owner_json(owners->call, owners->hosts[i], owner);
    } else {
        g_autofree char *text = owner_text(owners->call, owner);
        g_string_append_printf(named->lines, "%s    %s", named->lines->len ? "\n" : "", text);
    }
    return 0;
}

static int compare_hosts(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return first < second ? -1 : first > second;
}

static void sort_hosts(GArray *hosts)
{
    g_array_sort(hosts, compare_hosts);
    for (unsigned i = hosts->len; i-- > 1;)
        if (g_array_index(hosts, int64_t, i) == g_array_index(hosts, int64_t, i - 1))
            g_array_remove_index(hosts, i);
}

/* Where in the cluster the wrong entries are. */
static void show_places(const struct check *check, int64_t host)
{
    unsigned count = 0;
    for (unsigned i = 0; i < check->places->len; i++) {
        int64_t at = g_array_index(check->places, int64_t, i);
        if (at >= host && at - host < check->cluster_size && count++ < PLACES_SHOWN)
            report_say(check->call, "    wrong is what stands at 0x%" PRIx64, at);
    }
    if (count > PLACES_SHOWN)
        report_say(check->call, "    and at %u places more", count - PLACES_SHOWN);
}

static void show_named(const struct check *check, int64_t host, const struct named *named)
{
    const struct command_call *call = check->call;
    if (report_as_json(call)) {
        struct report_json_member members[] = {{"cluster", NULL, host}, {"owners", NULL, named->count}};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return;
    }
    report_say(call, "cluster at 0x%" PRIx64 ":", host);
    show_places(check, host);
    g_auto(GStrv) lines = g_strsplit(named->lines->str, "\n", -1);
    for (int i = 0; lines[i]; i++)
        report_say(call, "%s", lines[i]);
    if (named->count > OWNERS_SHOWN)
        report_say(call, "    and %u more", named->count - OWNERS_SHOWN);
    if (named->count == 0)
        report_say(call, "    nothing names it");
}

/* Whose the clusters are in which problems were found. */
static int show_owners_co(const struct check *check)
{
    const struct command_call *call = check->call;
    sort_hosts(check->hosts);
    unsigned count = check->hosts->len;
    const int64_t *hosts = (const int64_t *)check->hosts->data;
    struct owners owners = {call, hosts, g_new0(struct named, count)};
    for (unsigned i = 0; i < count; i++)
        owners.named[i].lines = g_string_new(NULL);
    int ret = inspect_owners_co(call->session->blk, hosts, count, note_owner, &owners);
    for (unsigned i = 0; i < count; i++) {
        if (ret == 0)
            show_named(check, hosts[i], &owners.named[i]);
        g_string_free(owners.named[i].lines, TRUE);
    }
    g_free(owners.named);
    if (ret == 0 && check->left_out)
        report_say(call, "%" PRId64 " further problems: 'explain --host OFFSET' shows who names a cluster", check->left_out);
    return ret;
}

/* The names that `qemu-img check --output=json` has. */
static void show_result_json(const struct command_call *call, const struct inspect_check *result)
{
    struct report_json_member members[] = {
        {"corruptions", NULL, result->corruptions},
        {"leaks", NULL, result->leaks},
        {"check-errors", NULL, result->check_errors},
        {"total-clusters", NULL, result->total_clusters},
        {"allocated-clusters", NULL, result->allocated_clusters},
        {"fragmented-clusters", NULL, result->fragmented_clusters},
        {"compressed-clusters", NULL, result->compressed_clusters},
        {"image-end-offset", NULL, result->image_end},
    };
    report_json_members(call, members, G_N_ELEMENTS(members));
}

static void show_result(const struct command_call *call, const struct inspect_check *result)
{
    if (report_as_json(call)) {
        show_result_json(call, result);
        return;
    }
    int64_t allocated = MAX(result->allocated_clusters, 1);
    if (!result->corruptions && !result->leaks && !result->check_errors)
        report_say(call, "No errors were found on the image.");
    if (result->corruptions)
        report_say(call, "%" PRId64 " errors were found on the image.", result->corruptions);
    if (result->leaks)
        report_say(call, "%" PRId64 " leaked clusters were found on the image.", result->leaks);
    if (result->check_errors)
        report_say(call, "%" PRId64 " internal errors have occurred during the check.", result->check_errors);
    if (result->total_clusters && result->allocated_clusters)
        report_say(call, "%" PRId64 "/%" PRId64 " = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters",
                   result->allocated_clusters, result->total_clusters, result->allocated_clusters * 100.0 / result->total_clusters,
                   result->fragmented_clusters * 100.0 / allocated, result->compressed_clusters * 100.0 / allocated);
    report_say(call, "Image end offset: %" PRId64, result->image_end);
}

/* 0 and what is left to check, or a negative errno. */
static int repair_co(const struct command_call *call, enum inspect_fix fix, struct check *check, struct inspect_check *ret_result)
{
    int ret = inspect_repair_co(call->session->blk, fix, show_problem, check, ret_result);
    session_notify_image(call->session);
    if (ret == -EROFS) {
        report_error(call, "Block node is read-only");
        report_hint(call, "-w opens it for writing, with -o repair=on also if it is too damaged to be written");
        return ret;
    }
    if (ret == -EUCLEAN)
        report_hint(call, "'check -r all' makes them anew");
    if (ret < 0)
        return ret == -ECANCELED ? ret : no_structure(call, "check", ret == -EUCLEAN ? -EIO : ret);
    if (!ret_result->corruptions_fixed && !ret_result->leaks_fixed)
        return 0;
    if (report_as_json(call)) {
        struct report_json_member members[] = {{"corruptions-fixed", NULL, ret_result->corruptions_fixed},
                                               {"leaks-fixed", NULL, ret_result->leaks_fixed}};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return 0;
    }
    report_say(call, "The following inconsistencies were found and repaired:\n\n    %" PRId64 " leaked clusters\n    %" PRId64 " corruptions\n",
               ret_result->leaks_fixed, ret_result->corruptions_fixed);
    report_say(call, "Double checking the fixed image now...");
    return 0;
}

/* NONE, LEAKS or ALL, or -EINVAL. */
static int parse_fix(const struct command_call *call)
{
    struct opts opts;
    int fix = INSPECT_FIX_NONE, option;
    opts_start(&opts, call, command_check.options);
    while ((option = opts_next(&opts)) >= 0) {
        if (option != 'r')
            return command_misused(call, &command_check);
        fix = !strcmp(opts.value, "leaks") ? INSPECT_FIX_LEAKS : !strcmp(opts.value, "all") ? INSPECT_FIX_ALL : -EINVAL;
        if (fix < 0)
            return command_misused(call, &command_check);
    }
    return opts.count ? command_misused(call, &command_check) : fix;
}

static int check_co(const struct command_call *call)
{
    struct check check = {.call = call, .hosts = g_array_new(FALSE, FALSE, sizeof(int64_t)), .places = g_array_new(FALSE, FALSE, sizeof(int64_t))};
    struct blk_info info = {0};
    if (blk_info_co(call->session->blk, &info) == 0)
        check.cluster_size = info.cluster_size;
    blk_info_clear(&info);
    struct inspect_check result = {0};
    session_show_progress(call, &result.done, &result.total);
    int fix = parse_fix(call), ret = MIN(fix, 0);
    if (fix > 0)
        ret = repair_co(call, fix, &check, &result);
    if (ret == 0 && (!fix || result.corruptions_fixed || result.leaks_fixed)) {
        g_array_set_size(check.hosts, 0);
        g_array_set_size(check.places, 0);
        check.left_out = 0;
        ret = inspect_check_co(call->session->blk, show_problem, &check, &result);
        ret = ret < 0 && ret != -ECANCELED ? no_structure(call, "check", ret) : ret;
    }
    if (ret == 0)
        ret = show_owners_co(&check);
    g_array_unref(check.hosts);
    g_array_unref(check.places);
    if (ret < 0)
        return ret;
    show_result(call, &result);
    if (fix == INSPECT_FIX_ALL && result.corruptions)
        report_hint(call, "what is left takes a decision; '-w -f raw' opens the file itself, where hex and poke change entries (on a copy)");
    session_note_check(call->session, inspect_check_status(&result));
    return inspect_check_status(&result) ? -EUCLEAN : 0;
}

const struct command command_check = {
    .name = "check",
    .args = "[-r leaks|all]",
    .options = "r:",
    .max_args = -1,
    .summary = "looks for corruption and leaked space in the image's tables",
    .help = "\n"
            "Every refcount is compared with what the tables name, every entry with what it may be.\n"
            "Under what was found stands what names the clusters concerned. The program's exit status is that of\n"
            "qemu-img check: 1 could not be checked, 2 corruption, 3 leaked clusters; 1 also if another command failed.\n"
            "\n"
            "  -r leaks|all   repairs: refcounts that are too high, or all that can be, up to all refcounts made anew. The\n"
            "                 image has to be open for writing (-w); one that is too damaged for that opens with\n"
            "                 'open -w -o repair=on PATH'\n"
            "\n"
            "  check -r leaks         frees what nothing names\n",
    .flags = COMMAND_OURS,
    .run_co = check_co,
};

/* ---- explain ---- */

static int show_step(void *data, const struct inspect_step *step)
{
    const struct command_call *call = data;
    if (report_as_json(call)) {
        struct report_json_member members[] = {{"layer", NULL, step->depth}, {"step", step->what, 0}, report_json_size("host", step->host),
                                               {"text", step->text, 0}, report_json_text("filename", step->file)};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return 0;
    }
    g_autofree char *file = report_text(call, step->file ? step->file : "");
    if (step->host >= 0)
        report_say(call, "layer %d  %-11s 0x%010" PRIx64 "  %s  (%s)", step->depth, step->what, step->host, step->text, file);
    else
        report_say(call, "layer %d  %-11s %12s  %s  (%s)", step->depth, step->what, "", step->text, file);
    return 0;
}

static int explain_host_co(const struct command_call *call, int64_t host)
{
    uint64_t refcount;
    int ret = inspect_explain_host_co(call->session->blk, host, show_owner, (void *)call, &refcount);
    if (ret < 0)
        return ret == -ECANCELED ? ret : no_structure(call, "explain", ret);
    if (report_as_json(call))
        report_json_members(call, &(struct report_json_member){"refcount", NULL, refcount}, 1);
    else
        report_say(call, "refcount %" PRIu64, refcount);
    return 0;
}

static int explain_co(const struct command_call *call)
{
    bool host = strcmp(call->argv[1], "--host") == 0;
    int64_t offset;
    if (call->argc != (host ? 3 : 2))
        return command_misused(call, &command_explain);
    int ret = report_parse_size(call, "offset", call->argv[call->argc - 1], &offset);
    if (ret < 0)
        return ret;
    if (host)
        return explain_host_co(call, offset);
    ret = inspect_explain_co(call->session->blk, offset, show_step, (void *)call);
    return ret < 0 && ret != -ECANCELED ? no_structure(call, "explain", ret) : ret;
}

const struct command command_explain = {
    .name = "explain",
    .args = "[--host] offset",
    .summary = "shows the way from a guest offset through the tables to its bytes",
    .help = "\n"
            "Each table on the way, its entry and what that says, down the backing chain, and the refcount at the end.\n"
            "\n"
            "  --host   the other way: everything that names the cluster at this offset of the image's file\n"
            "\n"
            "  explain 1M             where the byte at 1 MiB is\n",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_OURS,
    .run_co = explain_co,
};

/* ---- header ---- */

static int show_field(void *data, const struct inspect_field *field)
{
    const struct command_call *call = data;
    if (report_as_json(call)) {
        struct report_json_member members[] = {
            {"field", field->name, 0}, {"offset", NULL, field->offset, field->bytes ? NULL : "null"}, {"length", NULL, field->bytes},
            {"value", field->value, 0}, report_json_text("problem", field->problem)};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return 0;
    }
    g_autofree char *value = report_text(call, field->value);
    g_autofree char *problem = field->problem ? report_text(call, field->problem) : NULL;
    g_autofree char *place = field->bytes ? g_strdup_printf("0x%08" PRIx64 " +%-6" PRId64, field->offset, field->bytes) : g_strdup("");
    report_say(call, "%-18s %-26s %s%s%s", place, field->name, value, problem ? "  ! " : "", problem ? problem : "");
    return 0;
}

static int header_co(const struct command_call *call)
{
    int ret = inspect_header_co(call->session->blk, show_field, (void *)call);
    return ret < 0 && ret != -ECANCELED ? no_structure(call, "header", ret) : ret;
}

const struct command command_header = {
    .name = "header",
    .summary = "shows every field of the image's header, also of a broken one",
    .help = "\n"
            "Where it lies, what it holds and, behind an exclamation mark, what is wrong with it. An image that does not\n"
            "open is looked at as raw: open -o driver=raw PATH, then header.\n"
            "\n"
            "  header                 of the image that is open\n",
    .flags = COMMAND_OURS,
    .run_co = header_co,
};
