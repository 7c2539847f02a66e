/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each limit is a bucket (QEMU's docs/throttle.txt): a request pours in what it costs, the bucket leaks at the limit's rate, and while it is
 * more than full nobody may go.  What a full one holds is what may go at once: a tenth of a second's worth, or a whole burst.  A burst
 * longer than a second has a second bucket, which leaks at the burst's rate.
 */
#include "block/throttle_bucket.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const kind_names[THROTTLE_KINDS] = {"iops-total", "iops-read", "iops-write", "bps-total", "bps-read", "bps-write"};

/* What may go at once where no burst is given, as a part of a second. */
#define AT_ONCE 0.1
#define VALUE_MAX INT64_C(1000000000000000)

/* ---- limits ---- */

/* Where a property's value goes, by its name without "x-" or "limits."; NULL: there is none of that name. */
static uint64_t *find_value(struct throttle_limits *limits, const char *name)
{
    if (strcmp(name, "iops-size") == 0)
        return &limits->request_bytes;
    for (int i = 0; i < THROTTLE_KINDS; i++) {
        if (!g_str_has_prefix(name, kind_names[i]))
            continue;
        const char *rest = name + strlen(kind_names[i]);
        if (!*rest)
            return &limits->kinds[i].rate;
        if (strcmp(rest, "-max") == 0)
            return &limits->kinds[i].burst;
        if (strcmp(rest, "-max-length") == 0)
            return &limits->kinds[i].length;
    }
    return NULL;
}

void throttle_limits_list(GString *lines)
{
    for (int i = 0; i < THROTTLE_KINDS; i++)
        g_string_append_printf(lines, "  x-%s\n  x-%s-max\n  x-%s-max-length\n", kind_names[i], kind_names[i], kind_names[i]);
    g_string_append(lines, "  x-iops-size\n");
}

static bool parse_integer(const char *text, int64_t *ret_value)
{
    char *end;
    errno = 0;
    *ret_value = g_ascii_strtoll(text, &end, 0);
    return errno == 0 && end != text && !*end;
}

static bool take_value(struct throttle_limits *limits, const char *key, const char *text, GError **error)
{
    bool short_form = g_str_has_prefix(key, "x-");
    const char *name = short_form ? key + 2 : g_str_has_prefix(key, "limits.") ? key + strlen("limits.") : NULL;
    uint64_t *value = name ? find_value(limits, name) : NULL;
    int64_t number;
    if (strcmp(key, "limits") == 0)
        return options_deny(error, "Invalid parameter type for 'limits', expected: object");
    if (!value)
        return options_deny(error, "Parameter '%s' is unexpected", key);
    if (!text || !parse_integer(text, &number))
        return options_deny(error, "Parameter '%s' expects integer", key);
    if (short_form && number < 0)
        return options_deny(error, "Property values cannot be negative");
    /* The missing space is the reference program's. */
    if (short_form && g_str_has_suffix(key, "-length") && number > UINT32_MAX)
        return options_deny(error, "%s value must be in therange [0, %" PRIu32 "]", key, UINT32_MAX);
    *value = (uint64_t)number;
    return true;
}

static bool mixes_total(const struct throttle_limits *limits, int total)
{
    const uint64_t rates = limits->kinds[total + 1].rate | limits->kinds[total + 2].rate;
    const uint64_t bursts = limits->kinds[total + 1].burst | limits->kinds[total + 2].burst;
    return (limits->kinds[total].rate && rates) || (limits->kinds[total].burst && bursts);
}

static bool check_kind(uint64_t rate, uint64_t burst, uint64_t length, GError **error)
{
    if (rate > VALUE_MAX || burst > VALUE_MAX)
        return options_deny(error, "bps/iops/max values must be within [0, %" PRId64 "]", VALUE_MAX);
    if (length == 0)
        return options_deny(error, "the burst length cannot be 0");
    if (length > 1 && !burst)
        return options_deny(error, "burst length set without burst rate");
    if (burst && length > (uint64_t)VALUE_MAX / burst)
        return options_deny(error, "burst length too high for this burst rate");
    if (burst && !rate)
        return options_deny(error, "bps_max/iops_max require corresponding bps/iops values");
    if (burst && burst < rate)
        return options_deny(error, "bps_max/iops_max cannot be lower than bps/iops");
    return true;
}

static bool check_limits(const struct throttle_limits *limits, GError **error)
{
    bool iops = false;
    if (mixes_total(limits, THROTTLE_BPS_TOTAL) || mixes_total(limits, THROTTLE_IOPS_TOTAL))
        return options_deny(error, "bps/iops/max total values and read/write values cannot be used at the same time");
    for (int i = THROTTLE_IOPS_TOTAL; i <= THROTTLE_IOPS_WRITE; i++)
        iops = iops || limits->kinds[i].rate;
    if (limits->request_bytes && !iops)
        return options_deny(error, "iops size requires an iops value to be set");
    for (int i = 0; i < THROTTLE_KINDS; i++) {
        if (!check_kind(limits->kinds[i].rate, limits->kinds[i].burst, limits->kinds[i].length, error))
            return false;
    }
    return true;
}

bool throttle_limits_parse(const struct options *object, struct throttle_limits *ret_limits, GError **error)
{
    struct throttle_limits limits = {0};
    for (int i = 0; i < THROTTLE_KINDS; i++)
        limits.kinds[i].length = 1;
    for (unsigned i = 0; i < options_count(object); i++) {
        const char *key, *value;
        options_at(object, i, &key, &value);
        if (strcmp(key, "qom-type") != 0 && strcmp(key, "id") != 0 && !take_value(&limits, key, value, error))
            return false;
    }
    if (!check_limits(&limits, error))
        return false;
    *ret_limits = limits;
    return true;
}

/* ---- buckets ---- */

void throttle_init(struct throttle *throttle, const struct throttle_limits *limits, int64_t now_ns)
{
    *throttle = (struct throttle){.limits = *limits, .leaked_ns = now_ns};
}

static void leak(struct throttle *throttle, int64_t now_ns)
{
    double seconds = (double)(now_ns - throttle->leaked_ns) / 1e9;
    if (seconds <= 0)
        return;
    throttle->leaked_ns = now_ns;
    for (int i = 0; i < THROTTLE_KINDS; i++) {
        throttle->level[i] = MAX(throttle->level[i] - (double)throttle->limits.kinds[i].rate * seconds, 0);
        throttle->burst[i] = MAX(throttle->burst[i] - (double)throttle->limits.kinds[i].burst * seconds, 0);
    }
}

static bool concerns(int kind, bool write)
{
    return kind % 3 == 0 || kind % 3 == (write ? 2 : 1);
}

/* Seconds until the bucket is no more than full. */
static double overflow_seconds(double level, double size, double rate)
{
    return level > size ? (level - size) / rate : 0;
}

static double kind_delay_seconds(const struct throttle *throttle, int kind)
{
    const double rate = (double)throttle->limits.kinds[kind].rate, burst = (double)throttle->limits.kinds[kind].burst;
    const double length = (double)throttle->limits.kinds[kind].length;
    if (rate <= 0)
        return 0;
    if (burst <= 0)
        return overflow_seconds(throttle->level[kind], rate * AT_ONCE, rate);
    double delay = overflow_seconds(throttle->level[kind], burst * length, rate);
    return length > 1 ? MAX(delay, overflow_seconds(throttle->burst[kind], burst * AT_ONCE, burst)) : delay;
}

int64_t throttle_delay_ns(struct throttle *throttle, bool write, int64_t now_ns)
{
    double delay = 0;
    leak(throttle, now_ns);
    for (int i = 0; i < THROTTLE_KINDS; i++) {
        if (concerns(i, write))
            delay = MAX(delay, kind_delay_seconds(throttle, i));
    }
    return delay * 1e9 >= 0x1p62 ? INT64_C(1) << 62 : (int64_t)(delay * 1e9);
}

void throttle_account(struct throttle *throttle, bool write, int64_t bytes)
{
    double request_bytes = (double)throttle->limits.request_bytes;
    double requests = request_bytes > 0 && (double)bytes > request_bytes ? (double)bytes / request_bytes : 1;
    for (int i = 0; i < THROTTLE_KINDS; i++) {
        double cost = !concerns(i, write) ? 0 : i < THROTTLE_BPS_TOTAL ? requests : (double)bytes;
        throttle->level[i] += cost;
        throttle->burst[i] += cost;
    }
}
