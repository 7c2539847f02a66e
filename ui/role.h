/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colour roles: what a cell means; a theme says how that looks. */
#pragma once

#include <stdbool.h>

/*
 * One line a role: constant, name in theme files.  A role names a meaning ("error", "byte that is NUL"), never
 * a colour; meaning that matters is also in the text, since a terminal may be monochrome.
 */
#define ROLE_LIST(X)                                                                                                   \
    X(TEXT, "text")                                                                                                    \
    X(DIM, "dim")                                                                                                      \
    X(STRONG, "strong")                                                                                                \
    X(FRAME, "frame")                                                                                                  \
    X(FRAME_FOCUS, "frame-focus")                                                                                      \
    X(TITLE, "title")                                                                                                  \
    X(TITLE_FOCUS, "title-focus")                                                                                      \
    X(BAR, "bar")                                                                                                      \
    X(BAR_IMAGE, "bar-image")                                                                                          \
    X(BADGE_READ_ONLY, "badge-read-only")                                                                              \
    X(BADGE_WRITABLE, "badge-writable")                                                                                \
    X(BADGE_ALERT, "badge-alert")                                                                                      \
    X(TAB, "tab")                                                                                                      \
    X(TAB_FOCUS, "tab-focus")                                                                                          \
    X(HINT_KEY, "hint-key")                                                                                            \
    X(HINT_LABEL, "hint-label")                                                                                        \
    X(HEADER, "header")                                                                                                \
    X(OFFSET, "offset")                                                                                                \
    X(BYTE_NUL, "byte-nul")                                                                                            \
    X(BYTE_PRINT, "byte-print")                                                                                        \
    X(BYTE_SPACE, "byte-space")                                                                                        \
    X(BYTE_CONTROL, "byte-control")                                                                                    \
    X(BYTE_HIGH, "byte-high")                                                                                          \
    X(BYTE_UNKNOWN, "byte-unknown")                                                                                    \
    X(BYTE_HOLE, "byte-hole")                                                                                          \
    X(KIND_DATA, "kind-data")                                                                                          \
    X(KIND_ZERO, "kind-zero")                                                                                          \
    X(KIND_ZERO_ALLOCATED, "kind-zero-allocated")                                                                      \
    X(KIND_COMPRESSED, "kind-compressed")                                                                              \
    X(KIND_UNALLOCATED, "kind-unallocated")                                                                            \
    X(KIND_HOLE, "kind-hole")                                                                                          \
    X(KIND_MIXED, "kind-mixed")                                                                                        \
    X(KIND_UNKNOWN, "kind-unknown")                                                                                    \
    X(KIND_ERROR, "kind-error")                                                                                        \
    X(STATE_QUEUED, "state-queued")                                                                                    \
    X(STATE_IN_FLIGHT, "state-in-flight")                                                                              \
    X(STATE_SUSPENDED, "state-suspended")                                                                              \
    X(STATE_DONE, "state-done")                                                                                        \
    X(STATE_FAILED, "state-failed")                                                                                    \
    X(PROMPT, "prompt")                                                                                                \
    X(INPUT, "input")                                                                                                  \
    X(ECHO, "echo")                                                                                                    \
    X(ERROR, "error")                                                                                                  \
    X(WARNING, "warning")                                                                                              \
    X(NOTE, "note")                                                                                                    \
    X(OVERLAY, "overlay")                                                                                              \
    X(SELECTION, "selection")                                                                                          \
    X(CURSOR, "cursor")                                                                                                \
    X(BYTE_MATCH, "byte-match")                                                                                        \
    X(BYTE_CHANGED, "byte-changed")

enum role {
#define ROLE_ENUM(constant, name) ROLE_##constant,
    ROLE_LIST(ROLE_ENUM)
#undef ROLE_ENUM
        ROLE_COUNT,
};

/* Name as in theme files and snapshots; static. */
const char *role_name(enum role role);
/* The role of that name, or -ENOENT. */
int role_parse(const char *name);
