/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps are kept in the order they were typed, each with the byte that was there before, so that taking back restores what
 * was seen; a table by offset says what is seen now.  A digit is a step of its own, and so is each byte of a character.
 */
#include "ui/panels/hex-edit.h"

#include <inttypes.h>
#include <string.h>

struct step {
    int64_t offset;
    uint8_t before;
    bool first; /* nothing was typed there before */
    bool half;  /* the first digit of a byte */
    bool more;  /* the next step is of the same character */
};

struct hex_edit {
    struct hex_source source; /* first: it is what the panel gets */
    struct hex_source *below;
    GTree *bytes; /* int64_t * -> uint8_t as a pointer */
    GArray *steps; /* struct step */
    bool in_text;
    bool ended; /* the image's last byte has just been typed, and the cursor is still there */
};

static int by_offset(gconstpointer a, gconstpointer b, gpointer data)
{
    const int64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* ---- the bytes as they will be ---- */

static struct hex_edit *edit_of(const struct hex_source *source)
{
    return (struct hex_edit *)source;
}

static int64_t size(const struct hex_source *source)
{
    const struct hex_source *below = edit_of(source)->below;
    return below->ops->size(below);
}

static void get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    struct hex_edit *edit = edit_of(source);
    edit->below->ops->get(edit->below, offset, n, bytes, states);
    GTreeNode *node = g_tree_lower_bound(edit->bytes, &offset);
    for (; node != NULL; node = g_tree_node_next(node)) {
        const int64_t *at = g_tree_node_key(node);
        if (*at - offset >= (int64_t)n) {
            return;
        }
        bytes[*at - offset] = (uint8_t)GPOINTER_TO_UINT(g_tree_node_value(node));
        states[*at - offset] = HEX_KNOWN;
    }
}

/* What is searched is what the image has. */
static size_t piece(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes)
{
    struct hex_source *below = edit_of(source)->below;
    return below->ops->piece(below, offset, ret_bytes);
}

static const struct hex_source_ops ops = {.size = size, .get = get, .piece = piece};

/* ---- making one, and what it says of itself ---- */

struct hex_edit *hex_edit_new(struct hex_source *below)
{
    struct hex_edit *edit = g_new0(struct hex_edit, 1);
    edit->source.ops = &ops;
    edit->below = below;
    edit->bytes = g_tree_new_full(by_offset, NULL, g_free, NULL);
    edit->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    return edit;
}

void hex_edit_free(struct hex_edit *edit)
{
    if (edit != NULL) {
        g_tree_destroy(edit->bytes);
        g_array_unref(edit->steps);
        g_free(edit);
    }
}

struct hex_source *hex_edit_source(struct hex_edit *edit)
{
    return &edit->source;
}

bool hex_edit_in_text(const struct hex_edit *edit)
{
    return edit->in_text;
}

void hex_edit_switch_column(struct hex_edit *edit)
{
    edit->in_text = !edit->in_text;
}

unsigned hex_edit_count(const struct hex_edit *edit)
{
    return (unsigned)g_tree_nnodes(edit->bytes);
}

bool hex_edit_has(const struct hex_edit *edit, int64_t offset)
{
    return g_tree_lookup_extended(edit->bytes, &offset, NULL, NULL);
}

/* ---- typing ---- */

static void put(struct hex_edit *edit, int64_t offset, uint8_t byte)
{
    g_tree_replace(edit->bytes, g_memdup2(&offset, sizeof(offset)), GUINT_TO_POINTER((unsigned)byte));
}

static void step(struct hex_edit *edit, int64_t offset, uint8_t before, uint8_t byte, bool half, bool more)
{
    struct step step = {offset, before, !hex_edit_has(edit, offset), half, more};
    g_array_append_val(edit->steps, step);
    put(edit, offset, byte);
    edit->ended = false;
}

bool hex_edit_is_half_typed(const struct hex_edit *edit, int64_t offset)
{
    const struct step *last = edit->steps->len > 0 ? &g_array_index(edit->steps, struct step, edit->steps->len - 1) : NULL;
    return last != NULL && last->half && last->offset == offset;
}

/* What is seen at each of n bytes: NULL, or why nothing can be typed there. */
static const char *look(struct hex_edit *edit, int64_t offset, size_t n, uint8_t *bytes)
{
    uint8_t states[8];
    if ((int64_t)n > size(&edit->source) - offset || (edit->ended && offset == size(&edit->source) - 1)) {
        return "the image ends here";
    }
    get(&edit->source, offset, n, bytes, states);
    unsigned count = hex_edit_count(edit);
    for (size_t i = 0; i < n; i++) {
        count += !hex_edit_has(edit, offset + (int64_t)i);
        if (states[i] == HEX_UNKNOWN || states[i] == HEX_ERROR) {
            return states[i] == HEX_ERROR ? "what is here could not be read" : "what is here is not read yet";
        }
    }
    return count > HEX_EDIT_MAX ? "no more bytes can be typed at once: Enter writes these" : NULL;
}

/* Behind what is typed, or where that is the end still on its last byte, which the next one must not replace. */
static void advance(struct hex_edit *edit, int64_t *offset, int64_t end)
{
    edit->ended = end == size(&edit->source);
    *offset = end - edit->ended;
}

