/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests: everything a user can ask of the screen, in one table that feeds keys, hints, help and doc/keys.md. */
#pragma once

#include <stdbool.h>

/* Where a request has a meaning; a keymap is looked up in the focused panel's context first, then in the general ones.
 */
enum request_context {
    REQUEST_CONTEXT_GLOBAL, /* anywhere but where text is typed */
    REQUEST_CONTEXT_MOVE,   /* movement inside a panel */
    REQUEST_CONTEXT_MAP,
    REQUEST_CONTEXT_HEX,
    REQUEST_CONTEXT_EDIT, /* bytes are typed in hex */
    REQUEST_CONTEXT_PENDING,
    REQUEST_CONTEXT_CONSOLE,
    REQUEST_CONTEXT_PROMPT,  /* a line is being asked for at the bottom */
    REQUEST_CONTEXT_OVERLAY, /* help and other text lies over the panels */
    REQUEST_CONTEXT_CHOOSER, /* a list to choose from lies over the panels, and letters narrow it down */
    REQUEST_CONTEXT_CHAIN,    /* the layers of the image lie over the panels as a list */
    REQUEST_CONTEXT_APPROVAL, /* whether to open a file that the image names */
    REQUEST_CONTEXT_COUNT,
};

/*
 * One line a request: constant, name (kebab-case), context, the command it equals (NULL: nothing a script would
 * need; its own name, with or without OFFSET, that of the cursor: it is logged when a key asks for it), label in the hints line (NULL: not hinted), help.
 */
