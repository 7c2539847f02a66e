/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two places of the pattern that are rare in usual data are compared first, a vector of candidates at a time; the few that
 * remain are looked at one by one.  The compiler makes vectors of what the machine has.
 */
#include "util/search.h"

#include <errno.h>
#include <string.h>

enum {
    LANES = 16,
    STRIDE = 64,       /* candidates looked at together */
    BACK_STEP = 4096,  /* candidates of one step backwards; the first ones are shorter */
    LETTER_CASE = 0x20 /* the bit that tells 'a' from 'A' */
};

typedef uint8_t lanes __attribute__((vector_size(LANES)));
typedef uint64_t halves __attribute__((vector_size(LANES)));

/* ---- making one ---- */

/* How much is won by looking at that place first: all bits count, and not what fills disks. */
static int worth(uint8_t value, uint8_t mask)
{
    int bits = __builtin_popcount(mask) * 4;
    if (value == 0 || value == 0xff) {
        return bits / 4;
    }
    return bits + (value == ' ' || value == 'e' || value == 't' || value == 'a' ? 0 : 2);
}

static void choose_places(struct search *search)
{
    search->not_zero = -1;
    search->first = search->second = 0;
    for (size_t i = 0; i < search->len; i++) {
        if (worth(search->value[i], search->mask[i]) > worth(search->value[search->first], search->mask[search->first])) {
            search->first = i;
        }
        if (search->value[i] != 0 && search->not_zero < 0) {
            search->not_zero = (int)i;
        }
    }
    int best = -1;
    for (size_t i = 0; i < search->len; i++) {
        int here = worth(search->value[i], search->mask[i]);
        if (i != search->first && here > best) {
            best = here;
            search->second = i;
        }
    }
    if (best < 0) {
        search->second = search->first;
    }
}

static int fail(GError **error, const char *message)
{
    g_set_error_literal(error, g_quark_from_static_string("search"), EINVAL, message);
    return -EINVAL;
}

int search_text(const char *text, bool ignore_case, struct search *ret_search, GError **error)
{
    size_t len = strlen(text);
    if (len == 0) {
        return fail(error, "there is nothing to search for");
    }
    if (len > SEARCH_MAX) {
        return fail(error, "that is too long: 256 bytes can be searched for");
    }
    struct search search = {.len = len};
    for (size_t i = 0; i < len; i++) {
        search.mask[i] = ignore_case && g_ascii_isalpha(text[i]) ? (uint8_t)~LETTER_CASE : 0xff;
        search.value[i] = (uint8_t)text[i] & search.mask[i];
    }
    choose_places(&search);
    *ret_search = search;
    return 0;
}

int search_hex(const char *text, struct search *ret_search, GError **error)
{
    struct search search = {0};
    size_t digits = 0;
    bool any = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (g_ascii_isspace(*at) && digits % 2 == 0) {
            continue;
        }
        int digit = g_ascii_xdigit_value(*at);
        if (digit < 0 && *at != '?') {
            return fail(error, "that is no hex: type pairs of digits, ? for any digit (7f 45 ?? 4?)");
        }
        if (digits / 2 >= SEARCH_MAX) {
            return fail(error, "that is too long: 256 bytes can be searched for");
        }
        int shift = digits % 2 == 0 ? 4 : 0;
        if (digit >= 0) {
            search.value[digits / 2] |= (uint8_t)(digit << shift);
            search.mask[digits / 2] |= (uint8_t)(0xf << shift);
            any = true;
        }
        digits++;
    }
    if (digits % 2 != 0) {
        return fail(error, "a digit is missing: hex is typed in pairs of digits");
    }
    if (!any) {
        return fail(error, "there is nothing to search for");
    }
    search.len = digits / 2;
    choose_places(&search);
    *ret_search = search;
    return 0;
}

struct search search_not_zero(void)
{
    return (struct search){.len = 1, .mask = {0xff}, .unlike = true};
}

/* ---- finding ---- */

bool search_matches(const struct search *search, const uint8_t *bytes)
{
    if (search->unlike) {
        return (bytes[0] & search->mask[0]) != search->value[0];
    }
    for (size_t i = 0; i < search->len; i++) {
        if ((bytes[i] & search->mask[i]) != search->value[i]) {
            return false;
        }
    }
    return true;
}

static inline lanes load(const uint8_t *bytes)
{
    lanes all;
    memcpy(&all, bytes, sizeof all);
    return all;
}

/* What both places say of LANES candidates: 0xff where neither objects. */
static inline lanes candidates(const struct search *search, const uint8_t *bytes)
{
    lanes first = (load(bytes + search->first) & search->mask[search->first]) == search->value[search->first];
    lanes second = (load(bytes + search->second) & search->mask[search->second]) == search->value[search->second];
    return search->unlike ? ~first : first & second;
}

/* Whether one of STRIDE candidates is worth a look. */
static inline bool has_candidate(const struct search *search, const uint8_t *bytes)
{
    lanes any = {0};
    for (size_t i = 0; i < STRIDE; i += LANES) {
        any |= candidates(search, bytes + i);
    }
    halves half;
    memcpy(&half, &any, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* The first match in [from, to), all of whose bytes are there. */
static ptrdiff_t first_of(const struct search *search, const uint8_t *bytes, size_t from, size_t to)
{
    for (; from < to; from++) {
        bool maybe = (bytes[from + search->first] & search->mask[search->first]) == search->value[search->first];
        if ((maybe || search->unlike) && search_matches(search, bytes + from)) {
            return (ptrdiff_t)from;
        }
    }
    return -1;
}

ptrdiff_t search_first(const struct search *search, const uint8_t *bytes, size_t n)
{
    if (n < search->len) {
        return -1;
    }
    size_t places = n - search->len + 1, at = 0;
    /* Vectors of either place lie within the bytes: the last candidate's whole pattern does. */
    for (; at + STRIDE <= places; at += STRIDE) {
        if (has_candidate(search, bytes + at)) {
            ptrdiff_t found = first_of(search, bytes, at, at + STRIDE);
            if (found >= 0) {
                return found;
            }
        }
    }
    return first_of(search, bytes, at, places);
}

ptrdiff_t search_last(const struct search *search, const uint8_t *bytes, size_t n)
{
    size_t places = n < search->len ? 0 : n - search->len + 1, step = 1;
    for (; places > 0; step = MIN(step * 2, BACK_STEP)) {
        size_t from = places > step ? places - step : 0;
        ptrdiff_t last = -1;
        for (size_t at = from; at < places;) {
            ptrdiff_t found = search_first(search, bytes + at, places - at + search->len - 1);
            if (found < 0) {
                break;
            }
            last = (ptrdiff_t)at + found;
            at = (size_t)last + 1;
        }
        if (last >= 0) {
            return last;
        }
        places = from;
    }
    return -1;
}
