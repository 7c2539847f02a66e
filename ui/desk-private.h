/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the desk share. */
#pragma once

#include <glib.h>

#include "ui/desk.h"
#include "ui/overlay.h"
#include "ui/panel.h"
#include "ui/prompt.h"
#include "ui/setting.h"

struct reference;
struct session;

/* How often a key or command may be asked for at most. */
enum { DESK_COUNT_MAX = 999999999 };

/* What the title line knows of the image. */
struct title {
    struct title_query *query; /* under way; NULL: none */
    char *format;              /* NULL: not known (yet) */
    int64_t cluster_size;      /* 0: none */
    char *holders;             /* who else has it locked; NULL: nobody */
    struct lookup *lookup;     /* for the layer; NULL: nothing was asked yet */
    int64_t asked;             /* about this offset; -1: none */
    int64_t layer_start, layer_end; /* this range is supplied by that layer, -1: by none; empty: not known */
    int layer;
};

/* The line that the log leads to, and did before that was added; NULL: none. */
struct modal_log {
    char *now, *before;
};

struct desk {
    struct panel_host host;
    struct session *session;
    const struct desk_ops *ops;
    void *data;
    struct grid *grid;
    struct layout layout;
    struct layout_shares shares, saved_shares;
    struct panel *panels[LAYOUT_PANELS];
    enum layout_panel focus;
    enum layout_panel before; /* had the focus before the console got it */
    enum layout_panel logged_focus, logged_before; /* see log.c */
    char *logged_scroll, *logged_typed; /* of the console; see moves.c */
    char *logged_unwritten; /* of hex */
    struct modal_log logged_overlay, logged_question; /* see modal.c */
    bool moved[LAYOUT_PANELS]; /* by key or mouse, and the log does not know yet */
    bool silent; /* nothing is logged: the command that does it is in the log already */
    bool zoomed;
    bool dirty;
    bool unpainted; /* panels have places, or an image, that they were not painted in yet */
    bool quit;
    int count;          /* typed before a key ("5" of "5j"), 0: none */
    bool mouse;         /* is used */
    bool clipboard;     /* the terminal is given what is copied */
    bool usage;         /* of commands is shown while they are typed */
    int wheel_rows;     /* that a turn of the wheel moves */
    int held;           /* panel that a pressed button belongs to until it is released, -1: none */
    int held_border;    /* the border it holds instead, -1: none */
    struct prompt *prompt; /* NULL: no question */
    struct panel *prompt_panel; /* that asked it; NULL: it is where to go */
    const struct panel_question *prompt_question;
    struct overlay *overlay; /* NULL: none lies over the panels */
    char *guess_told; /* name of the image whose guessed format was last told; NULL: none */
    bool question_waits; /* about such a file, until nothing is being typed */
    GHashTable *declined; /* char *, set: files that images name and that the user leaves out */
    char *remark; /* NULL: none */
    enum role remark_role;
    struct title title;
    char *theme; /* name of the one it has */
    bool theme_chosen;
    bool light; /* the terminal's background is */
    bool follow_background;
    bool use_config;
};

static inline struct panel *desk_focused(const struct desk *desk)
{
    return desk->panels[desk->focus];
}

static inline struct panel *desk_console(const struct desk *desk)
{
    return desk->panels[LAYOUT_CONSOLE];
}

void desk_dirty(struct desk *desk);
/* After what it depends on changed. */
void desk_relayout(struct desk *desk);
/* Panels know their size from being painted: those that were not since it changed are, for what keys ask of them now. */
void desk_lay_out_panels(struct desk *desk);
/* Why there are no offsets: "no image is open"; NULL: there are. */
const char *desk_why_empty(const struct desk *desk);
/* Replaces the hints until the next key; copied. */
void desk_remark(struct desk *desk, enum role role, const char *text);

/* Until panels are done with what requests asked for: 0, or -ECANCELED, and the desk may be gone. */
int desk_wait_co(struct desk *desk);
/* Until all panels have read what they show and know where their cursors go, or patience_us are over: 0, or -ECANCELED, and the desk may be gone. */
int desk_settle_co(struct desk *desk, int64_t patience_us);
/* A panel's question, in the place of whatever was asked. */
void desk_question(struct desk *desk, struct panel *panel, const struct panel_question *question);

/* desk-offset.c has desk_parse_offset(); input.c has desk_key(), desk_type() and desk_request(). */

/* The focus goes there, as if by key. */
void input_focus(struct desk *desk, enum layout_panel panel);
/* The context of its keys while text is typed in the panel, REQUEST_CONTEXT_COUNT: none is. */
enum request_context input_typing(struct panel *panel);
/* Shows a place in a file ("h1:0") in hex and logs that, or says what is wrong with it: whether it was one. */
bool input_go_to_named(struct desk *desk, const char *text);
/* What is asked of the focused panel by key or mouse: logged when it is a command. */
void input_request(struct desk *desk, struct panel *panel, enum request request, int count);

/* Whose request it is: its own panel's, wherever the focus is, and for movements the focused one's; NULL: none's. */
struct panel *desk_panel_of(const struct desk *desk, enum request request);

/* frame.c: the whole picture. */
void frame_draw(struct desk *desk);
/* The panels alone, for what they learn by it: what lies over them was not shown to anybody. */
void frame_draw_panels(struct desk *desk);
/* The panel whose tab is there, -1: none. */
int frame_tab_at(const struct desk *desk, int x, int y);

