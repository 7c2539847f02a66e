/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question whether to open a file that the image names: all that is known of it, before anything is opened.
 *
 * It comes by itself, so keys that were meant for something else may be on their way, and a file is opened on nobody's behalf who did
 * not mean to: it waits while a line is being typed; a letter only says what Enter would do, and only if it is all that was typed since
 * the last Enter, keys from before the question was painted among it.  So no line that was meant for the console is an answer, from
 * wherever on the question got it.  A yes is the command `follow`, after which the image is opened again and the question is about what the next
 * layer names.
 */
#include <limits.h>
#include <string.h>

#include "block/chain.h"
#include "engine/session.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "util/safetext.h"

enum { WIDTH_MAX = 84, LABEL = 10 };

struct approval {
    struct overlay overlay;
    struct reference *reference;
    char *image; /* that names it */
    bool painted;
    bool typed;          /* keys that type came since the last Enter */
    enum request answer; /* that is all of them; REQUEST_NONE: they are none */
};

static struct approval *approval_of(struct overlay *overlay)
{
    return (struct approval *)overlay;
}

/* ---- painting ---- */

/* All of the text, in as many rows as it takes; the row behind.  A surface of height 0 only counts them. */
static int put_wrapped(struct surface box, int x, int y, enum role role, const char *text)
{
    return surface_put_words(box, x, y, box.width - x - 2, INT_MAX, role, text);
}

static int put_field(struct surface box, int y, const char *label, enum role role, const char *text)
{
    surface_put(box, 3, y, ROLE_DIM, label);
    return put_wrapped(box, 3 + LABEL, y, role, text);
}

static int put_escaped(struct surface box, int y, const char *label, const char *text)
{
    g_autofree char *safe = safetext_escape(text, -1);
    return put_field(box, y, label, ROLE_STRONG, safe);
}

static const char *advice(const struct reference *reference)
{
    if (reference->loop) {
        return "Following it would never end.";
    }
    switch (reference->kind) {
    case REFERENCE_JSON:
    case REFERENCE_PROTOCOL:
        return "This is no path: opening it may connect to a server, or read whatever file it says.";
    case REFERENCE_KERNEL:
        return "It keeps no bytes: reading it tells of this machine or program, and writing it changes them.";
    case REFERENCE_CHARACTER_DEVICE:
        return "To open a device may be to do something already.";
    case REFERENCE_PIPE:
    case REFERENCE_SOCKET:
    case REFERENCE_FOLDER:
        return "This is no disk.";
    case REFERENCE_MISSING:
        return "It is not there: r opens another file in its place.";
    default:
        return reference->role == REFERENCE_EXTENTS ? "The answer is for all of them: without them nothing of the disk can be read."
               : reference->format == NULL && reference->role == REFERENCE_BACKING
                   ? "Its bytes would decide what it is: whoever could write to it may name more files."
                   : "It was not opened: what it holds is shown as missing.";
    }
}

static int draw_answer(const struct approval *approval, struct surface box, int y)
{
    if (approval->answer != REQUEST_NONE) {
        return put_field(box, y, "answer", ROLE_STRONG, request_info(approval->answer)->help);
    }
    return put_field(box, y, "answer", approval->typed ? ROLE_WARNING : ROLE_DIM,
                     approval->typed ? "what was typed is none; Backspace forgets it" : "a letter from the bottom line, then Enter");
}

static const char *role_text(const struct reference *reference)
{
    return reference->role == REFERENCE_DATA      ? "its data file"
           : reference->role == REFERENCE_EXTENTS ? (reference->more != NULL ? "the files that hold its bytes" : "the file that holds its bytes")
                                                  : "its backing file";
}

static bool is_alarming(const struct reference *reference)
{
    return reference->outside || reference->loop || (reference->kind != REFERENCE_REGULAR && reference->kind != REFERENCE_BLOCK_DEVICE);
}

/* The others that the answer is for: what is alarming first, as not all may fit. */
static int draw_more(const struct reference *reference, struct surface box, int y)
{
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; reference->more != NULL && i < reference->more->len; i++) {
            const struct reference *more = reference->more->pdata[i];
            g_autofree char *name = safetext_escape(more->name, -1), *what = reference_describe(more);
            g_autofree char *line = g_strdup_printf("%s: %s", name, *what != '\0' ? what : "unknown");
            if (is_alarming(more) == (pass == 0)) {
                y = put_field(box, y, "and", pass == 0 ? ROLE_WARNING : ROLE_OVERLAY, line);
            }
        }
    }
    return y;
}