static const char *type_digit(struct hex_edit *edit, gunichar ch, int64_t *offset)
{
    int digit = ch < 0x80 ? g_ascii_xdigit_value((char)ch) : -1;
    bool second = hex_edit_is_half_typed(edit, *offset);
    uint8_t byte;
    if (digit < 0) {
        return ch == ' ' ? NULL : "hex digits are typed here; Tab changes to characters, Esc leaves";
    }
    const char *why = look(edit, *offset, 1, &byte);
    if (why != NULL) {
        return why;
    }
    step(edit, *offset, byte, (uint8_t)(second ? (byte & 0xf0) | digit : (byte & 0x0f) | digit << 4), !second, false);
    if (second) {
        advance(edit, offset, *offset + 1);
    }
    return NULL;
}

static const char *type_character(struct hex_edit *edit, gunichar ch, int64_t *offset)
{
    uint8_t bytes[8];
    char text[6];
    int n = g_unichar_to_utf8(ch, text);
    const char *why = look(edit, *offset, (size_t)n, bytes);
    if (why != NULL) {
        return why;
    }
    for (int i = 0; i < n; i++) {
        step(edit, *offset + i, bytes[i], (uint8_t)text[i], false, i + 1 < n);
    }
    advance(edit, offset, *offset + n);
    return NULL;
}

const char *hex_edit_type(struct hex_edit *edit, gunichar ch, int64_t *offset)
{
    return edit->in_text ? type_character(edit, ch, offset) : type_digit(edit, ch, offset);
}

void hex_edit_moved(struct hex_edit *edit)
{
    edit->ended = false;
}

bool hex_edit_take_back(struct hex_edit *edit, int64_t *offset)
{
    if (edit->steps->len == 0) {
        return false;
    }
    struct step last;
    do { /* a character as a whole */
        last = g_array_index(edit->steps, struct step, edit->steps->len - 1);
        g_array_set_size(edit->steps, edit->steps->len - 1);
        if (last.first) {
            g_tree_remove(edit->bytes, &last.offset);
        } else {
            put(edit, last.offset, last.before);
        }
    } while (edit->steps->len > 0 && g_array_index(edit->steps, struct step, edit->steps->len - 1).more);
    edit->ended = false;
    *offset = last.offset;
    return true;
}

/* ---- what was typed, as words ---- */

struct stretches {
    GPtrArray *all; /* GString *: "0x1000 de ad" */
    int64_t end;    /* of the last one */
};

static gboolean add_byte(gpointer key, gpointer value, gpointer data)
{
    struct stretches *stretches = data;
    int64_t offset = *(const int64_t *)key;
    if (offset != stretches->end) {
        GString *stretch = g_string_new(NULL);
        g_string_printf(stretch, "0x%" PRIx64, (uint64_t)offset);
        g_ptr_array_add(stretches->all, stretch);
    }
    g_string_append_printf(stretches->all->pdata[stretches->all->len - 1], " %02x", GPOINTER_TO_UINT(value));
    stretches->end = offset + 1;
    return FALSE;
}

char **hex_edit_stretches(const struct hex_edit *edit)
{
    struct stretches stretches = {g_ptr_array_new(), -1};
    g_tree_foreach(edit->bytes, add_byte, &stretches);
    for (unsigned i = 0; i < stretches.all->len; i++) {
        stretches.all->pdata[i] = g_string_free(stretches.all->pdata[i], FALSE);
    }
    g_ptr_array_add(stretches.all, NULL);
    return (char **)g_ptr_array_free(stretches.all, FALSE);
}

char *hex_edit_words(const struct hex_edit *edit)
{
    const struct step *last = edit->steps->len > 0 ? &g_array_index(edit->steps, struct step, edit->steps->len - 1) : NULL;
    g_auto(GStrv) stretches = hex_edit_stretches(edit);
    g_autofree char *words = g_strjoinv(" ", stretches);
    if (last == NULL || !last->half) {
        return g_steal_pointer(&words);
    }
    unsigned byte = GPOINTER_TO_UINT(g_tree_lookup(edit->bytes, &last->offset));
    return g_strdup_printf("%s 0x%" PRIx64 " %x", words, (uint64_t)last->offset, byte >> 4);
}

bool hex_edit_put(struct hex_edit *edit, int64_t *offset, const char *digits)
{
    int high = g_ascii_xdigit_value(digits[0]), low = high < 0 || digits[1] == '\0' ? -1 : g_ascii_xdigit_value(digits[1]);
    uint8_t byte, state;
    if (high < 0 || (low < 0 && digits[1] != '\0') || (low >= 0 && digits[2] != '\0') || *offset < 0 || *offset >= size(&edit->source) ||
        hex_edit_count(edit) + !hex_edit_has(edit, *offset) > HEX_EDIT_MAX) {
        return false;
    }
    get(&edit->source, *offset, 1, &byte, &state);
    step(edit, *offset, byte, (uint8_t)(high << 4 | (low < 0 ? byte & 0x0f : low)), low < 0, false);
    *offset += low >= 0;
    return true;
}