/* hints.c: what the keys do here, in one row. */
void hints_draw(struct desk *desk, struct surface row);

/* log.c: what was done, as commands in the console. */
void log_command(struct desk *desk, const char *line);
/* The same, in place of the newest line when that begins with prefix: what it said is past. */
void log_replacing(struct desk *desk, const char *prefix, const char *line);
/* Only the first half of that: whether there was one to take back. */
bool log_take_back(struct desk *desk, const char *prefix);
/* Lines that say nothing of the focus: the newest is taken back if it begins so (whether it was), or one is added. */
bool log_take_aside(struct desk *desk, const char *prefix);
void log_aside(struct desk *desk, const char *line);
/* The focus moved. */
void log_focus(struct desk *desk);
/* The focus moved by a command that is in the log anyway. */
void log_focus_is_known(struct desk *desk);
/* All there is to log came from such a one. */
void log_is_known(struct desk *desk);
/* The screen shows bytes at offset (0: unknown how many), and the focus may have moved with it. */
void log_go(struct desk *desk, int64_t offset, int64_t bytes);
/* The line that request, count times, is now, if it is a command of its own name, else NULL; g_free. */
char *log_line_of(struct panel *panel, enum request request, int count);

/*
 * moves.c: what movements and the mouse change in a panel is logged as a line `cursor PANEL ..`, before the next line that they
 * matter to; one line stands for all of them.
 */
/* Before and after what may move panel. */
struct panel_view moves_begin(struct panel *panel);
void moves_end(struct desk *desk, struct panel *panel, const struct panel_view *before);
/* It did, or will when it is painted. */
void moves_note(struct desk *desk, const struct panel *panel);
/* Something else is about to be done and logged. */
void moves_log(struct desk *desk);
/* The same, but for the line that is being typed: it is run now. */
void moves_log_but_typed(struct desk *desk);
/* The console was scrolled by a command that is in the log. */
void moves_are_known(struct desk *desk);
/* To the first (or to row count) or the last of all in the focused panel, which is a place to come back from: a line of its own. */
void moves_log_end(struct desk *desk, struct panel *panel, enum request request, int count);
struct command;
extern const struct command moves_command_cursor, moves_command_do;

/*
 * modal.c: overlays and questions are logged as lines `show ..` and `ask ..`, from the moment they are there; each change of them
 * replaces the line, and when they are gone, so is it.
 */
void modal_log(struct desk *desk);
/* What is there now came from a command that is in the log. */
void modal_is_known(struct desk *desk);
void modal_done(struct desk *desk);
extern const struct command modal_command_show, modal_command_ask;

/* pointer.c has desk_mouse() and desk_use_mouse(). */

/* borders.c: moves a border of the focused panel by that many cells, as the request says, and logs that. */
void borders_move(struct desk *desk, enum request request, int cells);
/* Puts a border where a cell is (its column or its row), and logs that. */
void borders_drag(struct desk *desk, int border, int x, int y);
/* "stacked upper 31.2%", a line each; only those that were moved.  g_free. */
char *borders_text(const struct desk *desk);
/* False: there is no such shape or border, or the share is none of 0..1000. */
bool borders_set(struct desk *desk, const char *shape, const char *border, const char *share);
void borders_reset(struct desk *desk);
/* From the state folder; what is wrong is told in the console. */
void borders_load(struct desk *desk);
/* Into it, if they were moved. */
bool borders_save(const struct desk *desk, GError **error);

/* settings.c: false and an error when there is no such option, or no such value.  name NULL: all of them. */
bool settings_set(struct desk *desk, const char *name, const char *value, GError **error);
typedef void settings_show_fn(void *data, const struct setting *setting, const char *value);
bool settings_each(struct desk *desk, const char *name, settings_show_fn *show, void *data, GError **error);
/* Names of options, or of the values of one; g_strfreev. */
char **settings_complete(struct desk *desk, const char *name);
/* Reads the user's settings and keys; what is wrong in them is told in the console. */
void settings_load(struct desk *desk);

/* approval.c: asks whether to open what the image names and what was left out, if there is any and the user has not said yet. */
void approval_look(struct desk *desk);
/* The same before each frame, if it had to wait. */
void approval_look_again(struct desk *desk);
/* Begins to type `relink` for what a layer names, with a file that lies beside the image, if there is a likely one. */
void approval_type_relink(struct desk *desk, const struct reference *reference);

/* formats.c: says that the image's format is a guess, once for each that is opened so. */
void formats_look(struct desk *desk);

/* chain-view.c: the list of layers, where it is shown, is about what is open now. */
void chain_view_image(struct desk *desk);

/* title.c */
void title_draw(struct desk *desk, struct surface row);
/* The image was opened, closed or changed: asks anew. */
void title_image(struct desk *desk);
void title_done(struct desk *desk);
/* What it holds has changed somewhere. */
void title_changed(struct desk *desk);

/* commands.c: `goto` and its like, in the engine's table while there is a desk. */
void commands_add(struct desk *desk);
void commands_remove(void);
/* The desk that commands are about; NULL: there is none (any more, after a command was suspended). */
struct desk *commands_desk(void);

/* options-commands.c */
extern const struct command options_command_bind, options_command_layout, options_command_set;