/* Tight: without what one can do without. */
static int draw_text(const struct approval *approval, struct surface box, int y, bool tight)
{
    const struct reference *reference = approval->reference;
    g_autofree char *what = reference_describe(reference);
    const char *slash = strrchr(approval->image, '/');
    g_autofree char *image = safetext_escape(tight && slash != NULL ? slash + 1 : approval->image, -1);
    const char *role = role_text(reference);
    g_autofree char *head = reference->layer > 0
                                 ? g_strdup_printf("Layer %u of %s names %s:", reference->layer, image, role)
                                 : g_strdup_printf("%s names %s:", image, role);
    bool alarming = is_alarming(reference);
    y = put_wrapped(box, 2, y, ROLE_OVERLAY, head);
    y = put_escaped(box, y, "name", reference->name);
    if (strcmp(reference->name, reference->path) != 0) {
        y = put_escaped(box, y, "opens", reference->path);
    }
    y = put_field(box, y, "that is", alarming ? ROLE_WARNING : ROLE_OVERLAY, *what != '\0' ? what : "unknown");
    y = draw_more(reference, box, y);
    if (reference->format != NULL && reference->role != REFERENCE_EXTENTS) {
        y = put_escaped(box, y, "format", reference->format);
    } else if (reference->role != REFERENCE_EXTENTS) {
        y = put_field(box, y, "format", ROLE_OVERLAY, "not said");
    }
    y = put_wrapped(box, 2, y + !tight, ROLE_NOTE, advice(reference));
    return tight ? y : draw_answer(approval, box, y + 1);
}

/* The answer is here, too: there may be no room for more. */
static char *title_of(const struct approval *approval, bool fits)
{
    const char *label = approval->answer != REQUEST_NONE ? request_info(approval->answer)->label : NULL;
    return label != NULL     ? g_strconcat("open this file? · Enter: ", label, NULL)
           : approval->typed ? g_strdup("open this file? · that is no answer")
                             : g_strconcat("open this file?", fits ? "" : " · not all fits", NULL);
}

static void draw(struct overlay *overlay, struct surface surface)
{
    struct approval *approval = approval_of(overlay);
    int width = MIN(surface.width, WIDTH_MAX), left = (surface.width - width) / 2;
    struct surface nowhere = surface_part(surface, left, 0, width, 0);
    bool tight = draw_text(approval, nowhere, 1, false) >= surface.height;
    int rows = draw_text(approval, nowhere, 1, tight);
    struct surface box = surface_part(surface, left, 0, width, MIN(rows + 1, surface.height));
    surface_fill(box, ROLE_OVERLAY, ' ');
    draw_text(approval, box, 1, tight);
    surface_frame(box, ROLE_FRAME_FOCUS);
    g_autofree char *title = title_of(approval, rows < surface.height);
    surface_title(box, ROLE_TITLE_FOCUS, title);
    approval->painted = true;
}

/* ---- answers ---- */

static char *key_of(struct desk *desk, const struct reference *reference)
{
    struct blk *blk = session_blk(desk->session);
    const char *image = blk != NULL ? blk_filename(blk) : NULL;
    return g_strdup_printf("%u %u %s\n%s", reference->layer, (unsigned)reference->role, reference->name, image != NULL ? image : "");
}

/* " -l 1 backing" */
static char *place_of(const struct reference *reference)
{
    g_autofree char *layer = reference->layer > 0 ? g_strdup_printf(" -l %u", reference->layer) : NULL;
    return g_strdup_printf("%s %s", layer != NULL ? layer : "", reference_role_name(reference->role));
}

/* Typed by script, the keys are in the log and not what they do. */
static void run(struct desk *desk, const char *line)
{
    if (desk->silent) {
        session_run(desk->session, line, desk_sink(desk), 0, NULL, NULL);
    } else {
        console_run(desk_console(desk), line);
    }
}