#define REQUEST_LIST(X)                                                                                                \
    X(FOCUS_NEXT, "focus-next", GLOBAL, "focus PANEL", "next", "move the focus to the next panel")                     \
    X(FOCUS_PREVIOUS, "focus-previous", GLOBAL, "focus PANEL", NULL, "move the focus to the previous panel")           \
    X(PROMPT, "prompt", GLOBAL, "focus console", "command", "type a command in the console")                           \
    X(HELP, "help", GLOBAL, "show help", "help", "show the keys that work here")                                              \
    X(PALETTE, "palette", GLOBAL, "show palette", "palette", "find anything that can be done by a part of its name, and do it")      \
    X(LAYERS, "layers", GLOBAL, "show chain", NULL, "list the layers of the image: what they are, where, and how much each supplies") \
    X(FORMATS, "formats", GLOBAL, "read-as FORMAT", NULL, "choose the format the image is read as, where its bytes only let one guess") \
    X(THEMES, "themes", GLOBAL, "theme NAME", NULL, "choose a theme; the screen shows the one that is marked")             \
    X(QUIT, "quit", GLOBAL, "quit", "quit", "close overlays first, then the program")                                  \
    X(GO_TO, "go-to", GLOBAL, "goto OFFSET", "go to", "ask for an offset and show it in hex and map")                  \
    X(ZOOM, "zoom", GLOBAL, "zoom", "zoom", "give the focused panel the screen, or share it again")                  \
    X(WIDER, "wider", GLOBAL, "layout BORDER SHARE", NULL, "move the border beside the focused panel so that it gets wider") \
    X(NARROWER, "narrower", GLOBAL, "layout BORDER SHARE", NULL, "make the focused panel narrower")                        \
    X(TALLER, "taller", GLOBAL, "layout BORDER SHARE", NULL, "make the focused panel taller")                              \
    X(SHORTER, "shorter", GLOBAL, "layout BORDER SHARE", NULL, "make the focused panel less tall")                         \
    X(CANCEL, "cancel", GLOBAL, NULL, NULL, "end the running command and nothing else")                                \
    X(SUSPEND, "suspend", GLOBAL, NULL, NULL, "stop the program; the shell's fg continues it")                         \
    X(REDRAW, "redraw", GLOBAL, NULL, NULL, "paint the whole screen anew")                                             \
    X(UP, "up", MOVE, NULL, NULL, "one row up")                                                                        \
    X(DOWN, "down", MOVE, NULL, NULL, "one row down")                                                                  \
    X(LEFT, "left", MOVE, NULL, NULL, "one step to the left")                                                          \
    X(RIGHT, "right", MOVE, NULL, NULL, "one step to the right")                                                       \
    X(PAGE_UP, "page-up", MOVE, NULL, NULL, "one page up")                                                             \
    X(PAGE_DOWN, "page-down", MOVE, NULL, NULL, "one page down")                                                       \
    X(HALF_UP, "half-page-up", MOVE, NULL, NULL, "half a page up")                                                     \
    X(HALF_DOWN, "half-page-down", MOVE, NULL, NULL, "half a page down")                                               \
    X(ROW_START, "row-start", MOVE, NULL, NULL, "to the start of the row")                                             \
    X(ROW_END, "row-end", MOVE, NULL, NULL, "to the end of the row")                                                   \
    X(FIRST, "first", MOVE, NULL, NULL, "to the very beginning")                                                       \
    X(LAST, "last", MOVE, NULL, NULL, "to the very end")                                                               \
    X(MAP_SHOW, "map-show", MAP, "goto OFFSET hex", "hex", "show the first byte of the cell in hex")           \
    X(MAP_NEXT_EXTENT, "map-next-extent", MAP, "map-next-extent OFFSET", "next extent", "to where the next extent begins")                 \
    X(MAP_PREVIOUS_EXTENT, "map-previous-extent", MAP, "map-previous-extent OFFSET", NULL, "to where this or the previous extent begins")      \
    X(MAP_ZOOM_IN, "map-zoom-in", MAP, "map-zoom-in OFFSET", "zoom in", "show an eighth, with the cursor in the middle")      \
    X(MAP_ZOOM_OUT, "map-zoom-out", MAP, "map-zoom-out OFFSET", "zoom out",                                                   \
      "show eight times as much, at most the whole image")                                                             \
    X(MAP_ZOOM_CELL, "map-zoom-cell", MAP, "map-zoom-cell OFFSET", "open cell", "show what is in the cell as large as the panel") \
    X(MAP_ZOOM_ALL, "map-zoom-all", MAP, "map-zoom-all", NULL, "show all of it")                                          \
    X(MAP_HOST, "map-host", MAP, "map-host OFFSET", "file/disk",                                                          \
      "switch between the order of the disk and that of the image's file, at the same byte")                           \
    X(MAP_CURVE, "map-curve", MAP, "map-curve", "curve", "lay the cells out along a Hilbert curve, or in rows")           \
    X(MAP_LIST, "map-list", MAP, "map-list", "extents", "list the extents, or show the picture again")                  \
    X(MAP_SIZES, "map-sizes", MAP, "map-sizes", "sizes", "show how many extents there are of which size, or the picture again") \
    X(MAP_DIFFERENCES, "map-differences", MAP, "differences", "compare",                                                  \
      "mark where the image differs from its backing file, or from what you name; nothing any more when it is marked")  \
    X(MAP_COMPARE_WITH, "map-compare-with", MAP, "differences IMAGE", "with another", "ask for an image or a snapshot and mark where it differs") \
    X(MAP_DIFFERENCE_LIST, "map-difference-list", MAP, "map-difference-list", "list", "list the differences, or show the picture again") \
    X(MAP_NEXT_DIFFERENCE, "map-next-difference", MAP, "map-next-difference OFFSET", "next difference", "to the next difference")       \
    X(MAP_PREVIOUS_DIFFERENCE, "map-previous-difference", MAP, "map-previous-difference OFFSET", "previous", "to the difference before") \
    X(MAP_NEXT_FAULT, "map-next-fault", MAP, "map-next-fault OFFSET", NULL, "to the next cluster of the file that is corrupt or leaked; from the order of the disk: to the first") \
    X(MAP_PREVIOUS_FAULT, "map-previous-fault", MAP, "map-previous-fault OFFSET", NULL, "to the corrupt or leaked cluster of the file before; from the order of the disk: to the last") \
    X(MAP_LAYER, "map-layer", MAP, "map-layer", NULL, "show only what the first layer supplies, then the next, then all again") \
    X(MAP_SCAN, "map-scan", MAP, "map-scan", NULL, "read the allocation of the whole image again, and compare again what is compared") \
    X(HEX_FOLLOW, "hex-follow", HEX, "hex-follow OFFSET", "buffer/image",                                                     \
      "switch between the last buffer and the image itself")                                                           \
    X(HEX_FOLD, "hex-fold", HEX, "hex-fold", "fold", "fold repeated rows, or show them all")                           \
    X(HEX_NEXT_EXTENT, "hex-next-extent", HEX, "hex-next-extent OFFSET", "next extent", "to where the next extent begins")                 \
    X(HEX_PREVIOUS_EXTENT, "hex-previous-extent", HEX, "hex-previous-extent OFFSET", NULL, "to where this or the previous extent begins")      \
    X(HEX_HOST, "hex-host", HEX, "hex-host", "file", "the file that holds the image, then those of the layers below") \
    X(HEX_TRANSLATE, "hex-translate", HEX, "hex-translate OFFSET", "file/image", "from the guest's byte to the file's byte that holds it, or back") \
    X(HEX_ENTER, "hex-enter", HEX, "hex-enter OFFSET", "follow", "to where the field under the cursor points") \
    X(HEX_SEARCH, "hex-search", HEX, "find TEXT", "search", "search for text") \
    X(HEX_SEARCH_HEX, "hex-search-hex", HEX, "find -x HEX", "search hex", "search for bytes, typed as hex with ? for any digit") \
    X(FIND_NEXT, "find-next", HEX, "find-next OFFSET", "next match", "to the next match") \
    X(FIND_PREVIOUS, "find-previous", HEX, "find-previous OFFSET", "previous", "to the match before") \
    X(HEX_CLEAR, "hex-clear", HEX, "hex-clear", "clear", "stop the search, else take away what is selected, else what is highlighted") \
    X(HEX_NEXT_SAME, "hex-next-same", HEX, "hex-next-same OFFSET", NULL, "to the next stretch of the kind and layer the cursor is in") \
    X(HEX_PREVIOUS_SAME, "hex-previous-same", HEX, "hex-previous-same OFFSET", NULL, "to the stretch of the kind and layer the cursor is in before") \
    X(HEX_NEXT_DATA, "hex-next-data", HEX, "hex-next-data OFFSET", NULL, "to the next stretch of data") \
    X(HEX_PREVIOUS_DATA, "hex-previous-data", HEX, "hex-previous-data OFFSET", NULL, "to the stretch of data before") \
    X(HEX_NEXT_ZERO, "hex-next-zero", HEX, "hex-next-zero OFFSET", NULL, "to the next stretch of zeroes that need no reading") \
    X(HEX_PREVIOUS_ZERO, "hex-previous-zero", HEX, "hex-previous-zero OFFSET", NULL, "to the stretch of zeroes that need no reading before") \
    X(HEX_NEXT_COMPRESSED, "hex-next-compressed", HEX, "hex-next-compressed OFFSET", NULL, "to the next stretch of compressed clusters") \
    X(HEX_PREVIOUS_COMPRESSED, "hex-previous-compressed", HEX, "hex-previous-compressed OFFSET", NULL, "to the stretch of compressed clusters before") \
    X(HEX_NEXT_NOT_ZERO, "hex-next-not-zero", HEX, "hex-next-not-zero OFFSET", NULL, "to the next byte that is not zero") \
    X(HEX_PREVIOUS_NOT_ZERO, "hex-previous-not-zero", HEX, "hex-previous-not-zero OFFSET", NULL, "to the byte that is not zero before") \
    X(HEX_NEXT_DIFFERENCE, "hex-next-difference", HEX, "hex-next-difference OFFSET", NULL, "to the next byte that differs from the backing file") \
    X(HEX_PREVIOUS_DIFFERENCE, "hex-previous-difference", HEX, "hex-previous-difference OFFSET", NULL, "to the byte that differs from the backing file before") \
    X(HEX_JUMP_BACK, "hex-jump-back", HEX, "hex-jump-back", "back", "back to where the cursor was before it jumped") \
    X(HEX_JUMP_FORWARD, "hex-jump-forward", HEX, "hex-jump-forward", NULL, "forward again") \
    X(HEX_SELECT, "hex-select", HEX, "hex-select OFFSET", "select", "select from here to where the cursor goes; again: the selection stays as it is") \
    X(HEX_YANK, "hex-yank", HEX, "hex-copy FORM OFFSET LENGTH", "copy", "copy what is selected as hex, C array, base64 or text") \
    X(HEX_SET_MARK, "hex-set-mark", HEX, "mark LETTER OFFSET", "mark", "mark this place with a letter, kept for later runs") \
    X(HEX_GO_MARK, "hex-go-mark", HEX, "to-mark LETTER", NULL, "to a marked place") \
    X(HEX_GROUP, "hex-group", HEX, "hex-group", "group", "bytes together in ones, twos, fours or eights") \
    X(HEX_BYTE_ORDER, "hex-byte-order", HEX, "hex-byte-order", NULL, "the bytes of a group in the other order") \
    X(HEX_INSPECTOR, "hex-inspector", HEX, "hex-inspector", NULL, "all of what the bytes at the cursor mean, two lines of it, or nothing: the bytes get the room") \
    X(HEX_OFFSETS, "hex-offsets", HEX, "hex-offsets", "offsets", "offsets in hex, in decimal, or from the cluster's start") \
    X(HEX_READ_AGAIN, "hex-read-again", HEX, "hex-read-again", NULL,                                                   \
      "forget what was read of the image and read it again")                                                           \
    X(HEX_EDIT, "hex-edit", HEX, "poke OFFSET BYTES", "type over", "type over the bytes from here on; they are written when you say so") \
    X(EDIT_WRITE, "edit-write", EDIT, "poke OFFSET BYTES", "write", "write what was typed") \
    X(EDIT_DROP, "edit-drop", EDIT, NULL, "leave it", "forget what was typed: nothing is written") \
    X(EDIT_COLUMN, "edit-column", EDIT, NULL, "digits/text", "type characters instead of digits, or digits again") \
    X(EDIT_UNDO, "edit-undo", EDIT, NULL, "take back", "take back what was typed last") \
    X(PENDING_RESUME, "pending-resume", PENDING, "resume TAG", "resume", "resume the request at its breakpoint; one that is at none gives the mark to the next that is") \
    X(PENDING_REMOVE_BREAK, "pending-remove-break", PENDING, "remove_break TAG", "remove break",                       \
      "remove the breakpoint the request is suspended at, or what is marked in the list of them")                                                             \
    X(PENDING_BREAKS, "pending-breakpoints", PENDING, "pending-breakpoints", "breakpoints", "list breakpoints and injected errors with their hits, or the requests again") \
    X(PENDING_CANCEL, "pending-cancel", PENDING, "cancel ID", "cancel", "end the request where that is possible")       \
    X(PENDING_SORT, "pending-sort", PENDING, "pending-sort", "sort", "sort by age, offset, size, operation or state, the next of them") \
    X(PENDING_FILTER, "pending-filter", PENDING, "pending-filter", "filter", "show only suspended requests, those in flight, and so on") \
    X(PENDING_TIMES, "pending-times", PENDING, "pending-times", "times", "show how long requests took, by operation, or the list again") \
    X(PENDING_EVENTS, "pending-events", PENDING, "pending-events", "events", "show the events the request passed, or the list again") \
    X(PENDING_TRACE, "pending-trace", PENDING, "trace on", "trace", "keep the events of requests from now on, or no more") \
    X(PENDING_ADD_BREAK, "pending-add-break", PENDING, "break EVENT TAG", "add break", "ask for an event and a tag and set a breakpoint") \
    X(PENDING_INJECT, "pending-inject", PENDING, "inject RULE", "inject", "ask for an event and an error and make requests fail") \
    X(PENDING_SHOW, "pending-show", PENDING, "goto OFFSET", "show range", "show the request's range in hex and map")   \
    X(CONSOLE_RUN, "console-run", CONSOLE, NULL, "run", "run the line")                                                \
    X(CONSOLE_COMPLETE, "console-complete", CONSOLE, NULL, "complete",                                                 \
      "complete the word; on an empty line, the next panel")                                                           \
    X(CONSOLE_LEAVE, "console-leave", CONSOLE, "focus PANEL", "leave", "give the focus back to the panel before")      \
    X(CONSOLE_PAGE_UP, "console-page-up", CONSOLE, "scroll LINES", "scroll", "scroll the output back")                           \
    X(CONSOLE_PAGE_DOWN, "console-page-down", CONSOLE, "scroll LINES", NULL, "scroll the output on")                             \
    X(CONSOLE_FIRST, "console-first", CONSOLE, "scroll LINES", NULL, "on an empty line: to the oldest output")                   \
    X(CONSOLE_LAST, "console-last", CONSOLE, "scroll", NULL, "on an empty line: to the newest output")                     \
    X(CONSOLE_SEARCH, "console-search", CONSOLE, "scroll -t TEXT LINES", NULL, "look for a text in the output, upwards from what is shown") \
    X(CONSOLE_SEARCH_UP, "console-search-up", CONSOLE, "scroll -t TEXT LINES", NULL, "to where that text is further up")                 \
    X(CONSOLE_SEARCH_DOWN, "console-search-down", CONSOLE, "scroll -t TEXT LINES", NULL, "to where that text is further down")           \
    X(CONSOLE_COPY, "console-copy", CONSOLE, NULL, NULL,                                                               \
      "copy the lines marked by mouse, else what the last command said, to the terminal's clipboard")                  \
    X(CONSOLE_QUIT, "console-quit", CONSOLE, "quit", "quit", "on an empty line: end the program")                        \
    X(PROMPT_ACCEPT, "prompt-accept", PROMPT, NULL, "accept", "take the line")                                         \
    X(PROMPT_CANCEL, "prompt-cancel", PROMPT, NULL, "cancel", "leave without doing anything")                          \
    X(OVERLAY_CLOSE, "overlay-close", OVERLAY, NULL, "close", "back to the panels")                                    \
    X(OVERLAY_SEARCH, "overlay-search", OVERLAY, NULL, "search", "show only what has a text in key, name or meaning")      \
    X(CHOOSER_ACCEPT, "chooser-accept", CHOOSER, NULL, "take it", "do or take what is marked")                             \
    X(CHOOSER_CANCEL, "chooser-cancel", CHOOSER, NULL, "cancel", "back to the panels, with nothing changed")               \
    X(CHOOSER_UP, "chooser-up", CHOOSER, NULL, NULL, "mark the one above")                                             \
    X(CHOOSER_DOWN, "chooser-down", CHOOSER, NULL, NULL, "mark the one below")                                         \
    X(CHOOSER_PAGE_UP, "chooser-page-up", CHOOSER, NULL, NULL, "a page up")                                            \
    X(CHOOSER_PAGE_DOWN, "chooser-page-down", CHOOSER, NULL, NULL, "a page down")                                      \
    X(CHAIN_SHOW, "chain-show", CHAIN, "goto hN:0", "show in hex", "show the layer's file in hex")                         \
    X(CHAIN_MAP, "chain-map", CHAIN, "map-only LAYER", "on the map", "show on the map what this layer supplies, and nothing else") \
    X(CHAIN_RELINK, "chain-relink", CHAIN, "relink ROLE PATH", "another file", "type the path of the file to open in its place") \
    X(CHAIN_FOLLOW, "chain-follow", CHAIN, "follow ROLE", "open it", "open one that was left out")                         \
    X(CHAIN_CLOSE, "chain-close", CHAIN, "show none", "close", "back to the panels")                                       \
    X(APPROVAL_OPEN, "approval-open", APPROVAL, "follow ROLE", "open", "open this file, and ask about what it names in turn") \
    X(APPROVAL_OPEN_ALL, "approval-open-all", APPROVAL, "follow all", "all",                                          \
      "open it and all it names in turn, as long as those are plain files or block devices")                           \
    X(APPROVAL_RELINK, "approval-relink", APPROVAL, "relink ROLE PATH", "another", "type the path of the file to open in its place") \
    X(APPROVAL_LEAVE_OUT, "approval-leave-out", APPROVAL, "follow none", "leave out", "leave it out: what it holds is shown as missing") \
    X(APPROVAL_TAKE, "approval-take", APPROVAL, NULL, "do so", "do what the letter says that was typed, if that is all that was: a line meant for the console is no answer") \
    X(APPROVAL_CLOSE, "approval-close", APPROVAL, "follow none", "leave out at once", "forget what was typed; if nothing was, leave it out")

enum request {
    REQUEST_NONE = -1,
#define REQUEST_ENUM(constant, name, context, command, label, help) REQUEST_##constant,
    REQUEST_LIST(REQUEST_ENUM)
#undef REQUEST_ENUM
        REQUEST_COUNT,
};

struct request_info {
    const char *name;
    enum request_context context;
    const char *command; /* the command it equals, NULL: none */
    const char *label;   /* in the hints line, NULL: not there */
    const char *help;
};

const struct request_info *request_info(enum request request);
/* REQUEST_NONE if there is none of that name. */
enum request request_find(const char *name);
/* REQUEST_CONTEXT_COUNT if there is none of that name. */
enum request_context request_context_find(const char *name);
/* Whether there is a command of its name that does it: those of the panels have one. */
bool request_has_command(enum request request);
/* Whether it is a command of its own name; and whether that takes the offset of the panel's cursor. */
bool request_is_command(enum request request);
bool request_wants_offset(enum request request);
const char *request_context_name(enum request_context context);
/* One sentence: where the context's keys work. */
const char *request_context_help(enum request_context context);