/* What only goes on asking or begins to type is no command of the session's. */
static void log_answer(struct desk *desk, enum request request)
{
    g_autofree char *line = g_strconcat("do ", request_info(request)->name, NULL);
    log_command(desk, line);
    log_focus_is_known(desk);
}

/* Another file is for the user to type; one that lies beside the image is likely. */
void approval_type_relink(struct desk *desk, const struct reference *reference)
{
    g_autofree char *place = place_of(reference);
    g_autofree char *quoted = reference->beside != NULL && g_utf8_validate(reference->beside, -1, NULL) ? g_shell_quote(reference->beside) : NULL;
    g_autofree char *text = g_strdup_printf("relink%s %s", place, quoted != NULL ? quoted : "");
    console_clear_line(desk_console(desk));
    console_paste(desk_console(desk), text);
}

static void relink(struct desk *desk, const struct reference *reference)
{
    moves_log(desk);
    desk_focus(desk, LAYOUT_CONSOLE);
    log_answer(desk, REQUEST_APPROVAL_RELINK);
    approval_type_relink(desk, reference);
    moves_are_known(desk);
}

static void leave_out(struct desk *desk, const struct reference *reference)
{
    g_hash_table_add(desk->declined, key_of(desk, reference));
    overlay_show(desk, NULL);
    approval_look(desk);
    if (desk->overlay == NULL && !desk->question_waits) {
        run(desk, "follow none");
    } else {
        log_answer(desk, REQUEST_APPROVAL_LEAVE_OUT);
    }
}

static void answer(struct desk *desk, const struct reference *reference, enum request request)
{
    g_autofree char *place = place_of(reference);
    g_autofree char *line = g_strconcat("follow", place, NULL);
    switch (request) {
    case REQUEST_APPROVAL_OPEN:
        overlay_show(desk, NULL);
        run(desk, line);
        break;
    case REQUEST_APPROVAL_OPEN_ALL:
        overlay_show(desk, NULL);
        run(desk, "follow all");
        break;
    case REQUEST_APPROVAL_RELINK:
        overlay_show(desk, NULL);
        relink(desk, reference);
        break;
    case REQUEST_APPROVAL_LEAVE_OUT:
    case REQUEST_APPROVAL_CLOSE:
        leave_out(desk, reference);
        break;
    default:
        break;
    }
}

static void request(struct overlay *overlay, enum request request, int count)
{
    struct approval *approval = approval_of(overlay);
    if (approval->painted) {
        g_autoptr(reference) reference = reference_copy(approval->reference); /* the question goes with the overlay */
        answer(overlay->desk, reference, request == REQUEST_APPROVAL_TAKE ? approval->answer : request);
    }
}

/* ---- keys ---- */

static void type(struct approval *approval, bool typed, enum request answer)
{
    approval->typed = typed;
    approval->answer = answer;
    desk_dirty(approval->overlay.desk);
}

static void take(struct approval *approval)
{
    if (approval->answer != REQUEST_NONE && approval->painted) {
        request(&approval->overlay, REQUEST_APPROVAL_TAKE, 1);
        return;
    }
    if (approval->painted) {
        desk_remark(approval->overlay.desk, ROLE_NOTE,
                    approval->typed ? "that was no answer: nothing was opened" : "answer with a letter from here first");
    }
    type(approval, false, REQUEST_NONE);
}

/* Extents are several files: no other one takes their place. */
static bool offers(const struct overlay *overlay, enum request request)
{
    return request != REQUEST_APPROVAL_RELINK || ((const struct approval *)overlay)->reference->role != REFERENCE_EXTENTS;
}

static void asked_by_key(struct overlay *overlay, enum request asked, keycode key)
{
    struct approval *approval = approval_of(overlay);
    if (asked == REQUEST_APPROVAL_TAKE) {
        take(approval);
    } else if (key_is_text(key)) {
        type(approval, true, approval->painted && !approval->typed && offers(overlay, asked) ? asked : REQUEST_NONE);
    } else if (asked == REQUEST_APPROVAL_CLOSE && approval->typed) {
        type(approval, false, REQUEST_NONE);
    } else {
        request(overlay, asked, 1);
    }
}

static void key(struct overlay *overlay, keycode key)
{
    if (key_is_text(key) || key == KEYCODE_BACKSPACE) {
        type(approval_of(overlay), key != KEYCODE_BACKSPACE, REQUEST_NONE);
    }
}

/* ---- the overlay ---- */

static enum request_context context(const struct overlay *overlay)
{
    return REQUEST_CONTEXT_APPROVAL;
}

/* That it is there comes of what was opened; what was typed in it does not. */
static const char *name(const struct overlay *overlay)
{
    return ((const struct approval *)overlay)->typed ? "approval" : NULL;
}

enum { ROW_NOTHING, ROW_NO_ANSWER, ROW_ANSWERS };

static void state(const struct overlay *overlay, struct overlay_state *ret_state)
{
    const struct approval *approval = (const struct approval *)overlay;
    int row = approval->answer != REQUEST_NONE ? ROW_ANSWERS + (int)approval->answer - (int)REQUEST_APPROVAL_OPEN
              : approval->typed               ? ROW_NO_ANSWER
                                              : ROW_NOTHING;
    *ret_state = (struct overlay_state){row, 0, "", -1};
}

static void set_state(struct overlay *overlay, const struct overlay_state *state)
{
    int row = MIN(state->row, ROW_ANSWERS + (int)REQUEST_APPROVAL_LEAVE_OUT - (int)REQUEST_APPROVAL_OPEN);
    type(approval_of(overlay), row != ROW_NOTHING,
         row < ROW_ANSWERS ? REQUEST_NONE : (enum request)(REQUEST_APPROVAL_OPEN + row - ROW_ANSWERS));
}

static void destroy(struct overlay *overlay)
{
    struct approval *approval = approval_of(overlay);
    reference_free(approval->reference);
    g_free(approval->image);
    g_free(approval);
}

/* No press: one that was meant for a panel is no answer. */
static const struct overlay_ops overlay_ops = {
    .name = name,
    .context = context,
    .offers = offers,
    .draw = draw,
    .request = request,
    .asked_by_key = asked_by_key,
    .key = key,
    .free = destroy,
    .state = state,
    .set_state = set_state,
};

static const struct reference *first_open_question(struct desk *desk, const GPtrArray *left_out)
{
    for (unsigned i = 0; i < left_out->len; i++) {
        g_autofree char *key = key_of(desk, left_out->pdata[i]);
        if (!g_hash_table_contains(desk->declined, key)) {
            return left_out->pdata[i];
        }
    }
    return NULL;
}

/* Keys that are under way to what the user does would go to the question. */
static bool is_busy(const struct desk *desk)
{
    bool types = desk->focus == LAYOUT_CONSOLE ? console_is_typed(desk_console(desk))
                                               : input_typing(desk_focused(desk)) != REQUEST_CONTEXT_COUNT;
    return types || desk->overlay != NULL || desk->prompt != NULL;
}

struct overlay *approval_new(struct desk *desk)
{
    struct blk *blk = session_blk(desk->session);
    if (blk == NULL || session_refs(desk->session) != BLK_REFS_ASK) {
        return NULL;
    }
    g_autoptr(GPtrArray) left_out = chain_left_out(blk);
    const struct reference *reference = first_open_question(desk, left_out);
    if (reference == NULL) {
        return NULL;
    }
    struct approval *approval = g_new0(struct approval, 1);
    approval->overlay = (struct overlay){&overlay_ops, desk};
    approval->reference = reference_copy(reference);
    approval->image = g_strdup(blk_filename(blk) != NULL ? blk_filename(blk) : "the image");
    approval->answer = REQUEST_NONE;
    return &approval->overlay;
}

void approval_look(struct desk *desk)
{
    if (desk->overlay != NULL && desk->overlay->ops == &overlay_ops) {
        overlay_show(desk, NULL);
    }
    struct overlay *question = approval_new(desk);
    desk->question_waits = question != NULL && is_busy(desk);
    if (desk->question_waits) {
        destroy(question);
        console_note(desk_console(desk), ROLE_WARNING, "The image names a file: whether to open that is asked once nothing is being typed.");
    } else if (question != NULL) {
        overlay_show(desk, question);
    }
}

void approval_look_again(struct desk *desk)
{
    if (desk->question_waits && !is_busy(desk)) {
        approval_look(desk);
    }
}
